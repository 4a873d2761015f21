package object

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqlite"
	"github.com/lumenize/lmz/internal/turn"
	"github.com/lumenize/lmz/internal/wake"
)

// Limits of a runtime.
const (
	maxWaiting   = 10_000           // calls waiting for the turn of one object,
	maxEach      = 1000             // and those of them that one subject pays for
	maxPeeking   = 2                // objects copied for checks at once
	closeTimeout = 10 * time.Second // how long Close waits for running turns
	stopTimeout  = time.Second      // how long Close then waits for them to notice that their ctx has ended
)

// Runtime runs the objects of one data directory. Create one with [Open]. Its methods are
// safe for concurrent use.
type Runtime struct {
	receiver

	mesh     proto.Mesh
	log      *slog.Logger
	disk     store.Disk
	ctx      context.Context // ends when handlers must stop
	stop     context.CancelFunc
	wakes    *wake.Index
	starting sync.Once        // resumes the work of an earlier life
	peeking  chan struct{}    // a token for each object being copied for a check
	waking   chan struct{}    // a token for each object being opened for due work
	maxOpen  int              // above it, the longest idle objects are closed
	maxBytes int64            // the same, by cost
	maxEach  int64            // the same, by cost of the objects opened by one subject's calls
	dead     atomic.Bool      // Close gave up on handlers: nothing may be written any more
	commits  atomic.Int64     // transactions that wrote something
	refused  atomic.Uint64    // calls refused because the line was too long
	holding  atomic.Int64     // stored sends that wait for another attempt
	accounts *budget.Accounts // usage by subject
	usage    *usage           // persists the durable kinds of usage

	closing  sync.Once
	closeErr error

	mu      sync.Mutex
	kinds   map[string]Kind
	objects map[lmz.Address]*Object // objects that are open or about to be
	known   map[proto.CallID]*known // calls that are queued or running
	idle    list.List               // objects without work, longest idle first
	crowded int                     // objects that are being closed because too many are open
	opens   int64                   // cost of all open objects
	openers map[string]*opener      // by the subject whose call opened them
	leaving int64                   // cost of those that crowded counts

	sending   map[proto.SessionID]*stored // sends under way, by ID
	chores    int64                       // number of chores so far in this life
	postponed map[lmz.Address]*postponed

	lanes    map[laneKey]*lane
	late     map[lmz.Address][]*lane      // lanes whose rows are out of date, by sender
	unsaved  map[lmz.Address][]settlement // settlements that are not on disk yet, by sender
	watching map[watched]string           // watches under way, and their payers
	ends     ends

	working int // the sum of the objects' work
	closed  bool
	drained chan struct{} // closed when the runtime is closed and no work is left
}

// Open opens the data directory dir, creating it if necessary. It fails with [ErrInUse]
// while another process has it. If the wake index, index.db, is missing, it is rebuilt from
// the files of all objects, which takes some time. Calls and sends of the objects go to m,
// which may be nil if they make none. The log gets, among other things, the errors hidden
// from callers; a nil log discards them.
func Open(dir string, m Mesh, log *slog.Logger) (*Runtime, error) {
	mesh, err := meshOf(m)
	if err != nil {
		return nil, err
	}
	disk, err := sqlite.Open(dir, namespaced(log), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	return openOn(disk, mesh, log)
}

// openOn returns a runtime on a disk, which it closes.
func openOn(disk store.Disk, mesh proto.Mesh, log *slog.Logger) (*Runtime, error) {
	ctx, stop := context.WithCancel(context.Background())
	rt := &Runtime{
		mesh: mesh,
		log:  namespaced(log),
		disk: disk,
		ctx:  ctx,
		stop: stop,

		kinds:   make(map[string]Kind),
		objects: make(map[lmz.Address]*Object),
		known:   make(map[proto.CallID]*known),
		maxOpen: maxOpen, maxBytes: maxOpenBytes, maxEach: maxOpenEach,
		drained: make(chan struct{}),

		sending:   make(map[proto.SessionID]*stored),
		postponed: make(map[lmz.Address]*postponed),
		lanes:     make(map[laneKey]*lane),
		late:      make(map[lmz.Address][]*lane),
		unsaved:   make(map[lmz.Address][]settlement),
		openers:   make(map[string]*opener),
		watching:  make(map[watched]string),
		waking:    make(chan struct{}, maxWaking),
		peeking:   make(chan struct{}, maxPeeking),
	}
	rt.receiver = receiver{rt}
	if m, ok := mesh.(interface{ Accounts() *budget.Accounts }); ok {
		rt.accounts = m.Accounts()
	} else {
		rt.accounts = new(budget.Accounts)
	}
	var err error
	rt.usage, err = openUsage(rt.accounts, disk.Usage(), func(err error) {
		rt.log.Error("writing what subjects hold failed", "error", store.WithoutPath(err))
	})
	if err != nil {
		err = fmt.Errorf("what subjects hold: %w", store.WithoutPath(err))
		return nil, errors.Join(err, disk.Usage().Close(), disk.Wakes().Close(), disk.Close())
	}
	if rt.wakes, err = wake.Open(disk.Wakes(), rt.log, rt.wake, laneRetry.pause); err != nil {
		err = fmt.Errorf("index of wakes: %w", store.WithoutPath(err))
		return nil, errors.Join(err, rt.usage.close(), disk.Wakes().Close(), disk.Close())
	}
	return rt, nil
}

// namespaced returns the log of this package (see package debug). log may be nil.
func namespaced(log *slog.Logger) *slog.Logger {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return log.With("namespace", "lmz.object")
}

// Register sets the kind of a binding's objects. Call it before the first call to an object.
// It panics if the binding is empty, too long or already registered, or if k.New is nil.
func (rt *Runtime) Register(binding string, k Kind) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	_, taken := rt.kinds[binding]
	switch {
	case binding == "":
		panic("object: Register: empty binding")
	case len(binding) > maxBinding:
		panic("object: Register " + binding + ": longer than " + strconv.Itoa(maxBinding) + " bytes")
	case taken:
		panic("object: Register " + binding + ": registered twice")
	case k.New == nil:
		panic("object: Register " + binding + ": nil New")
	}
	if k.Idle == 0 {
		k.Idle = DefaultIdle
	}
	if k.TurnLimit == 0 {
		k.TurnLimit = DefaultTurnLimit
	}
	if k.MaxBytes == 0 {
		k.MaxBytes = DefaultMaxBytes
	}
	rt.kinds[binding] = k
}

// CheckTarget returns why no object can exist at a, or nil.
func (rt *Runtime) CheckTarget(a lmz.Address) *lmz.Error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	_, err := rt.kindOf(a)
	return err
}

// kindOf returns the kind of the object at a. rt.mu is held.
func (rt *Runtime) kindOf(a lmz.Address) (Kind, *lmz.Error) {
	kind, ok := rt.kinds[a.Binding]
	if !ok {
		return kind, absent("no objects are registered as " + quoted(a.Binding))
	}
	return kind, checkInstance(a.Instance)
}

// anyLength means that a line has no limit.
const anyLength = 1 << 30

// enter counts a piece of work for the object at a and takes a place for who in the object's
// line, which must not be longer than limit. Call leave when the work is done.
func (rt *Runtime) enter(a lmz.Address, who turn.Who, limit int) (*Object, *turn.Place, *lmz.Error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	kind, err := rt.kindOf(a)
	if err != nil {
		return nil, nil, err
	}
	if rt.closed {
		return nil, nil, notExecuted("the gateway is closing")
	}
	o := rt.objects[a]
	if o == nil {
		o = &Object{rt: rt, kind: kind, id: lmz.Identity{Type: lmz.TypeObject, Address: a}}
		rt.objects[a] = o
	}
	if method := o.stuck.Load(); method != nil && limit != anyLength {
		return nil, nil, errStuck(*method)
	}
	if all, own := o.line.Waiting(who.Payer); all >= limit || own >= maxEach && limit != anyLength {
		rt.refused.Add(1)
		return nil, nil, &lmz.Error{Code: lmz.CodeGateway, Name: errtype.Busy, Message: strconv.Itoa(own) + " of your calls wait for this object"}
	}
	rt.markBusy(o)
	o.work++
	rt.working++
	return o, o.line.Join(who), nil
}

// Refused returns how many calls were refused with [lmz.ErrBusy] because too many waited for
// their object.
func (rt *Runtime) Refused() uint64 { return rt.refused.Load() }

// leave ends a piece of work counted by enter.
func (rt *Runtime) leave(o *Object) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	o.work--
	rt.working--
	switch {
	case rt.closed:
		if rt.working == 0 {
			close(rt.drained)
		}
	case o.work == 0 && !o.removed:
		rt.markIdle(o)
	}
}

// retire closes an object that is still idle. Closing takes the object's turn, so a call
// that arrives meanwhile waits for it and reopens the object.
func (rt *Runtime) retire(o *Object) {
	rt.mu.Lock()
	if o.work > 0 || rt.closed || rt.objects[o.id.Address] != o {
		rt.mu.Unlock()
		return
	}
	rt.markBusy(o)
	o.work++
	rt.working++
	place := o.line.Join(turn.Who{})
	rt.mu.Unlock()

	place.Wait(context.Background())
	o.flush()
	o.tidy()
	o.settled()
	failpoint.Here("eviction")
	o.close()
	failpoint.Here("after eviction")
	rt.wakes.Retired(o.id.Address)
	place.Done()

	rt.mu.Lock()
	forget := o.work == 1 && !rt.closed && !o.removed
	if forget {
		o.work--
		rt.working--
		delete(rt.objects, o.id.Address)
	}
	rt.mu.Unlock()
	if !forget {
		rt.leave(o)
	}
}

// bound returns ctx with a deadline; it is also canceled when handlers must stop.
func (rt *Runtime) bound(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancelTimeout := proto.WithDeadline(ctx)
	ctx, cancel := rt.stoppable(ctx)
	return ctx, func(cause error) {
		cancel(cause)
		cancelTimeout()
	}
}

// stoppable returns a ctx that is also canceled when handlers must stop. The caller must
// cancel it.
func (rt *Runtime) stoppable(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(rt.ctx, func() { cancel(nil) })
	return ctx, func(cause error) {
		unhook()
		cancel(cause)
	}
}

func (rt *Runtime) isClosed() bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.closed
}

// Close refuses new calls and those that have not begun, lets running handlers finish,
// closes all files and unlocks the data directory. After 10 seconds the ctx of handlers
// still running is canceled; one that keeps running even then is abandoned, can no longer
// write, and is named in the error. Do not call Close from a handler.
func (rt *Runtime) Close() error {
	rt.closing.Do(func() { rt.closeErr = rt.shutDown() })
	return rt.closeErr
}

func (rt *Runtime) shutDown() error {
	rt.mu.Lock()
	rt.closed = true
	for _, o := range rt.objects {
		if o.idle != nil {
			o.idle.Stop()
		}
	}
	for _, l := range rt.lanes {
		l.stop()
	}
	for a := range rt.postponed {
		rt.endPostponed(a)
	}
	if rt.working == 0 {
		close(rt.drained)
	}
	rt.mu.Unlock()

	ok := rt.wait(closeTimeout)
	rt.stop()
	if !ok {
		rt.wait(stopTimeout)
	}
	rt.dead.Store(true)

	rt.mu.Lock()
	var errs []error
	var idle []*Object
	for _, o := range rt.objects {
		if o.work == 0 {
			idle = append(idle, o)
		} else {
			errs = append(errs, fmt.Errorf("%s is still running a handler", o.id.Address))
		}
	}
	rt.mu.Unlock()
	for _, o := range idle { // nothing takes their turns any more
		o.settled()
		o.tidy()
		o.close()
	}
	rt.wakes.Flush()
	return errors.Join(append(errs, rt.wakes.Close(), rt.usage.close(), rt.disk.Close())...)
}

// wait waits until all work is done, for at most d, and reports whether it was.
func (rt *Runtime) wait(d time.Duration) bool {
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	select {
	case <-rt.drained:
		return true
	case <-timeout.C:
		return false
	}
}
