package test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
)

// probe is something that the honest user does repeatedly.
type probe struct {
	name  string
	every time.Duration
	call  func(context.Context) error
}

// series is how long the calls of a probe took during a period.
type series struct {
	name  string
	took  []time.Duration
	fails *loot
}

func (s *series) failed() (n int) {
	for _, count := range s.fails.got {
		n += count
	}
	return n
}

// quantile returns a quantile of a sorted series, or 0 for an empty one.
func (s *series) quantile(q float64) time.Duration {
	if len(s.took) == 0 {
		return 0
	}
	return s.took[min(len(s.took)-1, int(q*float64(len(s.took))))]
}

func (s *series) String() string {
	text := fmt.Sprintf("%s / %s", rounded(s.quantile(0.5)), rounded(s.quantile(0.99)))
	if n := s.failed(); n > 0 {
		text += fmt.Sprintf(", %d of %d failed (%s)", n, len(s.took), s.fails)
	}
	return text
}

func rounded(d time.Duration) time.Duration {
	if d < 100*time.Millisecond {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(10 * time.Millisecond)
}

// measure makes the calls of all probes for some time, each when it is due even if the previous
// one has not returned, and waits for their answers.
func measure(ctx context.Context, probes []probe, long time.Duration) []*series {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	all := make([]*series, len(probes))
	var work sync.WaitGroup
	for i, p := range probes {
		s := &series{name: p.name, fails: &loot{got: make(map[string]int)}}
		all[i] = s
		var mu sync.Mutex
		work.Go(func() {
			ticker := time.NewTicker(p.every)
			defer ticker.Stop()
			for {
				work.Go(func() {
					begin := time.Now()
					err := p.call(context.WithoutCancel(ctx))
					took := time.Since(begin)
					mu.Lock()
					s.took = append(s.took, took)
					mu.Unlock()
					if err != nil {
						s.fails.add(fmt.Sprintf("%.80s", err))
					}
				})
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
				}
			}
		})
	}
	work.Wait()
	for _, s := range all {
		slices.Sort(s.took)
	}
	return all
}

// honest is a user who works on one document alone, and on one that the attacker may use too.
type honest struct {
	peer        *client.Peer
	own, shared lmz.Address
	sessions    atomic.Int64 // that it had
	missed      atomic.Int64 // reported by documents for which it was too slow
	ghosts      sync.Map     // editors reported as present but not as gone
	acked       atomic.Int64 // the last version of its own document that was acknowledged
}

// callTime is how long the honest user waits for an answer.
const callTime = 30 * time.Second

func startHonest(t *testing.T, server, token string, perSec int) *honest {
	t.Helper()
	h := &honest{own: lmz.At(editor.DocumentBinding, "honest"), shared: lmz.At(editor.DocumentBinding, "shared")}
	mux := new(lmz.Mux)
	nothing := lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return nil, nil })
	mux.Expose("handleEdits", lmz.Anyone, nothing)
	mux.Expose("handleSpelling", lmz.Anyone, nothing)
	editor.HandlePresence.Expose(mux, lmz.Anyone, func(_ context.Context, _ string, p editor.Person) (struct{}, error) {
		if p.Gone {
			h.ghosts.Delete(p.ClientID)
		} else {
			h.ghosts.Store(p.ClientID, true)
		}
		return struct{}{}, nil
	})
	options := client.Options{
		URL: server, Handler: mux,
		Token: func(context.Context, string) (string, error) { return token, nil },
		OnSubscriptionRequired: func(ctx context.Context) {
			h.sessions.Add(1)
			for _, doc := range []lmz.Address{h.own, h.shared} {
				h.peer.CallRaw(ctx, doc, lmz.Ctn("subscribe"))
			}
		},
	}
	options.OnMissed = func(ctx context.Context, from lmz.Address, calls int) {
		h.missed.Add(int64(calls))
		h.peer.CallRaw(ctx, from, lmz.Ctn("subscribe"))
	}
	if perSec > 0 {
		dialer := new(net.Dialer)
		options.Dial = client.DialWith(&http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dialer.DialContext(ctx, network, addr)
				if err == nil {
					c = slowLine(c, perSec)
				}
				return c, err
			},
		}})
	}
	var err error
	if h.peer, err = client.New(options); err == nil {
		err = h.peer.Connect(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.peer.Close(); h.peer.Wait() })
	for _, doc := range []lmz.Address{h.own, h.shared} {
		if err := h.save(t.Context(), doc, "It begins."); err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
	}
	return h
}

// save replaces the text of a document.
func (h *honest) save(ctx context.Context, doc lmz.Address, text string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	version, err := editor.Update.Call(ctx, h.peer, doc, text)
	for err == nil && doc == h.own {
		if last := h.acked.Load(); last >= int64(version) || h.acked.CompareAndSwap(last, int64(version)) {
			break
		}
	}
	return err
}

// look requests the first revision of a document, which is a small call.
func (h *honest) look(ctx context.Context, doc lmz.Address) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := h.peer.CallRaw(ctx, doc, lmz.Ctn("history", 2))
	return err
}

// probes are what the honest user does in every attack.
func (h *honest) probes() []probe {
	var n atomic.Int64
	return []probe{
		{"save in a document of one's own", 50 * time.Millisecond, func(ctx context.Context) error {
			return h.save(ctx, h.own, fmt.Sprintf("This is line number %d.", n.Add(1)))
		}},
		{"call to the shared document", 50 * time.Millisecond, func(ctx context.Context) error {
			return h.look(ctx, h.shared)
		}},
	}
}

// askLink requests a sign-in mail from a network.
func askLink(ctx context.Context, server, from, email string) error {
	body := strings.NewReader(fmt.Sprintf(`{"email":%q}`, email))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/auth/email-magic-link", body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Forwarded-For", from)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(http.StatusText(response.StatusCode))
	}
	return nil
}
