package test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/lumenize/lmz/internal/proto"
)

// usage uses a token in one way, repeatedly, until it is refused.
type usage struct {
	name     string
	document string // its own
	write    func(w *usage) (told string)
	told     string

	mu   sync.Mutex
	last time.Time // when the last use was accepted
}

func (w *usage) accepted() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = time.Now()
}

func (w *usage) lastAccepted() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// use is the common part of all usages.
type use struct {
	t     *testing.T
	h     *holder
	token string
	until time.Time // then even usages that are not refused end

	rounds atomic.Int64 // in which another user has read all documents
}

// peer connects a client, which reports on over why it was refused.
func (u *use) peer(token, tab string) (peer *client.Peer, over chan string, err error) {
	over = make(chan string, 1)
	o := client.Options{
		URL: u.h.url(), Tab: tab,
		Token: func(_ context.Context, refused string) (string, error) {
			if refused != "" {
				return "", client.ErrLoginRequired
			}
			return token, nil
		},
		OnLoginRequired: func(err *client.LoginRequiredError) { over <- err.Reason },
	}
	if tab == "json" {
		dial := client.DialWith(http.DefaultClient)
		o.Dial = func(ctx context.Context, url string, protocols []string) (client.Transport, error) {
			return dial(ctx, url, slices.DeleteFunc(slices.Clone(protocols), func(p string) bool { return p == proto.SubprotocolCBOR }))
		}
	}
	if peer, err = client.New(o); err != nil {
		return nil, nil, err
	}
	if err := peer.Connect(u.t.Context()); err != nil {
		peer.Close()
		peer.Wait()
		return nil, nil, err
	}
	return peer, over, nil
}

// update writes to a document over the wire with this name.
func (u *use) update(w *usage) string {
	peer, over, err := u.peer(u.token, w.name)
	if err != nil {
		return "not connected: " + err.Error()
	}
	defer peer.Wait()
	defer peer.Close()
	at := lmz.At(editor.DocumentBinding, w.document)
	_, err = editor.Subscribe.Call(u.t.Context(), peer, at)
	for n := 0; err == nil; n++ {
		pause(u.t.Context(), 20*time.Millisecond)
		_, err = editor.Update.Call(u.t.Context(), peer, at, fmt.Sprint(n))
	}
	select {
	case reason := <-over:
		return reason
	case <-time.After(poll.Patience):
		return "only " + err.Error()
	}
}

// request requests a document over HTTP. Documents accept no requests, but any answer other than
// 401 means that the user was recognized.
func (u *use) request(w *usage) string {
	for time.Now().Before(u.until) {
		r, _ := http.NewRequest("GET", u.h.url()+"/gateway/document-do/"+w.document, nil)
		r.Header.Set("Authorization", "Bearer "+u.token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err.Error()
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusUnauthorized {
			return "401"
		}
		w.accepted()
		pause(u.t.Context(), 20*time.Millisecond)
	}
	return "nothing"
}

// watch runs lmz watch while another user writes to its document.
func (u *use) watch(w *usage) string {
	ctx, stop := context.WithDeadline(u.t.Context(), u.until)
	defer stop()
	first := exec.CommandContext(ctx, program, "call", editor.DocumentBinding, w.document, "subscribe", "+", "update", `"begun"`)
	first.Env = environ(u.h.url(), u.token)
	if out, err := first.CombinedOutput(); err != nil { // a document must exist to be watched
		return fmt.Sprintf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(ctx, program, "watch", w.document)
	cmd.Env = environ(u.h.url(), u.token)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err.Error()
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		w.accepted()
	}
	cmd.Wait()
	return said.String()
}

// call runs lmz call, one process for each write.
func (u *use) call(w *usage) string {
	for n := 0; time.Now().Before(u.until); n++ {
		cmd := exec.Command(program, "call", editor.DocumentBinding, w.document, "subscribe", "+", "update", fmt.Sprintf("%q", fmt.Sprint(n)))
		cmd.Env = environ(u.h.url(), u.token)
		if _, err := cmd.Output(); err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return fmt.Sprintf("exit code %d: %s", exit.ExitCode(), exit.Stderr)
			}
			return err.Error()
		}
	}
	return "nothing"
}

// terminal types into lmz edit, which runs in a terminal.
func (u *use) terminal(term *terminal, want string) func(*usage) string {
	return func(w *usage) string {
		for time.Now().Before(u.until) {
			term.typeText("x")
			if screen := strings.Join(strings.Fields(term.screen()), " "); strings.Contains(screen, want) {
				return screen
			}
		}
		return "only " + term.screen()
	}
}

// page types into a page that is signed in with the holder's session.
func (u *use) page(b *tab) func(*usage) string {
	return func(w *usage) string {
		for time.Now().Before(u.until) {
			ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
			chromedp.Do(ctx, chromedp.KeyEvent("x"))
			cancel()
			if b.state() == "signed-out" {
				return b.value("document.getElementById('signed-out').textContent")
			}
		}
		return "only " + b.state()
	}
}

// enter opens a document in a tab with an existing session.
func (b *tab) enter(h *holder, document string) {
	b.t.Helper()
	b.do(chromedp.Navigate(h.url() + "/dev/mail"))
	b.value("document.cookie = 'refresh-token=" + h.refresh + "; path=/'")
	b.do(chromedp.Navigate(h.url() + "/#" + document))
	poll.Until(b.t, "the page has the document open", func() bool {
		return b.value("document.body.dataset.document") == document && b.state() == "connected"
	})
	b.value("document.getElementById('text').focus()")
}

// observe records when the versions of the documents change, and writes to those that lmz watch
// follows, until ctx ends.
func (u *use) observe(ctx context.Context, token string, all []*usage) error {
	peer, _, err := u.peer(token, "observer")
	if err != nil {
		return err
	}
	defer peer.Wait()
	defer peer.Close()
	versions := map[string]int{}
	for n := 0; ctx.Err() == nil; n++ {
		for _, w := range all {
			if w.name == "http" {
				continue
			}
			at := lmz.At(editor.DocumentBinding, w.document)
			state, err := editor.Subscribe.Call(u.t.Context(), peer, at)
			if err == nil && w.name == "watch" {
				_, err = editor.Update.Call(u.t.Context(), peer, at, fmt.Sprint(n))
			} else if err == nil && state.Version > versions[w.document] {
				versions[w.document] = state.Version
				w.accepted()
			}
			if err != nil {
				return fmt.Errorf("somebody else: %s: %w", w.document, err)
			}
		}
		u.rounds.Add(1)
		pause(ctx, 20*time.Millisecond)
	}
	return nil
}
