package test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumenize/lmz/examples/editor"
)

// saves are the texts that an honest user has saved, by version.
type saves struct {
	mu    sync.Mutex
	texts map[int]string
	last  int
}

// keepSaving lets the honest user save without pause until ctx ends or a save fails.
func (s *siege) keepSaving(ctx context.Context) (*saves, *sync.WaitGroup) {
	book := &saves{texts: make(map[int]string)}
	work := new(sync.WaitGroup)
	var n atomic.Int64
	for range 4 {
		work.Go(func() {
			for ctx.Err() == nil {
				text := fmt.Sprintf("This is line number %d.", n.Add(1))
				version, err := editor.Update.Call(ctx, s.honest.peer, s.honest.own, text)
				if err != nil {
					continue // unknown whether it was made
				}
				book.mu.Lock()
				book.texts[version], book.last = text, max(book.last, version)
				book.mu.Unlock()
			}
		})
	}
	return book, work
}

// TestStopUnderAttack stops the program while it is under attack and a user saves. It must exit
// on its own, and keep everything it acknowledged.
func TestStopUnderAttack(t *testing.T) {
	attacks, long := []attack{spellingFlood, nestedReads}, 2*time.Second
	if soak() {
		attacks, long = []attack{spellingFlood, nestedReads, manyRows, subscribeFlood, deafTabs, restorePairs}, 15*time.Second
	}
	for _, a := range attacks {
		t.Run(strings.ReplaceAll(a.name, " ", "_"), func(t *testing.T) { stopUnder(t, a, long) })
	}
}

func stopUnder(t *testing.T, a attack, long time.Duration) {
	s := lay(t, 0)
	if a.prepare != nil {
		a.prepare(t.Context(), s)
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	book, saving := s.keepSaving(ctx)
	attacking := make(chan struct{})
	go func() {
		defer close(attacking)
		a.run(ctx, s)
	}()
	pause(t.Context(), long)
	begin := time.Now()
	stopped := s.gateway.stop()
	took := time.Since(begin) // for people: it depends on the machine
	end()
	saving.Wait()
	<-attacking
	t.Logf("%d saves, the last one of version %d; SIGTERM took %v", len(book.texts), book.last, rounded(took))
	if !s.gateway.cmd.ProcessState.Exited() { // it may report that a call was still running at the end of the drain time
		t.Errorf("the program did not stop by itself: %v: %s", stopped, s.gateway.log)
	}
	if len(book.texts) == 0 {
		t.Fatal("nothing was saved")
	}
	s.honest.peer.Close()
	s.gateway = startGateway(t, s.gateway.data)
	h := startHonest(t, s.gateway.url(), s.gateway.token("ann@example.com"), 0)
	for version, want := range book.texts {
		if version <= book.last-200 {
			continue
		}
		got, err := editor.Read.Call(t.Context(), h.peer, h.own, version, 0)
		if err != nil || got != want {
			t.Errorf("version %d, which was acknowledged, is %q, %v; want %q", version, got, err, want)
		}
	}
}
