package object

import (
	"context"
	"errors"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
)

var (
	// ErrInUse means that another process has locked the data directory.
	ErrInUse = store.ErrInUse

	// ErrNoTurn means that storage was used without the object's turn: with a ctx that is not
	// from a running handler of this object, or while the handler waited in CallRaw.
	ErrNoTurn = errors.New("no turn: storage needs the ctx of a handler of this object that is running now")
)

var (
	errCallInStart = errors.New("CallRaw in OnStart: it would give up the turn before the object is ready; call from a method, or use Send")
	errCallInTx    = errors.New("CallRaw in Object.Tx: it would give up the turn and so commit the half of it; call before or after, or use Send")
	errCallInRows  = errors.New("CallRaw in a loop over rows: it would give up the turn in the middle of them; read them all first, with QueryAll")
	errCallInCheck = errors.New("CallRaw in a check of guards: nothing may leave the object")
	errTurnFailed  = errors.New("the storage failed earlier in this turn, which will be rolled back")
	errUndone      = errors.New("an earlier commit of the object was lost, and this turn was undone with it")
	errRolledBack  = errors.New("the turn was rolled back")
	errReset       = errors.New("the object was reset while this handler waited in CallRaw")
	errRemoved     = errors.New("the object was removed while this handler waited in CallRaw")
	errClosed      = errors.New("the runtime was closed while this handler ran")
	errExited      = errors.New("the handler ended its goroutine (runtime.Goexit, which FailNow of a test calls)")
)

// notExecuted is the error of a call that its callee never saw.
func notExecuted(message string) *lmz.Error {
	return &lmz.Error{Code: lmz.CodeGateway, Message: message}
}

func absent(message string) *lmz.Error {
	return &lmz.Error{Code: lmz.CodeAbsent, Message: message}
}

// whyEnded describes why ctx ended.
func whyEnded(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "deadline passed"
	}
	return "given up"
}
