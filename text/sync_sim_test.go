package text

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// mesh is a document and the peers that have it open. Each typed character is unique, so
// its fate can be traced.
type mesh struct {
	t       *rapid.T
	office  *office
	peers   []*syncPeer
	next    rune
	typed   []rune
	deleted map[rune]bool
	moment  int
}

// syncPeer is a Sync with the rest of a shell: a screen, a disk and a connection.
type syncPeer struct {
	m          *mesh
	name       string
	sync       *Sync
	screen     string
	subscribed bool // from the document's point of view
	calls      []*pendingCall
	mail       [][]Entry // on the way to the peer
	timers     map[Timer]bool
	store      *Store
	woken      bool
	disk       map[string]Record
	editors    int
}

// pendingCall is a call of a peer that has no answer yet.
type pendingCall struct {
	id  int
	run func() (answer func(), why Failure) // at the document
}

func (m *mesh) start(p *syncPeer) {
	p.sync, p.screen, p.subscribed, p.woken, p.store = NewSync(), "", false, false, nil
	p.calls, p.mail, p.timers = nil, nil, make(map[Timer]bool)
	for _, r := range p.disk {
		p.sync.Restore(r)
	}
	p.sync.Start()
	p.perform()
}

// perform starts the effects of the Sync.
func (p *syncPeer) perform() {
	for _, e := range p.sync.Effects() {
		switch e := e.(type) {
		case Subscribe:
			p.call(0, func() (func(), Failure) {
				p.subscribed = true
				p.m.moment++
				o := Opening{Version: p.m.office.a.Version(), Moment: p.m.moment}
				return func() { p.sync.Subscribed(o) }, ""
			})
		case Load:
			p.call(e.Call, func() (func(), Failure) {
				t := NewText(p.m.textOf(e.Opening.Version))
				p.editors++
				return func() { p.sync.Loaded(e.Call, t, fmt.Sprint(p.name, "-", p.editors)) }, ""
			})
		case Fetch:
			p.call(e.Call, func() (func(), Failure) { return p.fetch(e) })
		case Push:
			p.call(e.Call, func() (func(), Failure) { return p.push(e) })
		case Store:
			if p.store != nil {
				p.m.t.Fatalf("%s: two writes to the journal at once", p.name)
			}
			p.store = &e
		case Wait:
			p.timers[e.Timer] = true
		case Wake:
			p.woken = true
		}
	}
}

func (p *syncPeer) call(id int, run func() (func(), Failure)) {
	for _, other := range p.calls {
		if id != 0 && other.id != 0 {
			p.m.t.Fatalf("%s: two calls at once", p.name)
		}
	}
	p.calls = append(p.calls, &pendingCall{id, run})
}

func (p *syncPeer) fetch(e Fetch) (func(), Failure) {
	var entries []Entry
	for v := e.Since + 1; v <= p.m.office.a.Version() && len(entries) < 5; v++ {
		entry, _, _ := p.m.office.log.Entry(v)
		entries = append(entries, entry)
	}
	version := p.m.office.a.Version()
	return func() { p.sync.Fetched(e.Call, entries, version) }, ""
}

func (p *syncPeer) push(e Push) (func(), Failure) {
	if !p.subscribed {
		return nil, NotSubscribed
	}
	o := p.m.office
	before := o.a.Version()
	pushed, err := o.a.Push(&o.log, e.Base, e.Edits, o.now)
	if err != nil {
		p.m.t.Fatalf("%s pushes on version %d: %v", p.name, e.Base, err)
	}
	o.log.Add(pushed.New...)
	o.a.Commit(pushed)
	if o.a.Version() > before {
		for _, other := range p.m.peers {
			if other.subscribed {
				other.mail = append(other.mail, pushed.New)
			}
		}
	}
	made, version := pushed.Versions[len(pushed.Versions)-1], o.a.Version()
	return func() { p.sync.Pushed(e.Call, made, version) }, ""
}

// textOf returns the text of a version.
func (m *mesh) textOf(version int) string {
	t := new(Text)
	for v := 1; v <= version; v++ {
		e, _, _ := m.office.log.Entry(v)
		if err := t.Apply(e.Changes); err != nil {
			m.t.Fatal(err)
		}
	}
	return t.String()
}

// answer ends the oldest call. fate 0 delivers the answer, 1 loses the call, 2 loses the
// answer.
func (p *syncPeer) answer(fate int) {
	if len(p.calls) == 0 {
		return
	}
	c := p.calls[0]
	p.calls = p.calls[1:]
	lost := errors.New("the line was cut")
	if fate == 1 {
		p.sync.Failed(c.id, "", lost)
		return
	}
	answer, why := c.run()
	switch {
	case answer == nil:
		p.sync.Failed(c.id, why, errors.New(string(why)))
	case fate == 2:
		p.sync.Failed(c.id, "", lost)
	default:
		answer()
	}
}

// pull does what a screen does when woken.
func (p *syncPeer) pull() {
	p.woken = false
	news := p.sync.Pull()
	for _, r := range news.Refused {
		p.m.t.Fatalf("%s was refused %q: %v", p.name, r.Record.Text(), r.Err)
	}
	if news.Loaded {
		p.screen = p.sync.Client().Text().String()
		return
	}
	shown := NewText(p.screen)
	for _, c := range news.Changes {
		if err := shown.Apply(c); err != nil {
			p.m.t.Fatalf("%s: the screen cannot show %v: %v", p.name, c.Wire(), err)
		}
	}
	p.screen = shown.String()
	if p.sync.Ready() && p.screen != p.sync.Client().Text().String() {
		p.m.t.Fatalf("%s: the screen has %q, the client %q", p.name, p.screen, p.sync.Client().Text())
	}
}

// edit types, and sometimes deletes.
func (p *syncPeer) edit(t *rapid.T) {
	if !p.sync.Ready() {
		return
	}
	at := boundaries(p.screen)
	i := rapid.IntRange(0, len(at)-1).Draw(t, "at")
	j := min(len(at)-1, i+max(0, rapid.IntRange(-6, 2).Draw(t, "deleted")))
	insert := ""
	for range rapid.IntRange(0, 3).Draw(t, "typed") {
		insert += string(p.m.next)
		p.m.typed = append(p.m.typed, p.m.next)
		p.m.next++
	}
	shown := NewText(p.screen)
	for _, r := range shown.Slice(at[i], at[j]) {
		p.m.deleted[r] = true
	}
	c, err := New(shown.Len(), Change{From: at[i], To: at[j], Insert: insert})
	if err == nil {
		err = p.sync.Edit(c)
	}
	if err == nil {
		err = shown.Apply(c)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.screen = shown.String()
}

func (p *syncPeer) write(ok bool) {
	if p.store == nil {
		return
	}
	records := p.store.Records
	p.store = nil
	if !ok {
		p.sync.Stored(0, errors.New("the disk is full"))
		return
	}
	for _, r := range records {
		if len(r.Edits) == 0 {
			delete(p.disk, r.Editor)
		} else {
			p.disk[r.Editor] = r
		}
	}
	p.sync.Stored(len(records), nil)
}

// due lets a timer expire.
func (p *syncPeer) due(timer Timer) {
	if p.timers[timer] {
		delete(p.timers, timer)
		p.sync.Due(timer)
	}
}

// kill restarts a peer from its disk. Typed text that is neither there nor in the document
// is lost, as when a process is killed.
func (p *syncPeer) kill() {
	kept := p.m.office.a.Text().String()
	for _, r := range p.disk {
		kept += r.Text()
	}
	for _, r := range p.sync.Unsaved() {
		for _, c := range r.Text() {
			if !strings.ContainsRune(kept, c) {
				p.m.deleted[c] = true
			}
		}
	}
	p.m.start(p)
}

// step performs one random event.
func (p *syncPeer) step(t *rapid.T) {
	switch rapid.IntRange(0, 14).Draw(t, "what") {
	case 0, 1, 2:
		p.edit(t)
	case 3, 4, 5:
		p.answer(0)
	case 6:
		p.answer(rapid.IntRange(1, 2).Draw(t, "lost"))
	case 7:
		if len(p.mail) > 0 {
			p.sync.Arrived(p.mail[0])
			p.mail = p.mail[1:]
		}
	case 8:
		p.pull()
	case 9:
		p.write(rapid.Bool().Draw(t, "disk"))
	case 10:
		p.due(Timer(rapid.IntRange(0, 3).Draw(t, "timer")))
	case 11: // the connection was too slow
		p.mail = nil
		p.sync.Missed()
	case 12: // the session has ended
		p.mail, p.subscribed = nil, false
		p.sync.Resubscribe()
	case 13:
		p.sync.SetCursor(0, Units(p.screen))
	case 14:
		if rapid.IntRange(0, 3).Draw(t, "kill") == 0 {
			p.kill()
		} else {
			p.sync.Online(rapid.Bool().Draw(t, "online"))
		}
	}
	p.perform()
}

// settle runs everything without failures until nothing is left to do.
func (m *mesh) settle() {
	for round := 0; ; round++ {
		busy := false
		for _, p := range m.peers {
			p.sync.Online(true)
			p.perform()
			for i := 0; i < 200 && (len(p.calls) > 0 || len(p.mail) > 0 || p.woken || p.store != nil || len(p.timers) > 0); i++ {
				busy = true
				p.answer(0)
				if len(p.mail) > 0 {
					p.sync.Arrived(p.mail[0])
					p.mail = p.mail[1:]
				}
				p.pull()
				p.write(true)
				for timer := range CursorTimer + 1 {
					p.due(timer)
				}
				p.perform()
			}
		}
		if !busy {
			return
		}
		if round == 100 {
			m.t.Fatal("it does not settle")
		}
	}
}

func TestSyncConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &mesh{t: rt, office: newOffice(t, ""), next: 0xE000, deleted: make(map[rune]bool)}
		for i := range 3 {
			p := &syncPeer{m: m, name: fmt.Sprint("peer", i), disk: make(map[string]Record)}
			m.peers = append(m.peers, p)
			m.start(p)
		}
		for range rapid.IntRange(20, 150).Draw(rt, "steps") {
			m.peers[rapid.IntRange(0, 2).Draw(rt, "peer")].step(rt)
		}
		m.settle()
		whole := m.office.a.Text().String()
		for _, p := range m.peers {
			_, problem := p.sync.Problem()
			if p.screen != whole || !p.sync.Saved() || len(p.disk) > 0 || problem != nil || p.sync.JournalErr() != nil {
				rt.Fatalf("%s shows %q, the document has %q (saved %v, on disk %v, problem %v, %v)",
					p.name, p.screen, whole, p.sync.Saved(), p.disk, problem, p.sync.JournalErr())
			}
		}
		for _, r := range m.typed {
			if n := strings.Count(whole, string(r)); n > 1 || n == 0 && !m.deleted[r] {
				rt.Fatalf("%q is %d times in %q", r, n, whole)
			}
		}
	})
}
