package object

import (
	"container/heap"
	"log/slog"
	"sync"
	"time"

	"github.com/lumenize/lmz"
)

// wakeIndex says on disk when each object has to be opened at the latest, so that a
// start need not look into the objects. Times are Unix milliseconds.
type wakeIndex interface {
	// load reads everything.
	load() (map[lmz.Address]int64, error)

	// write makes changes durable, all or none. neverWake deletes.
	write(changes map[lmz.Address]int64) error

	close() error
}

// Times in the index that are none.
const (
	wakeAtStart = int64(0)       // something is under way that only a start has to take up again
	neverWake   = int64(1) << 62 // nothing is to be done
	wakeDead    = int64(1) << 61 // nothing but what was given up is kept: it is not woken
)

// wakes knows when objects have to be woken, and keeps the index so that it never
// says later than is true: it is written before the object's commit where that makes
// the wake earlier. Corrections the other way wait until the object is closed. Its
// methods may be called from any goroutine.
type wakes struct {
	index wakeIndex
	log   *slog.Logger
	wake  func(lmz.Address) // opens an object and does what is due
	now   func() time.Time  // the clock of the wall, time.Now but in a test

	mu      sync.Mutex // guards the following fields
	objects map[lmz.Address]*wakeEntry
	next    *wakeBatch          // the next write of the index, nil if none is wanted
	writing *wakeBatch          // the write under way, or nil
	late    map[*wakeEntry]bool // entries that the index may say too early
	lazy    *time.Timer         // corrects them, nil when there are none
	queue   wakeQueue           // by alarm
	alarm   *time.Timer         // for the head of the queue
	started bool
	closed  bool
}

// wakeEntry is what is known of one object.
type wakeEntry struct {
	of     lmz.Address
	stored int64      // what the index says when batch is done
	batch  *wakeBatch // the last write that concerned the object, or nil
	actual int64      // what is true of the object's last commit
	low    int64      // of the commit that was announced, neverWake if there is none
	alarm  int64      // when to wake it next in this life, neverWake if not
	asked  int64      // what known or rang said last of alarm; not heeded while the object is unable
	place  int        // in the queue, -1 if not there
	unable inability
}

// inability says that an object cannot do its own work just now. The zero value: it can.
type inability struct {
	failures int
	since    time.Time
	why      string
}

// wakeBatch is one write of the index.
type wakeBatch struct {
	changes map[lmz.Address]int64
	done    chan struct{} // closed when it is on disk, or failed
	err     error
}

// wakeAgain is how long an object whose commit has failed is left alone.
const wakeAgain = time.Second

// lookAgain is how often the clock is looked at, at least, while an alarm is to come: a
// timer does not count the time that the machine sleeps, nor that by which its clock is set.
const lookAgain = 5 * time.Second

// lazyWrite is how long corrections wait for others, and for a write that must be.
const lazyWrite = time.Second

// openWakes reads the index.
func openWakes(index wakeIndex, log *slog.Logger, wake func(lmz.Address)) (*wakes, error) {
	stored, err := index.load()
	if err != nil {
		return nil, err
	}
	w := &wakes{index: index, log: log, wake: wake, now: time.Now, objects: make(map[lmz.Address]*wakeEntry, len(stored)), late: make(map[*wakeEntry]bool)}
	for a, at := range stored {
		e := &wakeEntry{of: a, stored: at, actual: at, low: neverWake, alarm: neverWake, asked: neverWake, place: -1}
		w.objects[a] = e
		if at != wakeDead {
			e.alarm, e.asked = at, at
			w.queue.add(e)
		}
	}
	return w, nil
}

// start wakes the objects that are due from now on. Only the first call counts.
func (w *wakes) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.started {
		w.started = true
		w.setTimer()
	}
}

// entry returns what is known of an object. w.mu is held.
func (w *wakes) entry(a lmz.Address) *wakeEntry {
	e := w.objects[a]
	if e == nil {
		e = &wakeEntry{of: a, stored: neverWake, actual: neverWake, low: neverWake, alarm: neverWake, asked: neverWake, place: -1}
		w.objects[a] = e
	}
	return e
}

// lower announces a commit after which the object must be woken at a time. When it
// returns without an error the index says so, and goes on saying so until known or failed is
// called. An object has one commit at a time.
func (w *wakes) lower(a lmz.Address, at int64) error {
	w.mu.Lock()
	e := w.entry(a)
	e.low = at
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

// known says what is true of the object's last commit, which is on disk: when it must
// be woken after a start, and when in this life.
func (w *wakes) known(a lmz.Address, atStart, alarm int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	e.low, e.actual = neverWake, atStart
	w.ask(e, alarm)
	w.forget(e)
}

// rang says when to wake the object next, in this life.
func (w *wakes) rang(a lmz.Address, alarm int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	w.ask(e, alarm)
	w.forget(e)
}

// ask sets when an object wants to be woken in this life, which it is not while it is unable.
// w.mu is held.
func (w *wakes) ask(e *wakeEntry, alarm int64) {
	e.asked = alarm
	if e.unable.failures == 0 {
		w.setAlarm(e, alarm)
	}
}

// failed says that the commit which lower announced has failed, or that a wake could
// not be answered: the object is woken again a little later. What the index says stays,
// because nobody can be sure of what is on disk.
func (w *wakes) failed(a lmz.Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	e.actual, e.low = min(e.actual, e.low), neverWake
	w.setAlarm(e, min(e.alarm, w.now().Add(wakeAgain).UnixMilli()))
}

// unable says that an object could not do its own work, which is looked at again after a pause
// that grows.
func (w *wakes) unable(a lmz.Address, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(a)
	if e.unable.failures == 0 {
		e.unable.since = w.now()
	}
	e.unable.failures++
	e.unable.why = why
	w.setAlarm(e, w.now().Add(laneRetry.pause(e.unable.failures)).UnixMilli())
}

// able is the end of unable.
func (w *wakes) able(a lmz.Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.objects[a]; e != nil && e.unable.failures > 0 {
		e.unable = inability{}
		w.setAlarm(e, e.asked)
		w.forget(e)
	}
}

// drop forgets an object that was removed. When it returns without an error the index does
// not name the object.
func (w *wakes) drop(a lmz.Address) error {
	w.mu.Lock()
	e := w.entry(a)
	e.low, e.actual, e.unable = neverWake, neverWake, inability{}
	w.setAlarm(e, neverWake)
	delete(w.late, e)
	if e.stored != neverWake {
		w.put(e, neverWake)
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

// retired says that the object was closed: from now on the index may say what is true.
func (w *wakes) retired(a lmz.Address) {
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
func (w *wakes) correct() {
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
func (w *wakes) raise(e *wakeEntry) {
	if at := e.wanted(); at > e.stored {
		w.put(e, at)
		w.forget(e)
	}
}

// wanted is what the index should say.
func (e *wakeEntry) wanted() int64 { return min(e.actual, e.low) }

// forget drops an object that nothing is to be known of. w.mu is held.
func (w *wakes) forget(e *wakeEntry) {
	if e.batch == nil && e.stored == neverWake && e.wanted() == neverWake && e.place < 0 {
		delete(w.objects, e.of)
	}
}

// put puts a change into the next write. w.mu is held.
func (w *wakes) put(e *wakeEntry, at int64) {
	if w.next == nil {
		w.next = &wakeBatch{changes: make(map[lmz.Address]int64), done: make(chan struct{})}
		if w.writing == nil {
			w.writing = w.next // only so that one goroutine is started
			go w.write()
		}
	}
	w.next.changes[e.of] = at
	e.stored, e.batch = at, w.next
}

// write writes until nothing is left. What is wanted during one write shares the next.
func (w *wakes) write() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.next != nil {
		batch := w.next
		w.writing, w.next = batch, nil
		w.mu.Unlock()
		err := w.index.write(batch.changes)
		w.mu.Lock()
		batch.err = err
		for a := range batch.changes {
			e := w.objects[a]
			switch {
			case e == nil || e.batch != batch:
			case err != nil: // nobody knows what it says now
				e.stored, e.batch = neverWake, nil
			default:
				e.batch = nil
				w.forget(e)
			}
		}
		if err != nil {
			w.log.Error("writing the index of wakes failed", "error", withoutPath(err))
		}
		close(batch.done)
	}
	w.writing = nil
}

// setAlarm sets when an object is woken in this life. w.mu is held.
func (w *wakes) setAlarm(e *wakeEntry, at int64) {
	if e.alarm == at && (e.place >= 0) == (at != neverWake) {
		return
	}
	w.queue.remove(e)
	e.alarm = at
	if at != neverWake {
		w.queue.add(e)
	}
	w.setTimer()
}

// setTimer sets the timer for the head of the queue, or to look at the clock again. w.mu is
// held.
func (w *wakes) setTimer() {
	if w.alarm != nil {
		w.alarm.Stop()
		w.alarm = nil
	}
	if !w.started || w.closed || len(w.queue) == 0 {
		return
	}
	wait := time.UnixMilli(w.queue[0].alarm).Sub(w.now())
	w.alarm = time.AfterFunc(min(wait, lookAgain), w.ring)
}

// ring wakes everything that is due.
func (w *wakes) ring() {
	w.mu.Lock()
	var due []lmz.Address
	now := w.now().UnixMilli()
	for !w.closed && len(w.queue) > 0 && w.queue[0].alarm <= now {
		e := w.queue[0]
		w.queue.remove(e)
		e.alarm = neverWake
		due = append(due, e.of)
	}
	w.setTimer()
	w.mu.Unlock()
	for _, a := range due {
		w.wake(a)
	}
}

// flush corrects the index, for a runtime that closes in good order and has ended its
// turns. If that fails the next start opens objects that are not due.
func (w *wakes) flush() {
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
func (w *wakes) stop() {
	w.closed = true
	for _, t := range []*time.Timer{w.lazy, w.alarm} {
		if t != nil {
			t.Stop()
		}
	}
}

// close waits for the writes under way and closes the index.
func (w *wakes) close() error {
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
	return w.index.close()
}

// dueObject is what is known of an object that has something to do, or keeps what was given up.
type dueObject struct {
	at     int64
	unable inability
}

// all returns when each object is to be woken, as far as that is known.
func (w *wakes) all() map[lmz.Address]dueObject {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := make(map[lmz.Address]dueObject)
	for a, e := range w.objects {
		if at := e.wanted(); at != neverWake {
			found[a] = dueObject{at, e.unable}
		}
	}
	return found
}

// wakeQueue has the objects that are to be woken, the next one first.
type wakeQueue []*wakeEntry

func (q *wakeQueue) add(e *wakeEntry) { heap.Push(q, e) }

func (q *wakeQueue) remove(e *wakeEntry) {
	if e.place >= 0 {
		heap.Remove(q, e.place)
	}
}

// Len implements [heap.Interface].
func (q wakeQueue) Len() int { return len(q) }

// Less implements [heap.Interface].
func (q wakeQueue) Less(i, j int) bool { return q[i].alarm < q[j].alarm }

// Swap implements [heap.Interface].
func (q wakeQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push implements [heap.Interface].
func (q *wakeQueue) Push(x any) {
	e := x.(*wakeEntry)
	e.place = len(*q)
	*q = append(*q, e)
}

// Pop implements [heap.Interface].
func (q *wakeQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	e.place = -1
	return e
}
