package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/proto"
)

// opaque verifies tokens "SUBJECT/SECONDS/NUMBER", which clients cannot read and which are
// not valid subprotocols. It counts the calls to it.
type opaque struct {
	mu   sync.Mutex
	made int
	seen []string
}

func (o *opaque) token(subject string, good time.Duration) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.made++
	return fmt.Sprintf("%s/%d/%d", subject, time.Now().Add(good).Unix(), o.made)
}

func (o *opaque) verify(_ context.Context, token string) (*lmz.Auth, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, token)
	subject, rest, _ := strings.Cut(token, "/")
	var end int64
	if n, err := fmt.Sscanf(rest, "%d/", &end); n != 1 || time.Now().Unix() >= end {
		return nil, fmt.Errorf("%q: %w", rest, err)
	}
	return &lmz.Auth{Subject: subject, Expires: time.Unix(end, 0)}, nil
}

func startOpaque(t *testing.T) (*mesh, *opaque) {
	o := new(opaque)
	return startMeshWith(t, func(g *gateway.Options) { g.Verify = o.verify }), o
}

func TestAnOpaqueTokenIsAllThatAClientNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, o := startOpaque(t)
		defer m.stop()
		asked, states := 0, make(chan client.State, 100)
		p := m.peer("ann", func(c *client.Options) {
			c.Token = func(context.Context, string) (string, error) { asked++; return o.token("ann", 10*time.Minute), nil }
			c.OnStateChange = func(s client.State) { states <- s }
			c.Log = func(what string, args ...any) { t.Log(what, args) }
		})
		defer closePeer(p)
		if got := p.Identity().Instance; got != "ann.tab" {
			t.Errorf("it is called %q", got)
		}
		if _, err := subscribe.Call(t.Context(), p, lmz.At("COUNTER", "a")); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour) // virtual: a new token every 9.5 minutes, from what the gateway says
		synctest.Wait()
		if n := len(states); asked < 6 || asked > 8 || n != 2 {
			t.Errorf("asked for %d tokens, and %d changes of state", asked, n)
		}
		if got := p.Identity().Instance; got != "ann.tab" {
			t.Errorf("it is called %q in the end", got)
		}
	})
}

// TestAnOpaqueTokenAfterADrop also checks that the session is resumed.
func TestAnOpaqueTokenAfterADrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, o := startOpaque(t)
		defer m.stop()
		subscribed := 0
		p := m.peer("ann", func(c *client.Options) {
			c.Token = func(context.Context, string) (string, error) { return o.token("ann", time.Hour), nil }
			c.OnSubscriptionRequired = func(context.Context) { subscribed++ }
		})
		defer closePeer(p)
		m.network.Cut()
		m.network.Heal()
		time.Sleep(3 * time.Second) // virtual
		if _, err := add.Call(t.Context(), p, lmz.At("COUNTER", "a"), 1); err != nil || subscribed != 1 {
			t.Errorf("%v, subscribed %d times", err, subscribed)
		}
	})
}

// welcomeOf dials and returns the welcome, or the status of the refusal.
func (m *mesh) welcomeOf(instance string, protocols ...string) (proto.Frame, int) {
	m.t.Helper()
	conn, response, err := websocket.Dial(m.t.Context(), "ws://mesh/gateway/LUMENIZE_CLIENT_GATEWAY/"+instance,
		&websocket.DialOptions{HTTPClient: m.network.Client(), Subprotocols: protocols})
	if err != nil {
		if response == nil {
			m.t.Fatal(err)
		}
		return proto.Frame{}, response.StatusCode
	}
	defer conn.CloseNow()
	r := &raw{m.t, conn}
	r.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{1}, Attempt: 1})
	f, err := r.read()
	if err != nil {
		m.t.Fatal(err)
	}
	return f, http.StatusSwitchingProtocols
}

func TestOffersOfOpaqueTokensThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, o := startOpaque(t)
		defer m.stop()
		good := func(subject string) string { return proto.TokenProtocol(o.token(subject, time.Hour)) }
		const cbor, tab = proto.SubprotocolCBOR, "~.tab"
		encoded := func(token string) string { return proto.TokenPrefixBase64 + token }
		for name, tt := range map[string]struct {
			instance  string
			protocols []string
			want      int
			verified  bool
		}{
			"a good one":                  {tab, []string{cbor, good("ann")}, 101, true},
			"its own name, written out":   {"ann.tab", []string{cbor, good("ann")}, 101, true},
			"somebody else's name":        {"bob.tab", []string{cbor, good("ann")}, 403, true},
			"no tab":                      {"~", []string{cbor, good("ann")}, 403, true},
			"an empty tab":                {"~.", []string{cbor, good("ann")}, 403, true},
			"a tab that a terminal obeys": {"~.%1b%5b2J", []string{cbor, good("ann")}, 403, true},
			"a name that begins with ~":   {"~ann.tab", []string{cbor, good("ann")}, 403, true},
			"a subject called ~":          {tab, []string{cbor, good("~")}, 401, true},
			"that says so itself":         {"~.~.tab", []string{cbor, good("~")}, 401, true},
			"a subject with a dot":        {tab, []string{cbor, good("ann.tab")}, 403, true},
			"bad base64url":               {tab, []string{cbor, encoded("a+b")}, 401, false},
			"padding":                     {tab, []string{cbor, encoded("YQ==")}, 401, false},
			"nothing":                     {tab, []string{cbor, encoded("")}, 401, false},
			"both forms":                  {tab, []string{cbor, good("ann"), "lmz.access-token.ann"}, 401, false},
			"too long":                    {tab, []string{cbor, encoded(strings.Repeat("YWFh", proto.MaxToken/3+1))}, 401, false},
			"control characters":          {tab, []string{cbor, encoded("YW5uLzk5OTk5OTk5OTkvMQ0K")}, 401, false},
			"not UTF-8":                   {tab, []string{cbor, encoded("__79")}, 401, false},
		} {
			before := len(o.seen)
			f, got := m.welcomeOf(tt.instance, tt.protocols...)
			if got != tt.want || len(o.seen) > before != tt.verified {
				t.Errorf("%s: %d, want %d; %d were verified", name, got, tt.want, len(o.seen)-before)
			}
			if got == 101 && (f.To.Instance != "ann.tab" || f.After <= 59*time.Minute || f.After > time.Hour) {
				t.Errorf("%s: welcomed as %q for %v", name, f.To.Instance, f.After)
			}
		}
	})
}

// The name that a client dials belongs to no client: calls to it do not arrive.
func TestNobodyIsCalledAsClientsDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, o := startOpaque(t)
		defer m.stop()
		token := func(subject string) func(*client.Options) {
			return func(c *client.Options) {
				c.Token = func(context.Context, string) (string, error) { return o.token(subject, time.Hour), nil }
				c.OnBeforeCall, c.Handler = lmz.Anyone, mux()
			}
		}
		ann, bob := m.peer("ann", token("ann")), m.peer("bob", token("bob"))
		defer closePeer(ann)
		defer closePeer(bob)
		for instance, want := range map[string]bool{"ann.tab": true, "bob.tab": true, "~.tab": false} {
			_, err := notify.Call(t.Context(), bob, lmz.At(lmz.DefaultGateway, instance), 1)
			if (err == nil) != want {
				t.Errorf("%s: %v", instance, err)
			}
		}
	})
}

// mux is the handler of the clients in this file.
func mux() *lmz.Mux {
	m := new(lmz.Mux)
	notify.Expose(m, lmz.Anyone, func(context.Context, int) (struct{}, error) { return struct{}{}, nil })
	return m
}

// TestAHookThatNamesEverybody refuses a subject that would share the account of anonymous
// requests.
func TestAHookThatNamesEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Clients.BeforeConnect = func(*http.Request, lmz.Address) (*lmz.Auth, error) { return &lmz.Auth{Subject: "~"}, nil }
			o.BeforeRequest = o.Clients.BeforeConnect
		})
		defer m.stop()
		if _, status := m.welcomeOf("~.tab", proto.SubprotocolCBOR); status != http.StatusForbidden {
			t.Errorf("a client: %d", status)
		}
		web := m.network.Client()
		defer web.CloseIdleConnections()
		response, err := web.Get("http://mesh/gateway/COUNTER/a")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("a request: %d", response.StatusCode)
		}
	})
}
