package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
)

func TestReasonOfTheLastAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, echo)
		g.down = true
		p := g.peer(nil)
		defer g.end(p)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		told(t, "Connect", p.Connect(ctx), context.DeadlineExceeded, "the network is down")
		ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := p.CallRaw(ctx, lmz.At("B", "i"), lmz.Ctn("x"))
		told(t, "a call", err, context.DeadlineExceeded, "the network is down")
		if !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("a call that never left: %v", err)
		}

		g.heal() // failures before a connection are no reason after it
		if err := p.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.mu.Lock()
		g.handle = nil
		g.mu.Unlock()
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err = p.CallRaw(ctx, lmz.At("B", "i"), lmz.Ctn("x")); strings.Contains(err.Error(), "network") {
			t.Errorf("a call of a connected client: %v", err)
		}
	})
}

// told checks that err reports both what ended the wait and how the last attempt failed.
func told(t *testing.T, what string, err, ended error, why string) {
	t.Helper()
	var refused *client.DialError
	if !errors.Is(err, ended) || !errors.As(err, &refused) || !strings.Contains(err.Error(), why) {
		t.Errorf("%s: %v; want %v and %q", what, err, ended, why)
	}
}

func TestUnusableTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, echo)
		asked := 0
		p := g.peer(func(o *client.Options) {
			o.Token = func(context.Context, string) (string, error) { asked++; return annsToken + "\n", nil }
		})
		defer g.end(p)
		waiting := make(chan error, 1)
		go func() { waiting <- call(t, p, "x") }()
		synctest.Wait()
		begun := time.Now()
		err := p.Connect(t.Context())
		if err == nil || !strings.Contains(err.Error(), "a control character") {
			t.Errorf("Connect: %v", err)
		}
		if err := <-waiting; !errors.Is(err, lmz.ErrNotExecuted) || !strings.Contains(err.Error(), "a control character") {
			t.Errorf("a call that waited: %v", err)
		}
		if err := call(t, p, "y"); err == nil || !strings.Contains(err.Error(), "a control character") {
			t.Errorf("a call afterwards: %v", err)
		}
		if asked != 1 || p.State() != client.Disconnected || !time.Now().Equal(begun) {
			t.Errorf("asked %d times, %v after %v", asked, p.State(), time.Since(begun))
		}
	})
}

// TestAnOpaqueTokenOnAJSONLink needs Options.Instance, because no welcome reports the name.
func TestAnOpaqueTokenOnAJSONLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dialled []string
		far := newPipe()
		p := newLoop(t, echo).peer(func(o *client.Options) {
			o.Token = func(context.Context, string) (string, error) { return "a/b", nil }
			o.Dial = func(_ context.Context, url string, protocols []string) (client.Transport, error) {
				dialled = append(dialled, url[strings.LastIndex(url, "/")+1:], protocols[2])
				return jsonSocket{&socket{in: newPipe(), out: far}}, nil
			}
		})
		err := p.Connect(t.Context())
		if err == nil || !strings.Contains(err.Error(), "set the option Instance") {
			t.Errorf("Connect: %v", err)
		}
		if want := "~.tab lmz.access-token-b64.YS9i"; strings.Join(dialled, " ") != want {
			t.Errorf("dialled %q", dialled)
		}
		synctest.Wait() // the link's writer closes it
		select {
		case <-far.closed:
		default:
			t.Error("the socket stays open")
		}
		p.Close()
		p.Wait()
	})
}

// jsonSocket is a socket to a server that speaks only lmz.
type jsonSocket struct{ *socket }

func (jsonSocket) Subprotocol() string { return "lmz" }

func TestLoginRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			err  error
			code int
			want string
		}{
			{fmt.Errorf("%w: the session has ended", client.ErrLoginRequired), 401, "login required: the session has ended"},
			{client.ErrLoginRequired, 401, "login required (401)"},
			{&client.LoginRequiredError{Code: 403, Reason: "not yet approved"}, 403, "login required: not yet approved"},
			{fmt.Errorf("refreshing: %w", &client.LoginRequiredError{Code: 403, Reason: "not yet approved"}), 403, "login required: not yet approved"},
		} {
			g := newLoop(t, echo)
			p := g.peer(func(o *client.Options) {
				o.Token = func(context.Context, string) (string, error) { return "", c.err }
			})
			err := p.Connect(t.Context())
			var login *client.LoginRequiredError
			if !errors.As(err, &login) || login.Code != c.code || err.Error() != c.want || !errors.Is(err, c.err) {
				t.Errorf("%v became %v", c.err, err)
			}
			g.end(p)
		}
	})
}
