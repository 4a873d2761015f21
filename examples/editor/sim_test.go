package editor

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/text"
)

var (
	simSeeds = flag.Int("editor.n", 10, "how many simulated sessions")
	simFirst = flag.Uint64("editor.seed", 1, "seed of the first")
)

const simDocument = "notes"

// simulation is five people who write one document while everything goes wrong. Each
// typed character is unique, so its fate can be traced.
type simulation struct {
	t       *testing.T
	m       *meshtest.Mesh
	r       *rand.Rand
	people  []*writer
	next    rune
	typed   map[rune]time.Time
	deleted map[rune]bool // by somebody, perhaps without effect or undone: it may be anywhere
	crashed bool          // the gateway is down
	trace   []string

	mu     sync.Mutex // guards the following field
	beside *rand.Rand
}

// writer is a person at a device that has a disk.
type writer struct {
	*person
	name string
	disk *disk
	cut  bool
}

func TestSimulatedEditors(t *testing.T) {
	for i := range *simSeeds {
		seed := *simFirst + uint64(i)
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) {
			meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) { simulate(t, m, seed) })
		}) {
			return
		}
	}
}

func simulate(t *testing.T, m *meshtest.Mesh, seed uint64) {
	registerNodes(m)
	s := &simulation{
		t: t, m: m, r: rand.New(rand.NewPCG(seed, 7)), next: 0xE000,
		typed: make(map[rune]time.Time), deleted: make(map[rune]bool), beside: rand.New(rand.NewPCG(seed, 8)),
	}
	defer func() {
		if t.Failed() {
			t.Logf("seed %d:\n%s", seed, strings.Join(s.trace, "\n"))
		}
	}()
	for i := range 5 {
		w := &writer{name: fmt.Sprint("person", i), disk: &disk{busy: func() bool { return s.chance() < 0.1 }}}
		s.people = append(s.people, w)
		s.start(w)
	}
	for range 120 {
		s.step()
		time.Sleep(time.Duration(s.r.IntN(200)) * time.Millisecond)
	}
	s.settle()
}

// start opens the document in a new process of a writer.
func (s *simulation) start(w *writer) {
	w.person = newPerson(s.t, s.m, w.name, client.Options{Tab: "tab", Random: s.chance})
	w.cut = false
	o := w.disk.options()
	o.Document = simDocument
	w.begin(s.t, o)
}

// chance returns a random number for code that runs outside the schedule.
func (s *simulation) chance() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beside.Float64()
}

func (s *simulation) note(format string, args ...any) {
	s.trace = append(s.trace, fmt.Sprintf(format, args...))
}

// step performs one random event.
func (s *simulation) step() {
	w := s.people[s.r.IntN(len(s.people))]
	w.pull(s.t)
	switch n := s.r.IntN(100); {
	case n < 55:
		s.edit(w)
	case n < 60:
		s.undo(w)
	case n < 63:
		w.doc.Boundary()
	case n < 70:
		length := w.doc.Text().Len()
		w.doc.SetCursor(s.r.IntN(length+1), s.r.IntN(length+1))
	case n < 80:
		s.note("%s cut %v", w.name, !w.cut)
		if w.cut = !w.cut; w.cut {
			w.Cut()
		} else {
			w.Heal()
		}
	case n < 83:
		w.Stall()
		s.note("%s stalls", w.name)
	case n < 86:
		w.Delay(time.Duration(s.r.IntN(3)) * 40 * time.Millisecond)
	case n < 90:
		s.note("gateway down %v", !s.crashed)
		if s.crashed = !s.crashed; s.crashed {
			s.m.CrashGateway()
		} else {
			s.m.RestartGateway()
		}
	case n < 94:
		s.reload(w)
	case n < 98:
		s.kill(w)
	default:
		time.Sleep(time.Duration(s.r.IntN(15)) * time.Second)
	}
}

// edit types, and sometimes deletes or replaces.
func (s *simulation) edit(w *writer) {
	if !w.doc.Ready() {
		return
	}
	at := boundariesOf(w.screen)
	i := s.r.IntN(len(at))
	j := i
	if s.r.IntN(4) == 0 {
		j = min(len(at)-1, i+s.r.IntN(6))
	}
	for _, r := range w.doc.Text().Slice(at[i], at[j]) {
		s.deleted[r] = true
	}
	insert := ""
	for range s.r.IntN(6) {
		insert += string(s.next)
		s.typed[s.next] = time.Now()
		if s.next++; s.next == 0xF900 {
			s.next = 0xF0000 // characters of two units
		}
		if s.next == 0xE100 {
			s.next = 0xF0000
		}
	}
	c, err := text.New(w.doc.Text().Len(), text.Change{From: at[i], To: at[j], Insert: insert})
	if err != nil {
		s.t.Fatal(err)
	}
	s.note("%s at %v version %d: %q", w.name, c.Wire(), w.doc.Version(), w.screen)
	w.edit(s.t, c)
}

func boundariesOf(s string) []int {
	all, pos := []int{0}, 0
	for _, r := range s {
		pos += text.Units(string(r))
		all = append(all, pos)
	}
	return all
}

// undo undoes and redoes; what vanishes from the screen counts as deleted.
func (s *simulation) undo(w *writer) {
	before := w.screen
	do := w.doc.Undo
	if s.r.IntN(3) == 0 {
		do = w.doc.Redo
	}
	do()
	w.screen = w.doc.Text().String()
	for _, r := range before {
		if !strings.ContainsRune(w.screen, r) {
			s.deleted[r] = true
		}
	}
	s.note("%s undo or redo: %q", w.name, w.screen)
}

// reload ends a writer's process like a page that is reloaded; sometimes the gateway does
// not notice that the old connection is gone.
func (s *simulation) reload(w *writer) {
	s.note("%s reloads", w.name)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for w.doc.Close(ctx) != nil { // the disk was busy
	}
	if s.r.IntN(2) == 0 {
		w.Stall()
	}
	w.Close()
	s.lookAtRefused(w)
	s.start(w)
}

// kill ends a writer's process as kill -9 does.
func (s *simulation) kill(w *writer) {
	s.note("%s is killed", w.name)
	unsaved := ""
	for _, r := range w.doc.Unsaved() {
		unsaved += r.Text()
	}
	w.doc.halt()
	w.Kill()
	onDisk := ""
	for _, r := range w.disk.all() {
		onDisk += r.Text()
	}
	for _, r := range unsaved {
		if strings.ContainsRune(onDisk, r) || s.deleted[r] || r == '\n' {
			continue
		}
		if age := time.Since(s.typed[r]); age > 5*time.Second { // the disk was sometimes busy
			s.t.Fatalf("%q was typed %v before the kill and is on no disk", r, age)
		}
		s.deleted[r] = true
	}
	s.lookAtRefused(w)
	s.start(w)
}

// lookAtRefused counts refused text that the user was shown as not lost.
func (s *simulation) lookAtRefused(w *writer) {
	for _, refusal := range w.refused {
		s.t.Fatalf("%s was refused %q: %v", w.name, refusal.Record.Text(), refusal.Err)
	}
}

// settle ends the failures and compares.
func (s *simulation) settle() {
	if s.crashed {
		s.m.RestartGateway()
	}
	for _, w := range s.people {
		w.Heal()
		w.Delay(0)
	}
	for _, w := range s.people {
		w.until(s.t, "there", w.doc.Ready)
		w.saved(s.t)
		s.lookAtRefused(w)
	}
	first := s.people[0]
	for _, w := range s.people {
		s.note("waiting for %s at %v", w.name, time.Now())
		w.until(s.t, "the same text", func() bool {
			first.pull(s.t)
			return w.screen == first.screen && w.doc.Version() == first.doc.Version() && w.doc.Saved()
		})
	}
	stored, version, err := ReadAll(context.Background(), first.Peer, simDocument)
	if err != nil || stored != first.screen || version != first.doc.Version() {
		s.t.Fatalf("the document has %q, version %d, the screens %q, version %d (%v)",
			stored, version, first.screen, first.doc.Version(), err)
	}
	for r := range s.typed {
		n := strings.Count(stored, string(r))
		// Text that two people delete, and both undo, is there twice.
		if n != 1 && !s.deleted[r] {
			s.t.Errorf("%q (typed at %v) is %d times in the text", r, s.typed[r], n)
		}
	}
	for _, w := range s.people {
		w.until(s.t, "the journal is empty", func() bool { return len(w.disk.all()) == 0 })
	}
}
