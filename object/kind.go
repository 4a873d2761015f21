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

// Kind says how the objects of one binding are made and kept.
type Kind struct {
	// New makes the handler of one instance when its first call comes, and again
	// after it was closed for being idle. It runs in the object's turn but cannot use
	// storage or call; a handler that must load something first is a [Starter]. It is also
	// called for an object that does not exist, when somebody asks what the binding
	// exposes. Required.
	New func(o *Object) lmz.Handler

	// Schema is the migrations of the object's own SQL tables ([Object.SQL]), in order.
	// Never change or remove one that was released; append. Each is one or more
	// statements. Those that a file does not have yet are applied in one transaction when
	// it is opened, before OnStart; a file that has had more migrations than Schema lists
	// is refused.
	Schema []string

	// Relaxed lets commits return before they are on disk (PRAGMA synchronous = NORMAL). It
	// is many times faster. Acknowledged writes survive a crash of the process, but a crash
	// of the machine may lose the last seconds. Files stay consistent either way.
	Relaxed bool

	// TurnLimit is how long a turn may take, without its commit: beyond it the handler's ctx
	// ends, the log names the method, and the internal error that the handler returns
	// reaches the caller as a [TurnLimitName]. Each wait in CallRaw begins another turn. 0
	// means [DefaultTurnLimit], a negative time no limit. The caller's deadline can end a
	// handler earlier, not later.
	TurnLimit time.Duration

	// MaxBytes is how much one object may store: a turn that would make it larger is rolled
	// back with [lmz.ErrQuotaExceeded]. 0 means [DefaultMaxBytes], a negative number no limit.
	MaxBytes int64

	// Idle is how long an object without queued or running work stays open. Then its
	// file is closed and its handler dropped, with everything the handler remembers. 0
	// means [DefaultIdle], a negative time forever. When more than 2,000 objects are open,
	// or they take more than 512 MiB of memory (64 MiB for those that one subject's calls have
	// opened), those that have been without work for longest are closed in any case.
	Idle time.Duration
}

// options are what the object's storage needs to know.
func (k Kind) options() store.Options { return store.Options{Schema: k.Schema, Relaxed: k.Relaxed} }

// Starter is a handler that has something to do before its first call: OnStart
// runs after New, in a turn of its own with a fresh call chain. It may use storage
// and Send; CallRaw fails, because it would give up the turn before the object is
// ready. An error refuses the call that woke the object, and the next call tries
// again.
type Starter interface {
	OnStart(ctx context.Context) error
}
