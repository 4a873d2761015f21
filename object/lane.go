package object

import (
	"container/list"
	"errors"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
)

// Stored sends from one object to another form a lane, in the order in which they left. If
// the receiver cannot execute now (it does not start, its disk is full), the first of the
// lane is retried after a pause, and those behind it wait: this keeps the order, and delays
// no other receiver. The number of attempts and the time of the next are stored with the
// sender, if it can store anything.

// laneRows are the rows of lanes whose receivers cannot execute what is sent to them.
const laneRows = "lane/"

// The limits of a lane: beyond them, new sends to a receiver that does not execute are
// refused at the sender.
const (
	maxLane      = 10_000
	maxLaneBytes = 16 << 20
)

// laneRetry is the backoff. Attempts are limited only by the deadline.
var laneRetry = Retry{First: time.Second, Max: time.Minute}

// laneKey identifies a lane.
type laneKey struct{ from, to lmz.Address }

// laneRow is the stored state of a lane whose receiver fails.
type laneRow struct {
	To       []string // binding and instance
	Failures int
	Since    int64 // Unix milliseconds of the first failure
	Next     int64 // Unix milliseconds of the next attempt
	Error    string
}

// lane holds the unanswered sends of one object to another. All fields are guarded by rt.mu,
// as are those of passages.
type lane struct {
	laneKey
	sends    list.List     // of *passage
	head     *list.Element // the first that has not begun, nil if all have
	last     int64         // number of the last passage
	bytes    int
	held     int       // passages that wait for another attempt
	row      laneRow   // Failures == 0: the receiver executes
	soonest  time.Time // earliest deadline of held passages, zero if there is none
	timer    *time.Timer
	stored   bool // there is a row on disk
	unsaved  bool // the row on disk is out of date
	finished bool // its sender was removed
	holding  *atomic.Int64
}

// passage is a stored send on its way to one object.
type passage struct {
	s      *stored
	i      int // index of the target
	lane   *lane
	place  *list.Element
	number int64 // position in the lane
	began  bool  // the receiver executes it
	held   bool  // it waits for another attempt
	again  bool  // it was presented before
	sent   func(*proto.Call)
}

// errBehind refuses a call that would overtake a send.
var errBehind = notExecuted("another message to this object has to be executed first")

// join appends a send to the lane of its target object; it returns nil for other nodes.
// rt.mu is held.
func (rt *Runtime) join(s *stored, i int, again bool, sent func(*proto.Call)) *passage {
	to := s.target(i)
	if _, ok := rt.kinds[to.Binding]; !ok {
		return nil
	}
	l := rt.laneOf(laneKey{s.from.Address, to})
	l.last++
	p := &passage{s: s, i: i, lane: l, number: l.last, again: again, sent: sent}
	p.place = l.sends.PushBack(p)
	l.bytes += s.bytes()
	if l.head == nil {
		l.head = p.place
	}
	s.under[i] = p
	if l.row.Failures > 0 {
		l.hold(p)
		rt.setTimer(l)
		rt.arm(l, p)
	}
	return p
}

// laneOf returns a lane, creating it if necessary. rt.mu is held.
func (rt *Runtime) laneOf(k laneKey) *lane {
	l := rt.lanes[k]
	if l == nil {
		l = &lane{laneKey: k, holding: &rt.holding}
		rt.lanes[k] = l
	}
	return l
}

// mayStore returns why nothing more can be stored for a receiver, or nil.
func (rt *Runtime) mayStore(from, to lmz.Address) *lmz.Error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	l := rt.lanes[laneKey{from, to}]
	if l == nil || l.sends.Len() < maxLane && l.bytes < maxLaneBytes {
		return nil
	}
	rt.refused.Add(1)
	message := "too many messages wait for " + to.String()
	if l.row.Error != "" {
		message += ": " + l.row.Error
	}
	return &lmz.Error{Code: lmz.CodeGateway, Name: errtype.Busy, Message: message}
}

// passageOf returns the passage of a stored send that is being executed, or nil. rt.mu is held.
func (rt *Runtime) passageOf(c *proto.Call) *passage {
	s := rt.sending[c.ID.Session]
	if i := int(c.ID.Number) - 1; s != nil && i >= 0 && i < len(s.under) {
		return s.under[i]
	}
	return nil
}

// mayBegin returns why a call, whose receiver has the turn for it, must not begin because it
// would overtake an earlier send of its caller, or nil.
func (rt *Runtime) mayBegin(c *proto.Call) *lmz.Error {
	if c.Until.IsZero() {
		return rt.mayCall(c)
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if p := rt.passageOf(c); p != nil && p.lane.head != nil && p.number > p.lane.head.Value.(*passage).number {
		return errBehind
	}
	return nil
}

// mayCall is mayBegin for calls that are not stored. The sends that the call would overtake
// are retried at once.
func (rt *Runtime) mayCall(c *proto.Call) *lmz.Error {
	if rt.holding.Load() == 0 { // nearly always
		return nil
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	l := rt.lanes[laneKey{c.Context.Caller().Address, c.To}]
	if l == nil || l.held == 0 {
		return nil
	}
	if l.waits() {
		l.row.Next = time.Now().UnixMilli()
		rt.setTimer(l)
	}
	return notExecuted("what you have sent to this object before waits to be tried again: " + l.row.Error)
}

// began records that the receiver is executing a stored send: those behind it may follow.
func (rt *Runtime) began(c *proto.Call) {
	rt.change(c, func(p *passage) {
		p.began = true
		p.lane.advance(p.place)
	})
}

// landed records that a turn of a stored send is on disk: its receiver executes.
func (rt *Runtime) landed(c *proto.Call) {
	rt.change(c, func(p *passage) { rt.works(p.lane) })
}

// lost records that the first turn of a stored send was lost: none behind it may begin
// before its answer has arrived.
func (rt *Runtime) lost(c *proto.Call) {
	rt.change(c, func(p *passage) {
		p.began = false
		p.lane.retreat(p)
	})
}

// change applies f to a passage, and releases the passages that may then leave.
func (rt *Runtime) change(c *proto.Call, f func(*passage)) {
	rt.mu.Lock()
	p := rt.passageOf(c)
	var ready []*passage
	if p != nil {
		f(p)
		ready = p.lane.release()
	}
	rt.mu.Unlock()
	rt.depart(ready)
}

// works clears the failures of a lane. rt.mu is held.
func (rt *Runtime) works(l *lane) {
	if l.row.Failures > 0 {
		l.row = laneRow{}
		rt.note(l)
	}
}

// advance moves the head past a place whose passage has begun or is gone.
func (l *lane) advance(from *list.Element) {
	if l.head != from {
		return
	}
	for l.head = from.Next(); l.head != nil && l.head.Value.(*passage).began; {
		l.head = l.head.Next()
	}
}

// retreat moves the head back to a passage that has not begun after all.
func (l *lane) retreat(p *passage) {
	if l.head == nil || p.number < l.head.Value.(*passage).number {
		l.head = p.place
	}
}

func (l *lane) hold(p *passage) {
	p.held = true
	l.held++
	l.holding.Add(1)
}

// release returns the held passages that may leave: all of them if the first may.
func (l *lane) release() (ready []*passage) {
	if l.row.Failures > 0 || l.held == 0 || l.head == nil || !l.head.Value.(*passage).held {
		return nil
	}
	for e := l.head; e != nil && l.held > 0; e = e.Next() {
		if p := e.Value.(*passage); p.held {
			ready = append(ready, l.unhold(p))
		}
	}
	return ready
}

func (l *lane) unhold(p *passage) *passage {
	p.held = false
	l.held--
	l.holding.Add(-1)
	return p
}

// depart presents ready passages to their receivers. rt.mu must not be held.
func (rt *Runtime) depart(ready []*passage) {
	for _, p := range ready {
		rt.mu.Lock()
		again, sent := p.again, p.sent
		p.again, p.sent = true, func(*proto.Call) {}
		rt.mu.Unlock()
		rt.present(p.s, p.i, again, sent)
	}
}

// leaveLane ends a passage, and returns those that may then leave. rt.mu is held.
func (rt *Runtime) leaveLane(p *passage) (ready []*passage) {
	l := p.lane
	l.advance(p.place)
	l.sends.Remove(p.place)
	l.bytes -= p.s.bytes()
	if p.held {
		l.unhold(p)
	}
	p.s.under[p.i] = nil
	if l.sends.Len() == 0 {
		rt.works(l)
		rt.forgetLane(l)
	}
	return l.release()
}

// forgetLane drops a lane that is empty and has no row on disk. rt.mu is held.
func (rt *Runtime) forgetLane(l *lane) {
	if l.sends.Len() > 0 || l.stored || l.unsaved {
		return
	}
	l.stop()
	delete(rt.lanes, l.laneKey)
}

func (l *lane) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

// note marks the row of a lane as out of date. rt.mu is held.
func (rt *Runtime) note(l *lane) {
	if !l.unsaved && !l.finished {
		l.unsaved = true
		rt.late[l.from] = append(rt.late[l.from], l)
	}
}

// keepLane lets the sender store the time of the next attempt. If that fails, nothing is
// lost: the next life of the gateway tries at once.
func (rt *Runtime) keepLane(l *lane, payer string) {
	rt.serveChore(l.from, chore{
		what: "pause", payer: payer, once: true, do: nothing,
		ran: func(o *Object) (func(), error) { return o.keepLanes() },
	})
}

// keepLanes stores, in the turn's transaction, the object's lane rows that are out of date,
// and returns a function to call once they are on disk.
func (o *Object) keepLanes() (saved func(), err error) {
	rt, a := o.rt, o.id.Address
	rt.mu.Lock()
	rows := make(map[*lane]laneRow, len(rt.late[a]))
	for _, l := range rt.late[a] {
		rows[l] = l.row
	}
	rt.mu.Unlock()
	for l, row := range rows {
		key := laneRows + l.to.String()
		if row.Failures > 0 {
			err = putEncoded(o.store, key, row)
		} else {
			err = o.store.DeleteRow(key)
		}
		if err != nil {
			return func() {}, err
		}
	}
	return func() {
		rt.mu.Lock()
		defer rt.mu.Unlock()
		var rest []*lane
		for _, l := range rt.late[a] {
			row, written := rows[l]
			if l.stored = written && row.Failures > 0 || !written && l.stored; written && row.Failures == l.row.Failures && row.Next == l.row.Next {
				l.unsaved = false
				rt.forgetLane(l)
			} else {
				rest = append(rest, l)
			}
		}
		if rt.late[a] = rest; len(rest) == 0 {
			delete(rt.late, a)
		}
	}, nil
}

// resumeLanes reads which receivers failed in an earlier life of the gateway.
func (o *Object) resumeLanes() error {
	rows, err := o.store.Rows(laneRows, store.NoLimit)
	if err != nil {
		return err
	}
	o.rt.mu.Lock()
	defer o.rt.mu.Unlock()
	for _, r := range rows {
		row, err := decodeRow[laneRow](r)
		if err != nil || len(row.To) != 2 {
			return errors.Join(err, errors.New("the row "+r.Key+" is not a lane"))
		}
		key := laneKey{o.id.Address, lmz.At(row.To[0], row.To[1])}
		if o.rt.lanes[key] == nil {
			l := o.rt.laneOf(key)
			l.row, l.stored = row, true
			o.rt.setTimer(l)
		}
	}
	return nil
}

// endLanes drops the lanes of an object whose sends are no longer available. rt.mu is held.
func (rt *Runtime) endLanes(from lmz.Address) {
	for k, l := range rt.lanes {
		if k.from == from {
			l.finished = true
			l.stop()
			l.holding.Add(-int64(l.held))
			delete(rt.lanes, k)
		}
	}
	delete(rt.late, from)
}
