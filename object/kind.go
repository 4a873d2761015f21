package object

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
)

// DefaultIdle is how long an object stays open without work.
const DefaultIdle = 60 * time.Second

// DefaultTurnLimit is the default of [Kind].TurnLimit.
const DefaultTurnLimit = 5 * time.Second

// TurnLimitName is the class name of the error of a call whose turn took longer than
// [Kind].TurnLimit. The turn was rolled back.
const TurnLimitName = "TurnLimitError"

// Kind configures the objects of one binding.
type Kind struct {
	// New creates the handler of one instance at its first call, and again after it was closed
	// for being idle. It runs in the object's turn but cannot use storage or call; a handler
	// that must load something first implements [Starter]. New is also called for an object
	// that does not exist, to find out what the binding exposes. Required.
	New func(o *Object) lmz.Handler

	// Schema lists the migrations of the object's own SQL tables ([Object.SQL]), in order.
	// Never change or remove one that was released; append. Each is one or more statements. New
	// migrations are applied to a file in one transaction when it is opened, before OnStart; a
	// file with more migrations than Schema lists is refused.
	Schema []string

	// Relaxed lets commits return before they are on disk (PRAGMA synchronous = NORMAL). This
	// is many times faster. Acknowledged writes survive a crash of the process, but a crash of
	// the machine may lose the last seconds. Files stay consistent either way.
	Relaxed bool

	// TurnLimit is how long a turn may take, without its commit. Beyond it the handler's ctx is
	// canceled, the log names the method, and the internal error that the handler returns
	// reaches the caller as a [TurnLimitName]. Each wait in CallRaw begins another turn. 0
	// means [DefaultTurnLimit], a negative duration no limit. The caller's deadline can end a
	// handler earlier, not later.
	TurnLimit time.Duration

	// MaxBytes is how much one object may store: a turn that would exceed it is rolled back
	// with [lmz.ErrQuotaExceeded]. 0 means [DefaultMaxBytes], a negative number no limit.
	MaxBytes int64

	// Idle is how long an object without queued or running work stays open. Then its file is
	// closed and its handler dropped, with all of the handler's memory. 0 means [DefaultIdle],
	// a negative duration forever. When more than 2,000 objects are open, or they take more
	// than 512 MiB of memory (64 MiB for those opened by one subject's calls), those idle for
	// longest are closed in any case.
	Idle time.Duration
}

// options returns the options of the object's storage.
func (k Kind) options() store.Options { return store.Options{Schema: k.Schema, Relaxed: k.Relaxed} }

// Starter is a handler with work to do before its first call: OnStart runs after New, in a
// separate turn with a fresh call chain. It may use storage and Send; CallRaw fails, because
// it would give up the turn before the object is ready. If it returns an error, the call
// that woke the object is refused, and the next call tries again.
type Starter interface {
	OnStart(ctx context.Context) error
}
