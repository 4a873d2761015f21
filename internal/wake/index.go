package wake

import (
	"log/slog"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
)

// Special times in the index. All others are Unix milliseconds.
const (
	AtStart = int64(0)       // pending work that only a start must resume
	Never   = int64(1) << 62 // nothing to do
	Dead    = int64(1) << 61 // only dead letters are kept: the object is not woken
)

// Index tracks when objects must be woken, and keeps the stored index from ever being later
// than the truth. The stored index may be too early until the object is closed. Its methods
// are safe for concurrent use.
type Index struct {
	stored store.WakeIndex
	log    *slog.Logger
	wake   func(lmz.Address)                // opens an object and does its due work
	pause  func(failures int) time.Duration // before an object that was unable is retried
	now    func() time.Time                 // the wall clock, time.Now except in tests

	mu      sync.Mutex // guards the following fields
	objects map[lmz.Address]*entry
	next    *batch          // the next write of the index, nil if none is wanted
	writing *batch          // the write under way, or nil
	late    map[*entry]bool // entries whose stored time may be too early
	lazy    *time.Timer     // corrects the late entries, nil if there are none
	queue   queue           // ordered by alarm
	alarm   *time.Timer     // for the head of the queue
	started bool
	closed  bool
}

// entry is the state of one object.
type entry struct {
	of     lmz.Address
	stored int64  // the time in the index once batch is done
	batch  *batch // the last write that included the object, or nil
	actual int64  // the time according to the object's last commit
	low    int64  // the earliest time of the announced commits, Never if there are none
	open   int    // announced commits that have not ended
	alarm  int64  // when to wake it next in this life, Never if not
	asked  int64  // the last requested alarm; ignored while the object is unable
	place  int    // index in the queue, -1 if not in it
	unable Inability
}

// Inability describes why an object cannot do its own work now. The zero value means that it
// can.
type Inability struct {
	Failures int
	Since    time.Time
	Why      string
}

// batch is one write of the index.
type batch struct {
	changes map[lmz.Address]int64
	done    chan struct{} // closed when it is on disk, or failed
	err     error
}

// wakeAgain is the pause before an object whose commit failed is woken again.
const wakeAgain = time.Second

// LookAgain is the maximum interval between checks of the clock while an alarm is pending:
// timers do not account for the machine sleeping or its clock being set.
const LookAgain = 5 * time.Second

// lazyWrite is how long corrections wait to be batched with others or with a required write.
const lazyWrite = time.Second

// Open reads the stored index. After Start, the index calls wake for each object that is
// due; pause returns how long to wait before retrying an object that was unable so many
// times.
func Open(stored store.WakeIndex, log *slog.Logger, wake func(lmz.Address), pause func(failures int) time.Duration) (*Index, error) {
	times, err := stored.Load()
	if err != nil {
		return nil, err
	}
	w := &Index{
		stored: stored, log: log, wake: wake, pause: pause, now: time.Now,
		objects: make(map[lmz.Address]*entry, len(times)), late: make(map[*entry]bool),
	}
	for a, at := range times {
		e := &entry{of: a, stored: at, actual: at, low: Never, alarm: Never, asked: Never, place: -1}
		w.objects[a] = e
		if at != Dead {
			e.alarm, e.asked = at, at
			w.queue.add(e)
		}
	}
	return w, nil
}

// Start begins to wake due objects. Only the first call has an effect.
func (w *Index) Start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.started {
		w.started = true
		w.setTimer()
	}
}

// entry returns the entry of an object, creating it if necessary. w.mu is held.
func (w *Index) entry(a lmz.Address) *entry {
	e := w.objects[a]
	if e == nil {
		e = &entry{of: a, stored: Never, actual: Never, low: Never, alarm: Never, asked: Never, place: -1}
		w.objects[a] = e
	}
	return e
}

// Announce prepares for a commit after which the object must be woken at a time. When it
// returns without an error, the stored index has that time or an earlier one until Committed
// or Failed reports the end of the commit. An object may have several commits under way;
// they end in order. After an error call Failed.
func (w *Index) Announce(a lmz.Address, at int64) error {
	w.mu.Lock()
	e := w.entry(a)
	e.low = min(e.low, at)
	e.open++
	if e.stored > at {
		w.put(e, at)
	}
	batch := e.batch // which may contain it already, but not be done
	w.mu.Unlock()
	if batch == nil {
		return nil
	}
	<-batch.done
	return batch.err
}

// Committed reports that the first of the commits under way is durable, and when the object
// must be woken after a start and when in this life. Known reports these times without a
// commit.
func (w *Index) Committed(a lmz.Address, atStart, alarm int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	e.ended()
	e.actual = atStart
	w.ask(e, alarm)
	w.forget(e)
}

// ended ends an announced commit.
func (e *entry) ended() {
	if e.open = max(e.open-1, 0); e.open == 0 {
		e.low = Never
	}
}

// Known is documented at Committed.
func (w *Index) Known(a lmz.Address, atStart, alarm int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	e.actual = atStart
	w.ask(e, alarm)
	w.forget(e)
}

// Next sets when to wake the object next, in this life.
func (w *Index) Next(a lmz.Address, alarm int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	w.ask(e, alarm)
	w.forget(e)
}

// ask sets when an object wants to be woken in this life, which is ignored while it is
// unable. w.mu is held.
func (w *Index) ask(e *entry, alarm int64) {
	e.asked = alarm
	if e.unable.Failures == 0 {
		w.setAlarm(e, alarm)
	}
}

// Failed reports that the first of the commits under way was lost: the object is woken again
// a little later. The stored index stays as it is, because what is stored is uncertain.
func (w *Index) Failed(a lmz.Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	e.actual = min(e.actual, e.low)
	e.ended()
	w.setAlarm(e, min(e.alarm, w.now().Add(wakeAgain).UnixMilli()))
}

// Unable reports that an object could not do its own work, which is retried after a growing
// pause.
func (w *Index) Unable(a lmz.Address, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	if e.unable.Failures == 0 {
		e.unable.Since = w.now()
	}
	e.unable.Failures++
	e.unable.Why = why
	w.setAlarm(e, w.now().Add(w.pause(e.unable.Failures)).UnixMilli())
}

// Able undoes Unable.
func (w *Index) Able(a lmz.Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.objects[a]; e != nil && e.unable.Failures > 0 {
		e.unable = Inability{}
		w.setAlarm(e, e.asked)
		w.forget(e)
	}
}

// Drop forgets a removed object. When it returns without an error, the stored index does not
// contain the object.
func (w *Index) Drop(a lmz.Address) error {
	w.mu.Lock()
	e := w.entry(a)
	e.low, e.actual, e.unable, e.open = Never, Never, Inability{}, 0
	w.setAlarm(e, Never)
	delete(w.late, e)
	if e.stored != Never {
		w.put(e, Never)
	}
	batch := e.batch
	w.forget(e)
	w.mu.Unlock()
	if batch == nil {
		return nil
	}
	<-batch.done
	return batch.err
}

// Retired reports that the object was closed: from now on its stored time may be corrected.
func (w *Index) Retired(a lmz.Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.objects[a]
	if e == nil || e.wanted() == e.stored || w.closed {
		return
	}
	w.late[e] = true
	if w.lazy == nil {
		w.lazy = time.AfterFunc(lazyWrite, w.correct)
	}
}

// correct writes corrections for times that are too early.
func (w *Index) correct() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lazy = nil
	if w.closed {
		return
	}
	for e := range w.late {
		w.raise(e)
	}
	clear(w.late)
}

// raise adds an object's correct time to the next write, if it is later than the stored one.
// w.mu is held.
func (w *Index) raise(e *entry) {
	if at := e.wanted(); at > e.stored {
		w.put(e, at)
		w.forget(e)
	}
}

// wanted is the time that the index should have.
func (e *entry) wanted() int64 { return min(e.actual, e.low) }

// forget drops an entry if it is no longer needed. w.mu is held.
func (w *Index) forget(e *entry) {
	if e.batch == nil && e.stored == Never && e.wanted() == Never && e.place < 0 {
		delete(w.objects, e.of)
	}
}

// put adds a change to the next write. w.mu is held.
func (w *Index) put(e *entry, at int64) {
	if w.next == nil {
		w.next = &batch{changes: make(map[lmz.Address]int64), done: make(chan struct{})}
		if w.writing == nil {
			w.writing = w.next // so that only one goroutine is started
			go w.write()
		}
	}
	w.next.changes[e.of] = at
	e.stored, e.batch = at, w.next
}

// write writes until nothing is left. Changes that arrive during a write share the next.
func (w *Index) write() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.next != nil {
		batch := w.next
		w.writing, w.next = batch, nil
		w.mu.Unlock()
		err := w.stored.Write(batch.changes)
		w.mu.Lock()
		batch.err = err
		for a := range batch.changes {
			e := w.objects[a]
			switch {
			case e == nil || e.batch != batch:
			case err != nil: // the stored time is unknown now
				e.stored, e.batch = Never, nil
			default:
				e.batch = nil
				w.forget(e)
			}
		}
		if err != nil {
			w.log.Error("writing the index of wakes failed", "error", store.WithoutPath(err))
		}
		close(batch.done)
	}
	w.writing = nil
}

// setAlarm sets when an object is woken in this life. w.mu is held.
func (w *Index) setAlarm(e *entry, at int64) {
	if e.alarm == at && (e.place >= 0) == (at != Never) {
		return
	}
	w.queue.remove(e)
	e.alarm = at
	if at != Never {
		w.queue.add(e)
	}
	w.setTimer()
}

// setTimer sets the timer for the head of the queue, or for the next check of the clock.
// w.mu is held.
func (w *Index) setTimer() {
	if w.alarm != nil {
		w.alarm.Stop()
		w.alarm = nil
	}
	if !w.started || w.closed || len(w.queue) == 0 {
		return
	}
	wait := time.UnixMilli(w.queue[0].alarm).Sub(w.now())
	w.alarm = time.AfterFunc(min(wait, LookAgain), w.ring)
}

// ring wakes all due objects.
func (w *Index) ring() {
	w.mu.Lock()
	var due []lmz.Address
	now := w.now().UnixMilli()
	for !w.closed && len(w.queue) > 0 && w.queue[0].alarm <= now {
		e := w.queue[0]
		w.queue.remove(e)
		e.alarm = Never
		due = append(due, e.of)
	}
	w.setTimer()
	w.mu.Unlock()
	for _, a := range due {
		w.wake(a)
	}
}

// Flush corrects the stored index, once all turns have ended and nothing more will be woken
// in this life. If that fails, the next start opens objects that are not due.
func (w *Index) Flush() {
	w.mu.Lock()
	w.stop()
	for _, e := range w.objects {
		w.raise(e)
	}
	batch := w.next
	w.mu.Unlock()
	if batch != nil {
		<-batch.done
	}
}

// stop ends the timers. w.mu is held.
func (w *Index) stop() {
	w.closed = true
	for _, t := range []*time.Timer{w.lazy, w.alarm} {
		if t != nil {
			t.Stop()
		}
	}
}

// Close waits for the writes under way and closes the stored index.
func (w *Index) Close() error {
	w.mu.Lock()
	w.stop()
	for w.writing != nil {
		batch := w.writing
		if w.next != nil {
			batch = w.next
		}
		w.mu.Unlock()
		<-batch.done
		w.mu.Lock()
	}
	w.mu.Unlock()
	return w.stored.Close()
}

// Due describes an object that has work to do, or keeps dead letters.
type Due struct {
	At     int64
	Unable Inability
}

// All returns all objects with known work or dead letters.
func (w *Index) All() map[lmz.Address]Due {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := make(map[lmz.Address]Due)
	for a, e := range w.objects {
		if at := e.wanted(); at != Never {
			found[a] = Due{at, e.unable}
		}
	}
	return found
}
