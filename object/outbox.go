package object

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/value"
)

// A Send to an object, and any Send with a reply, is stored with the turn that made it and
// leaves after the commit. It stays stored until it is settled: until its callee has
// answered and the reply, if there is one, has run. If the gateway is killed before that,
// the next one presents it to an object again, under the same ID, so that the object can
// tell whether it has executed it; nodes that keep no outcomes are not asked again.

// sendLife is how long a stored send without a deadline is presented again, and how long its
// callee keeps the outcome if it is never acknowledged.
const sendLife = 7 * 24 * time.Hour

// sendRow is a stored send: one continuation for one or many targets.
type sendRow struct {
	ID         []byte   `cbor:"id"` // the session of the calls; the call number is the target's
	To         []string `cbor:"to"` // binding and instance of each target
	Chain      []byte   `cbor:"chain"`
	Sender     []byte   `cbor:"sender"`          // the sender's call context
	Reply      []byte   `cbor:"reply,omitempty"` // encoded; nil for none
	ReplyName  string   `cbor:"replyName,omitempty"`
	ErrorsOnly bool     `cbor:"errorsOnly,omitempty"`
	Until      int64    `cbor:"until"`              // Unix milliseconds; not presented after that
	Deadline   bool     `cbor:"deadline,omitempty"` // Until is a deadline set by the sender
	Payer      string   `cbor:"payer,omitempty"`    // see proto.WithPayer
}

// stored is a stored send in memory, from its turn until it is settled.
type stored struct {
	rt     *Runtime
	row    sendRow
	id     proto.SessionID
	key    string // of the row; "" if sent without a turn, and so not stored
	from   lmz.Identity
	sender lmz.CallContext

	earlier bool // an earlier life of the gateway has presented it

	// Guarded by rt.mu.
	settled []bool     // by target
	under   []*passage // by target; nil if that is not an object, or has answered
	left    int        // targets that are not settled
	dropped bool       // its sender was removed: nothing waits for the outcome
}

func (s *stored) targets() int { return len(s.row.To) / 2 }

func (s *stored) target(i int) lmz.Address { return lmz.At(s.row.To[2*i], s.row.To[2*i+1]) }

func (s *stored) call(i int) proto.CallID { return proto.CallID{Session: s.id, Number: uint64(i) + 1} }

// open prepares a send to be presented.
func (s *stored) open() {
	s.settled, s.left, s.under = make([]bool, s.targets()), s.targets(), make([]*passage, s.targets())
}

// bytes is the memory that a send takes per target while it is under way.
func (s *stored) bytes() int { return len(s.row.Chain) + len(s.row.Reply) }

// isObject reports whether a binding's nodes are objects, which keep outcomes.
func (rt *Runtime) isObject(binding string) bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	_, ok := rt.kinds[binding]
	return ok
}

// newStored returns a send to targets.
func (o *Object) newStored(call *proto.Call, targets []lmz.Address, sender lmz.CallContext, want lmz.SendOption, deadline time.Time) (*stored, error) {
	sender.Self = lmz.Identity{}
	encoded, err := proto.MarshalContext(sender)
	if err != nil {
		return nil, fmt.Errorf("the call context cannot be stored: %w", err)
	}
	to := make([]string, 0, 2*len(targets))
	for _, t := range targets {
		to = append(to, t.Binding, t.Instance)
	}
	s := &stored{rt: o.rt, from: o.id, sender: sender, row: sendRow{
		To: to, Chain: call.Chain, Sender: encoded, ErrorsOnly: want.ErrorsOnly,
		Payer: call.Payer,
		Until: time.Now().Add(sendLife).UnixMilli(),
	}}
	if !deadline.IsZero() {
		s.row.Until, s.row.Deadline = deadline.UnixMilli(), true
	}
	if len(want.Reply.Ops()) > 0 {
		if s.row.Reply, err = value.MarshalChain(want.Reply); err != nil {
			return nil, fmt.Errorf("%s: %w", want.Reply, err)
		}
		s.row.ReplyName = want.Reply.String()
	}
	rand.Read(s.id[:]) // never fails (crypto/rand)
	s.row.ID = s.id[:]
	return s, nil
}

// addSend adds a send to those of the turn. r.mu is held.
func (r *run) addSend(s *stored, sent func(*proto.Call)) {
	r.sends = append(r.sends, s)
	r.effects = append(r.effects, func() {
		for i := range s.targets() {
			s.rt.leaves(s, i, sent)
		}
	})
}

// sent is a position in what a turn has sent.
type sent struct{ effects, sends int }

// sent returns how much the turn has sent so far; unsend takes back everything after that.
// r.mu is held.
func (r *run) sent() sent { return sent{effects: len(r.effects), sends: len(r.sends)} }

func (r *run) unsend(s sent) { r.effects, r.sends = r.effects[:s.effects], r.sends[:s.sends] }

// keepSends stores the turn's sends. r.mu is held.
func (r *run) keepSends() error {
	for _, s := range r.sends {
		if err := r.o.nextSendKey(s); err != nil {
			return err
		}
		s.open()
		if err := putEncoded(r.o.store, s.key, s.row); err != nil {
			return err
		}
		r.o.stirred = true
	}
	r.sends = nil
	return nil
}

// nextSendKey assigns a send its key, after those already stored.
func (o *Object) nextSendKey(s *stored) error {
	if o.nextSend == 0 {
		rows, err := o.store.Rows(store.SendRows, store.NoLimit)
		if err != nil {
			return err
		}
		o.nextSend = 1
		if len(rows) > 0 {
			last, err := strconv.ParseInt(strings.TrimPrefix(rows[len(rows)-1].Key, store.SendRows), 16, 64)
			if err != nil {
				return err
			}
			o.nextSend = last + 1
		}
	}
	s.key = fmt.Sprintf("%s%016x", store.SendRows, o.nextSend)
	o.nextSend++
	return nil
}

// leaves presents a send to a target for the first time.
func (rt *Runtime) leaves(s *stored, i int, sent func(*proto.Call)) {
	rt.mu.Lock()
	rt.sending[s.id] = s
	p := rt.join(s, i, false, sent)
	wait := p != nil && p.held
	rt.mu.Unlock()
	switch {
	case p == nil:
		rt.present(s, i, false, sent)
	case !wait:
		rt.depart([]*passage{p})
	}
}

// presentAgain continues a send of an earlier life of the gateway. The caller has the
// object's turn.
func (o *Object) presentAgain(r store.Row) error {
	row, err := decodeRow[sendRow](r)
	if err != nil {
		return err
	}
	s := &stored{rt: o.rt, row: row, key: r.Key, from: o.id, earlier: true}
	copy(s.id[:], row.ID)
	o.rt.mu.Lock()
	underWay := o.rt.sending[s.id] != nil
	o.rt.mu.Unlock()
	if underWay {
		return nil
	}
	if s.sender, err = proto.UnmarshalContext(row.Sender); err != nil {
		return err
	}
	s.open()
	if err := o.readSettled(s); err != nil {
		return err
	}
	var ready []*passage
	var others []int
	o.rt.mu.Lock()
	o.rt.sending[s.id] = s
	for i, settled := range s.settled {
		if settled {
			continue
		}
		if p := o.rt.join(s, i, true, func(*proto.Call) {}); p == nil {
			others = append(others, i)
		} else if !p.held {
			ready = append(ready, p)
		}
	}
	o.rt.mu.Unlock()
	for _, i := range others {
		o.rt.present(s, i, true, func(*proto.Call) {})
	}
	o.rt.depart(ready)
	return nil
}

// present delivers a send to a target. It does not block.
func (rt *Runtime) present(s *stored, i int, again bool, sent func(*proto.Call)) {
	to := s.target(i)
	settle := func(a proto.Answer) { rt.answered(s, i, a) }
	object := rt.isObject(to.Binding)
	until := time.UnixMilli(s.row.Until)
	switch {
	case s.earlier && !object:
		settle(unknown("the gateway was killed before the answer came, and "+to.Binding+" keeps no outcomes", nil))
		return
	case s.earlier && time.Now().After(until):
		settle(unknown("the deadline passed while the gateway was down", nil))
		return
	}
	call := &proto.Call{To: to, Context: s.sender.Next(s.from), Chain: s.row.Chain, Payer: s.row.Payer, NoReply: s.row.Reply == nil, Again: again}
	if object {
		call.ID, call.Until = s.call(i), until
	}
	failpoint.Here("before send")
	defer failpoint.Here("after send")
	sent(call)
	if object && !s.row.Deadline { // it waits for its turn without limit
		rt.mesh.Deliver(context.Background(), call, settle)
		return
	}
	if !s.row.Deadline {
		until = time.Time{}
	}
	rt.send(call, until, settle)
}

// answered handles the answer of a target. It does not block.
func (rt *Runtime) answered(s *stored, i int, a proto.Answer) {
	if a, settled := rt.settles(s, i, a); settled {
		rt.conclude(s, i, a)
	}
}

// conclude acts on the final answer of a target. It does not block.
func (rt *Runtime) conclude(s *stored, i int, a proto.Answer) {
	var dead *deadRow
	if s.row.Reply == nil && a.Failed != "" && !rt.isClosed() {
		_, err := a.Result()
		rt.log.Warn("what was sent failed", "binding", s.from.Binding, "instance", s.from.Instance, "to", s.target(i).String(), "error", err)
		if a.Failed != lmz.CodeCallee {
			dead = newDead(s, i, err)
		}
	}
	rt.mu.Lock()
	dropped := s.dropped
	rt.mu.Unlock()
	if dropped {
		return
	}
	if s.row.Reply != nil && !(s.row.ErrorsOnly && a.Failed == "") {
		rt.reply(s, i, a)
		return
	}
	rt.mu.Lock()
	if rt.closed || s.key == "" { // settled in the next life, or never stored
		rt.mu.Unlock()
		return
	}
	s.settle(i)
	rt.unsaved[s.from.Address] = append(rt.unsaved[s.from.Address], settlement{s, i, dead})
	open := rt.objects[s.from.Address] != nil
	rt.mu.Unlock()
	store := func() {} // closing the object stores it,
	if dead != nil {   // but dead letters must be visible before
		store = func() { go rt.storeSettled(s.from.Address) }
	}
	if open {
		store()
	} else {
		rt.ring(s.from.Address, s.row.Payer, store)
	}
}

// storeSettled stores settlements of an open object's sends.
func (rt *Runtime) storeSettled(a lmz.Address) {
	// If refused, the next life settles it again.
	rt.turnOf(context.Background(), a, func(o *Object) error {
		o.tidy()
		return nil
	})
}

// reply makes the sender run the reply to a send.
func (rt *Runtime) reply(s *stored, i int, a proto.Answer) {
	c := chore{
		what: "reply", work: s.row.ReplyName, context: s.sender, payer: s.row.Payer,
		wanted: func() bool { return !s.dropped },
		do: func(ctx context.Context, h lmz.Handler) (any, error) {
			return proto.ExecuteEncodedReply(context.WithValue(ctx, targetKey{}, s.target(i)), h, s.row.Reply, a)
		},
	}
	if s.key != "" {
		c.ran = func(o *Object) (func(), error) { return o.keepSettled([]settlement{{s, i, nil}}) }
	}
	rt.serveChore(s.from.Address, c)
}

// settlement records that a target of a send is settled.
type settlement struct {
	s    *stored
	i    int
	dead *deadRow // the dead letter to keep, or nil
}

// settle marks a target as settled. rt.mu is held.
func (s *stored) settle(i int) {
	if !s.settled[i] {
		s.settled[i] = true
		s.left--
	}
}

// keepSettled stores, in the turn's transaction, that targets are settled, and returns a
// function to call once that is on disk.
func (o *Object) keepSettled(list []settlement) (saved func(), err error) {
	sends := make(map[*stored][]byte) // which targets are settled; nil means all
	o.rt.mu.Lock()
	for _, x := range list {
		x.s.settle(x.i)
		sends[x.s] = x.s.bitmap()
	}
	o.rt.mu.Unlock()
	o.stirred = true
	for _, x := range list {
		if x.dead == nil {
			continue
		}
		if err := o.bury(x.dead); err != nil {
			return nil, err
		}
	}
	for s, settled := range sends {
		key := store.SettledRows + strings.TrimPrefix(s.key, store.SendRows)
		if settled != nil {
			err = o.store.PutRow(key, settled)
		} else if err = o.store.DeleteRow(s.key); err == nil {
			err = o.store.DeleteRow(key)
		}
		if err != nil {
			return nil, err
		}
	}
	return func() {
		for s, settled := range sends {
			if settled == nil {
				o.rt.mu.Lock()
				delete(o.rt.sending, s.id)
				o.rt.mu.Unlock()
			}
		}
		for _, x := range list {
			o.rt.Acknowledged(x.s.target(x.i), x.s.call(x.i))
		}
	}, nil
}

// bitmap returns which targets are settled, one bit each, or nil if all are. rt.mu is
// held.
func (s *stored) bitmap() []byte {
	if s.left == 0 {
		return nil
	}
	bits := make([]byte, (len(s.settled)+7)/8)
	for i, settled := range s.settled {
		if settled {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return bits
}

// readSettled reads which targets of a send are settled.
func (o *Object) readSettled(s *stored) error {
	bits, found, err := o.store.Row(store.SettledRows + strings.TrimPrefix(s.key, store.SendRows))
	if err != nil || !found {
		return err
	}
	for i := range s.settled {
		if i/8 < len(bits) && bits[i/8]&(1<<(i%8)) != 0 {
			s.settle(i)
		}
	}
	return nil
}

// keepUnsaved stores settlements made without a turn, in a turn that commits anyway, and
// returns a function to call when that commit is durable or lost. If lost, another commit
// stores them.
func (o *Object) keepUnsaved(commits bool) (ended func(error), err error) {
	if !commits {
		return nobody, nil
	}
	a := o.id.Address
	o.rt.mu.Lock()
	list, late := o.rt.unsaved[a], len(o.rt.late[a]) > 0
	delete(o.rt.unsaved, a)
	o.rt.mu.Unlock()
	if len(list) == 0 && !late {
		return nobody, nil
	}
	return o.keepTaken(list, late)
}

// keepTaken is keepUnsaved for the given settlements, and with lanes set also stores lane
// rows that are out of date.
func (o *Object) keepTaken(list []settlement, lanes bool) (ended func(error), err error) {
	keptLanes, kept := func() {}, func() {}
	ended = func(err error) {
		if err == nil {
			keptLanes()
			kept()
			return
		}
		o.rt.mu.Lock()
		defer o.rt.mu.Unlock()
		if a := o.id.Address; len(list) > 0 && !o.removed {
			o.rt.unsaved[a] = append(list, o.rt.unsaved[a]...)
		}
	}
	if lanes {
		if keptLanes, err = o.keepLanes(); err != nil {
			return ended, err
		}
	}
	if len(list) > 0 {
		kept, err = o.keepSettled(list)
	}
	return ended, err
}
