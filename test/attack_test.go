package test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/examples/editor"
)

var attackFor = flag.Duration("attack.for", time.Minute, "how long an attack lasts, and a third of it what it is compared with")

// attack is an attempt by one approved user to take more than a fair share.
type attack struct {
	name    string
	sent    string                        // for people: what it sends
	prepare func(context.Context, *siege) // before anything is measured
	run     func(context.Context, *siege) // until ctx ends or it is finished

	probes func(*siege) []probe // further probes of the honest user
	after  func(*siege) string  // describes the state at the end; begins with FAULT if it is not allowed
	perSec int                  // bytes per second on the honest user's line; 0: unlimited
	slack  time.Duration        // how much slower the honest user's calls may be for other reasons
	times  time.Duration        // duration as a multiple of the default; 0 is 1
}

var attacks = []attack{
	spellingFlood, nestedReads, manyRows, subscribeFlood, manyDocuments, deafTabs, longNames, restorePairs, heavyReads,
	ghostEditors, networkFlood, slowReader,
}

// siege is a gateway with an honest user and an attacker.
type siege struct {
	t       *testing.T
	gateway *devServer
	heap    *heap // of the gateway
	honest  *honest
	loot    *loot
	token   string // the attacker's
	subject string
}

// Limits of what a siege may do to its machine.
const (
	mostMemory = 3 << 30 // of the gateway, before an attack is given up
	mostDisk   = 8 << 30
)

// mayHold is how much more memory may be in use after a collection than before the attack: the 64
// MB that the gateway holds for the attacker, and a text of 17 MB that a turn may be processing.
const mayHold = (64 + 17) << 20

// lay starts a gateway and the honest user.
func lay(t *testing.T, perSec int) *siege {
	s := &siege{t: t, loot: &loot{got: make(map[string]int)}}
	s.begin(t.TempDir())
	g := s.gateway
	s.token = g.token("mallory@example.com")
	s.subject = subjectOf(t, s.token)
	s.honest = startHonest(t, g.url(), g.token("ann@example.com"), perSec)
	return s
}

// begin starts the gateway, which logs the memory in use after each collection.
func (s *siege) begin(data string) {
	s.heap = new(heap)
	s.gateway = startGatewayWith(s.t, data, s.heap, []string{"GODEBUG=gctrace=1"})
}

// heap reads the log of a program, and records the peak memory in use.
type heap struct {
	mu   sync.Mutex
	rest []byte // of a line
	last int64  // bytes, at the last collection
	most int64
}

// inUse matches the memory in use after a collection: gc 7 @0.1s 2%: …, 11->12->6 MB, …
var inUse = regexp.MustCompile(`^gc \d+ @.*->(\d+) MB,`)

func (h *heap) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rest = append(h.rest, p...)
	for {
		line, rest, whole := bytes.Cut(h.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		if m := inUse.FindSubmatch(line); m != nil {
			n, _ := strconv.ParseInt(string(m[1]), 10, 64)
			h.last = n << 20
			h.most = max(h.most, h.last)
		}
		h.rest = rest
	}
}

// take returns the memory in use at the last collection, and the peak since the last take.
func (h *heap) take() (last, most int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last, most = h.last, h.most
	h.most = h.last
	return last, most
}

// connect opens a tab of the attacker, or waits a little and returns nil.
func (s *siege) connect(ctx context.Context, name string, m manners) *rogue {
	t, err := dialRogue(ctx, s.gateway.url(), s.subject, s.token, name, s.loot, m)
	if err != nil {
		pause(ctx, time.Second)
		return nil
	}
	return t
}

// keep runs work in a tab until ctx ends or work returns true. It opens another tab when the
// gateway has closed the last one.
func (s *siege) keep(ctx context.Context, name string, m manners, work func(context.Context, *rogue) (done bool)) {
	for ctx.Err() == nil {
		t := s.connect(ctx, name, m)
		if t == nil {
			continue
		}
		done := work(ctx, t)
		t.close()
		if done {
			return
		}
		pause(ctx, time.Second)
	}
}

// pause lets real time pass: users type, lines are slow, and attackers do not hurry. The programs
// under test are processes with their own clocks, so virtual time is impossible here.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// paced calls f n times, at most perSecond times a second, until it fails or ctx ends. It reports
// whether it made all calls.
func paced(ctx context.Context, n, perSecond int, f func(i int) error) bool {
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	for i := range n {
		if f(i) != nil {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
	return true
}

// stay keeps an idle connection open until ctx ends.
func stay(ctx context.Context, t *rogue, done bool) bool {
	if done {
		select {
		case <-ctx.Done():
		case <-t.ended:
		}
	}
	return done
}

func document(name string) lmz.Address { return lmz.At(editor.DocumentBinding, name) }

// watchMemory records the peak memory of the gateway, and ends the attack at the limit of the
// machine.
func (s *siege) watchMemory(ctx context.Context, stop func()) (most func() int64) {
	var peak int64
	var work sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	work.Go(func() {
		for ctx.Err() == nil {
			if peak = max(peak, s.gateway.memory()); peak > mostMemory || s.gateway.disk() > mostDisk {
				s.loot.add("given up: the gateway takes too much of this machine")
				stop()
				return
			}
			pause(ctx, 250*time.Millisecond)
		}
	})
	return func() int64 { cancel(); work.Wait(); return peak }
}

// TestAttacks lets one approved user attack the program in its default configuration while
// another user works, and compares the duration of the other's calls with that just before the
// attack.
func TestAttacks(t *testing.T) {
	if !soak() {
		t.Skip("takes minutes: make soak")
	}
	for _, a := range attacks {
		t.Run(strings.ReplaceAll(a.name, " ", "_"), func(t *testing.T) { a.try(t) })
	}
}

func (a *attack) try(t *testing.T) {
	s := lay(t, a.perSec)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	if a.prepare != nil {
		a.prepare(ctx, s)
	}
	probes := s.honest.probes()
	if a.probes != nil {
		probes = append(probes, a.probes(s)...)
	}
	measure(ctx, probes, 2*time.Second) // warm up
	without := measure(ctx, probes, *attackFor/3)
	memory, disk, sessions := s.gateway.memory(), s.gateway.disk(), s.honest.sessions.Load()
	inUse, _ := s.heap.take()
	s.loot.got = make(map[string]int)

	long := *attackFor * max(a.times, 1)
	attacking, end := context.WithTimeout(ctx, long)
	most := s.watchMemory(ctx, end)
	over := make(chan struct{})
	go func() {
		defer close(over)
		a.run(attacking, s)
	}()
	with := measure(ctx, probes, long*7/6) // and the aftermath
	end()
	<-over
	f := figures{
		attack: a, with: with, without: without, memory: memory, peak: most(), disk: s.gateway.disk() - disk,
		sessions: s.honest.sessions.Load() - sessions,
	}
	_, held := s.heap.take()
	f.held = held - inUse
	if a.after != nil {
		f.after = a.after(s)
	}
	f.loot = s.loot.String()
	f.report(t)
}

// figures are the costs of an attack.
type figures struct {
	attack        *attack
	without, with []*series
	memory, peak  int64 // of the process
	held          int64 // peak increase of memory in use
	disk          int64
	sessions      int64 // that the honest user lost
	after, loot   string
}

const mb = 1 << 20

// report reports failures, and appends a row to the file that LMZ_FIGURES names.
func (f *figures) report(t *testing.T) {
	row := fmt.Sprintf("### %s\n\n%s\n\n| honest user | without: p50 / p99 | with: p50 / p99 | |\n|---|---|---|---|\n", f.attack.name, f.attack.sent)
	for i, with := range f.with {
		before, after := f.without[i].quantile(0.99), with.quantile(0.99)
		verdict := "ok"
		if limit := 3*before + 20*time.Millisecond + f.attack.slack; after > limit || with.failed() > f.without[i].failed() {
			verdict = "FAULT"
			t.Errorf("%s: p99 %v with the attack, %v without; %d failed", with.name, rounded(after), rounded(before), with.failed())
		}
		row += fmt.Sprintf("| %s | %s | %s | %s |\n", with.name, f.without[i], with, verdict)
	}
	row += fmt.Sprintf("\nheld for the attacker: at most %d MB; the process had %d, at most %d MB; disk +%d MB; sessions lost by the honest user: %d\n\nthe attacker got: %s\n",
		f.held/mb, f.memory/mb, f.peak/mb, f.disk/mb, f.sessions, f.loot)
	if f.after != "" {
		row += "\nafterwards: " + f.after + "\n"
	}
	t.Log("\n" + row)
	if f.held > mayHold {
		t.Errorf("the gateway held %d MB more", f.held/mb)
	}
	if f.sessions > 0 {
		t.Errorf("the honest user lost %d sessions", f.sessions)
	}
	if strings.HasPrefix(f.after, "FAULT") {
		t.Error(f.after)
	}
	if path := os.Getenv("LMZ_FIGURES"); path != "" {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		fmt.Fprintln(file, row)
	}
}
