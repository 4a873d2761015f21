package wake

import (
	"log/slog"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
)

// Times in the index that mean something else. All others are Unix milliseconds.
const (
	AtStart = int64(0)       // something is under way that only a start has to take up again
	Never   = int64(1) << 62 // nothing is to be done
	Dead    = int64(1) << 61 // only dead letters are kept: the object is not woken
)

// Index knows when objects have to be woken, and keeps the stored index so that it never says
// later than is true. It may say too early until the object is closed. Its methods may be
// called from any goroutine.
type Index struct {
	stored store.WakeIndex
	log    *slog.Logger
	wake   func(lmz.Address)                // opens an object and does what is due
	pause  func(failures int) time.Duration // before an object that was unable is tried again
	now    func() time.Time                 // the wall clock, time.Now except in a test

	mu      sync.Mutex // guards the following fields
	objects map[lmz.Address]*entry
	next    *batch          // the next write of the index, nil if none is wanted
	writing *batch          // the write under way, or nil
	late    map[*entry]bool // entries that the index may say too early
	lazy    *time.Timer     // corrects them, nil when there are none
	queue   queue           // by alarm
	alarm   *time.Timer     // for the head of the queue
	started bool
	closed  bool
}

// entry is what is known of one object.
type entry struct {
	of     lmz.Address
	stored int64  // what the index says when batch is done
	batch  *batch // the last write that concerned the object, or nil
	actual int64  // what is true of the object's last commit
	low    int64  // the earliest of the commits that were announced, Never if there is none
	open   int    // commits that were announced and have not ended
	alarm  int64  // when to wake it next in this life, Never if not
	asked  int64  // what known or rang said last of alarm; not heeded while the object is unable
	place  int    // in the queue, -1 if not there
	unable Inability
}

// Inability says that an object cannot do its own work just now. The zero value: it can.
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

// wakeAgain is how long an object whose commit has failed is left alone.
const wakeAgain = time.Second

// LookAgain is how often the clock is looked at, at least, while an alarm is to come: a
// timer does not count the time that the machine sleeps, nor that by which its clock is set.
const LookAgain = 5 * time.Second

// lazyWrite is how long corrections wait for others, and for a write that must be.
const lazyWrite = time.Second

// Open reads the stored index. The index calls wake for each object that is due, once Start
// was called; pause says how long an object is left alone that was unable so many times.
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

// Start wakes the objects that are due from now on. Only the first call counts.
func (w *Index) Start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.started {
		w.started = true
		w.setTimer()
	}
}

// entry returns what is known of an object. w.mu is held.
func (w *Index) entry(a lmz.Address) *entry {
	e := w.objects[a]
	if e == nil {
		e = &entry{of: a, stored: Never, actual: Never, low: Never, alarm: Never, asked: Never, place: -1}
		w.objects[a] = e
	}
	return e
}

// Announce says that a commit is about to be made after which the object must be woken at a
// time. When it returns without an error the stored index says so, or earlier, until the end of
// that commit is reported by Committed or Failed. An object may have several commits under
// way; they end in order. After an error call Failed.
func (w *Index) Announce(a lmz.Address, at int64) error {
	w.mu.Lock()
	e := w.entry(a)
	e.low = min(e.low, at)
	e.open++
	if e.stored > at {
		w.put(e, at)
	}
	batch := e.batch // which may say it already, and not be done
	w.mu.Unlock()
	if batch == nil {
		return nil
	}
	<-batch.done
	return batch.err
}

// Committed says that the first of the commits under way is durable, and Known that this is
// true without one: when the object must be woken after a start, and when in this life.
func (w *Index) Committed(a lmz.Address, atStart, alarm int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	e.ended()
	e.actual = atStart
	w.ask(e, alarm)
	w.forget(e)
}

// ended is the end of a commit that was announced.
func (e *entry) ended() {
	if e.open = max(e.open-1, 0); e.open == 0 {
		e.low = Never
	}
}

// Known is described with Committed.
func (w *Index) Known(a lmz.Address, atStart, alarm int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	e.actual = atStart
	w.ask(e, alarm)
	w.forget(e)
}

// Next says when to wake the object next, in this life.
func (w *Index) Next(a lmz.Address, alarm int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	w.ask(e, alarm)
	w.forget(e)
}

// ask sets when an object wants to be woken in this life, which it is not while it is unable.
// w.mu is held.
func (w *Index) ask(e *entry, alarm int64) {
	e.asked = alarm
	if e.unable.Failures == 0 {
		w.setAlarm(e, alarm)
	}
}

// Failed says that the first of the commits under way was lost: the object is woken again a
// little later. What the stored index says stays, because nobody can be sure of what is
// stored.
func (w *Index) Failed(a lmz.Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	e.actual = min(e.actual, e.low)
	e.ended()
	w.setAlarm(e, min(e.alarm, w.now().Add(wakeAgain).UnixMilli()))
}

// Unable says that an object could not do its own work, which is tried again after a pause that
// grows.
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

// Able is the end of Unable.
func (w *Index) Able(a lmz.Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.objects[a]; e != nil && e.unable.Failures > 0 {
		e.unable = Inability{}
		w.setAlarm(e, e.asked)
		w.forget(e)
	}
}

// Drop forgets an object that was removed. When it returns without an error the stored index
// does not name the object.
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

// Retired says that the object was closed: from now on the stored index may be corrected.
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

// correct writes what the index says too early.
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

// raise puts what is true of an object into the next write, if that is later. w.mu is
// held.
func (w *Index) raise(e *entry) {
	if at := e.wanted(); at > e.stored {
		w.put(e, at)
		w.forget(e)
	}
}

// wanted is what the index should say.
func (e *entry) wanted() int64 { return min(e.actual, e.low) }

// forget drops an object that nothing is to be known of. w.mu is held.
func (w *Index) forget(e *entry) {
	if e.batch == nil && e.stored == Never && e.wanted() == Never && e.place < 0 {
		delete(w.objects, e.of)
	}
}

// put puts a change into the next write. w.mu is held.
func (w *Index) put(e *entry, at int64) {
	if w.next == nil {
		w.next = &batch{changes: make(map[lmz.Address]int64), done: make(chan struct{})}
		if w.writing == nil {
			w.writing = w.next // only so that one goroutine is started
			go w.write()
		}
	}
	w.next.changes[e.of] = at
	e.stored, e.batch = at, w.next
}

// write writes until nothing is left. What is wanted during one write shares the next.
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
			case err != nil: // nobody knows what it says now
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

// setTimer sets the timer for the head of the queue, or to look at the clock again. w.mu is
// held.
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

// ring wakes everything that is due.
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

// Flush corrects the stored index, when all turns have ended and nothing is due any more in
// this life. If that fails, the next start opens objects that are not due.
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

// Due is what is known of an object that has something to do, or keeps dead letters.
type Due struct {
	At     int64
	Unable Inability
}

// All returns when each object is to be woken, as far as that is known.
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
