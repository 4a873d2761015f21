package object

import (
	"context"
	"errors"
	"io/fs"

	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz"
)

var (
	// ErrInUse says that another process has the data directory.
	ErrInUse = errors.New("data directory in use")

	// ErrNoTurn says that storage was used without the object's turn: with a ctx that
	// no handler of this object got, after the handler returned, or while it waited in
	// CallRaw.
	ErrNoTurn = errors.New("no turn: storage needs the ctx of a handler of this object that is running now")
)

var (
	errCallInStart = errors.New("CallRaw in OnStart: it would give up the turn before the object is ready; call from a method, or use Send")
	errCallInTx    = errors.New("CallRaw in Object.Tx: it would give up the turn and so commit the half of it; call before or after, or use Send")
	errCallInRows  = errors.New("CallRaw in a loop over rows: it would give up the turn in the middle of them; read them all first, with QueryAll")
	errCallInCheck = errors.New("CallRaw in a check of guards: nothing may leave the object")
	errTurnFailed  = errors.New("the storage failed earlier in this turn, which will be rolled back")
	errRolledBack  = errors.New("the turn was rolled back")
	errReset       = errors.New("the object was reset while this handler waited in CallRaw")
	errRemoved     = errors.New("the object was removed while this handler waited in CallRaw")
	errClosed      = errors.New("the runtime was closed while this handler ran")
	errExited      = errors.New("the handler ended its goroutine (runtime.Goexit, which FailNow of a test calls)")

	// errMaybeStored is a commit that failed so late that the data may be found again
	// after a crash.
	errMaybeStored = errors.New("the data may be on disk")
)

// notExecuted is the error of a call that its callee never saw.
func notExecuted(message string) *lmz.Error {
	return &lmz.Error{Code: lmz.CodeGateway, Message: message}
}

func absent(message string) *lmz.Error {
	return &lmz.Error{Code: lmz.CodeAbsent, Message: message}
}

// whyEnded says in words why ctx ended.
func whyEnded(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "deadline passed"
	}
	return "given up"
}

// damaged is what callers get to know of a file that SQLite cannot read.
const damaged = "its file is damaged and was left as it is"

// isDamaged reports whether err says that an object's file cannot be read.
func isDamaged(err error) bool {
	code := sqlite.ErrCode(err).ToPrimary()
	return code == sqlite.ResultCorrupt || code == sqlite.ResultNotADB
}

// withoutPath drops the file's path from an error of storage, which will be
// logged: a path says where the data lies.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return errors.New(p.Op + ": " + p.Err.Error())
	}
	if code := sqlite.ErrCode(err); code != sqlite.ResultError {
		return errors.New("SQLite: " + code.String() + ": " + code.Message())
	}
	return err
}
