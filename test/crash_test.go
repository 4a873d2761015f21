package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/poll"
)

// ledger records what the shells know about their updates.
type ledger struct {
	mu       sync.Mutex     // guards the following fields
	acked    map[int]string // version to text, of updates that exited 0
	inFlight map[string]bool
	failed   int
}

func (l *ledger) begin(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight[text] = true
}

// end records how an update ended. Without a version, it may have run or not.
func (l *ledger) end(t *testing.T, text string, version int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if version == 0 {
		l.failed++
		return
	}
	delete(l.inFlight, text)
	if other, taken := l.acked[version]; taken {
		t.Errorf("version %d was acknowledged for %q and for %q", version, other, text)
	}
	l.acked[version] = text
}

func (l *ledger) count() (acked, failed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked), l.failed
}

// TestUpdatesAcrossKilledGateway kills lmz dev with SIGKILL while twenty shells run
// lmz call … subscribe + update in a loop. After each restart, the document is the last update
// that exited with 0, or one that was in flight.
func TestUpdatesAcrossKilledGateway(t *testing.T) {
	rounds := 5
	if soak() {
		rounds = 50
	}
	const shells = 20
	data := t.TempDir()
	dev := startDev(t, data, "")
	token := dev.token("crash@example.com")
	env := environ(dev.url(), token)
	for round := range rounds {
		book := &ledger{acked: make(map[int]string), inFlight: make(map[string]bool)}
		stop := make(chan struct{})
		var work sync.WaitGroup
		for shell := range shells {
			work.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					text := fmt.Sprintf("round %d, shell %d, update %d", round, shell, i)
					book.begin(text)
					book.end(t, text, update(env, text))
				}
			})
		}
		poll.Until(t, "100 updates before the kill", func() bool {
			acked, _ := book.count()
			return acked >= 100
		})
		dev.kill()
		close(stop)
		work.Wait()
		dev = startDev(t, data, dev.addr)
		checkAfterCrash(t, env, book, round)
	}
}

// update subscribes and updates from a shell, and returns the version if that exited with 0.
func update(env []string, text string) int {
	quoted, _ := json.Marshal(text)
	cmd := exec.Command(program, "call", "--timeout", "3s", "DOCUMENT_DO", "crash", "subscribe", "+", "update", string(quoted))
	cmd.Env = env
	out, err := cmd.Output()
	if err != nil {
		return 0
	}
	lines := strings.Fields(string(out))
	version, _ := strconv.Atoi(lines[len(lines)-1])
	return version
}

func checkAfterCrash(t *testing.T, env []string, book *ledger, round int) {
	t.Helper()
	cmd := exec.Command(program, "call", "DOCUMENT_DO", "crash", "subscribe")
	cmd.Env = env
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("round %d: subscribe after the restart: %v", round, err)
	}
	var now struct {
		Text    string
		Version int
	}
	if err := json.Unmarshal(out, &now); err != nil {
		t.Fatalf("round %d: %v in %s", round, err, out)
	}
	last := 0
	for version := range maps.Keys(book.acked) {
		last = max(last, version)
	}
	acked, failed := book.count()
	t.Logf("round %d: %d updates exited 0, %d were in flight at the kill; version %d acknowledged last, %d found",
		round, acked, failed, last, now.Version)
	switch {
	case now.Version < last:
		t.Errorf("round %d: version %d was acknowledged, %d is there", round, last, now.Version)
	case now.Version == last && now.Text != book.acked[last]:
		t.Errorf("round %d: version %d is %q, acknowledged was %q", round, last, now.Text, book.acked[last])
	case now.Version > last && !book.inFlight[now.Text]:
		t.Errorf("round %d: %q was neither acknowledged last nor in flight", round, now.Text)
	}
}

// TestSingleExecutionAcrossKilledGateways lets clients that outlive the gateway call one object
// without pause. A call under way at a kill is presented again, and the document's version
// counts each call once.
func TestSingleExecutionAcrossKilledGateways(t *testing.T) {
	kills := 5
	if soak() {
		kills = 50
	}
	keepSaving(t, kills, (*devServer).kill)
}

// TestPlannedStopsUnderLoad is the same with SIGTERM: a planned stop must not fail a call either.
func TestPlannedStopsUnderLoad(t *testing.T) {
	stops := 2
	if soak() {
		stops = 8
	}
	keepSaving(t, stops, func(d *devServer) {
		if err := d.stop(); err != nil {
			t.Errorf("at SIGTERM the program ended with %v: %s", err, d.log)
		}
	})
}

// keepSaving lets clients save without pause while the gateway is stopped and restarted several
// times. Each save must run exactly once.
func keepSaving(t *testing.T, ends int, end func(*devServer)) {
	const clients = 4
	dev := startDev(t, t.TempDir(), "")
	var done, unknown, repeated atomic.Int64
	stop := make(chan struct{})
	var work sync.WaitGroup
	var mu sync.Mutex
	seen := make(map[int]bool)
	for i := range clients {
		token := dev.token(fmt.Sprintf("client%d@example.com", i))
		var c *client.Peer
		doc := lmz.At(editor.DocumentBinding, "ledger")
		c, err := client.New(client.Options{
			URL:     dev.url(),
			Token:   func(context.Context, string) (string, error) { return token, nil },
			Handler: editor.NewDesk(),
			OnSubscriptionRequired: func(ctx context.Context) {
				if _, err := editor.Subscribe.Call(ctx, c, doc); err != nil && ctx.Err() == nil {
					t.Errorf("client %d subscribes: %v", i, err)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close(); c.Wait() })
		if err := c.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		work.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				version, err := editor.Update.Call(t.Context(), c, doc, fmt.Sprintf("client %d, save %d", i, n))
				switch {
				case err == nil:
					done.Add(1)
					mu.Lock()
					if seen[version] {
						repeated.Add(1)
					}
					seen[version] = true
					mu.Unlock()
				case errors.Is(err, lmz.ErrOutcomeUnknown):
					unknown.Add(1)
				default:
					t.Errorf("client %d, save %d: %v", i, n, err)
				}
			}
		})
	}
	for range ends {
		before := done.Load()
		poll.Until(t, "200 saves before the end", func() bool { return done.Load() >= before+200 })
		end(dev)
		dev = startDev(t, dev.data, dev.addr)
	}
	before := done.Load()
	poll.Until(t, "saves after the last start", func() bool { return done.Load() >= before+200 })
	close(stop)
	work.Wait()
	cmd := exec.Command(program, "call", "DOCUMENT_DO", "ledger", "subscribe")
	cmd.Env = environ(dev.url(), dev.token("auditor@example.com"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var ledger struct{ Version int }
	if err := json.Unmarshal(out, &ledger); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d ends: %d saves done, %d unknown; the ledger says %d", ends, done.Load(), unknown.Load(), ledger.Version)
	if int64(ledger.Version) != done.Load() || repeated.Load() != 0 || unknown.Load() != 0 {
		t.Errorf("%d saves were done (%d versions twice), %d are unknown, and the ledger says %d",
			done.Load(), repeated.Load(), unknown.Load(), ledger.Version)
	}
}
