package gateway_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/memnet"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/object"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mesh is a gateway on a network in memory.
type mesh struct {
	t       *testing.T
	network *memnet.Network
	gateway *gateway.Gateway
	server  *http.Server
	served  chan struct{}
}

// counter is an object that counts, notifies subscribers, and waits on request.
type counter struct {
	*object.Object
	lmz.Mux
}

const (
	add       lmz.Method1[int, int]       = "add"
	subscribe lmz.Method0[struct{}]       = "subscribe"
	notify    lmz.Method1[int, struct{}]  = "notify"
	echo      lmz.Method1[string, string] = "echo"
)

func newCounter(o *object.Object) lmz.Handler {
	c := &counter{Object: o}
	add.Expose(&c.Mux, lmz.Anyone, c.add)
	subscribe.Expose(&c.Mux, lmz.Anyone, c.subscribe)
	return c
}

func (c *counter) add(ctx context.Context, n int) (int, error) {
	var total int
	if _, err := c.KV().Get(ctx, "total", &total); err != nil {
		return 0, err
	}
	total += n
	if err := c.KV().Put(ctx, "total", total); err != nil {
		return 0, err
	}
	var subscribers []string
	if _, err := c.KV().Get(ctx, "subscribers", &subscribers); err != nil {
		return 0, err
	}
	for _, s := range subscribers {
		if err := c.Send(lmz.NewChain(ctx), lmz.At(lmz.DefaultGateway, s), notify.Ctn(total)); err != nil {
			return 0, err
		}
	}
	return total, nil
}

func (c *counter) subscribe(ctx context.Context) (struct{}, error) {
	cc, _ := lmz.CallContextFrom(ctx)
	return struct{}{}, c.KV().Put(ctx, "subscribers", []string{cc.Caller().Instance})
}

// verify accepts unsigned tokens: package auth tests real ones.
func verify(_ context.Context, token string) (*lmz.Auth, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] != "good" {
		return nil, errBadToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, errBadToken
	}
	var claims struct {
		Sub string
		Exp int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, errBadToken
	}
	auth := &lmz.Auth{Subject: claims.Sub}
	if err := json.Unmarshal(payload, &auth.Claims); err != nil {
		return nil, err
	}
	if claims.Exp != 0 {
		auth.Expires = time.Unix(claims.Exp, 0)
	}
	return auth, nil
}

var errBadToken = &gateway.Refusal{Status: http.StatusUnauthorized, Message: "bad token"}

func token(subject string, expires time.Time) string {
	return tokenWith(map[string]any{"sub": subject}, expires)
}

func tokenWith(claims map[string]any, expires time.Time) string {
	if !expires.IsZero() {
		claims["exp"] = expires.Unix()
	}
	payload, _ := json.Marshal(claims)
	return "h." + base64.RawURLEncoding.EncodeToString(payload) + ".good"
}

func startMesh(t *testing.T) *mesh {
	t.Helper()
	return startMeshWith(t, nil)
}

// startMeshWith is startMesh with options changed by edit.
func startMeshWith(t *testing.T, edit func(*gateway.Options)) *mesh {
	t.Helper()
	o := gateway.Options{Dir: t.TempDir(), Verify: verify, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if edit != nil {
		edit(&o)
	}
	g, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	g.HandleObject("COUNTER", object.Kind{New: newCounter})
	g.HandleWorker("ECHO", func(lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		echo.Expose(mux, lmz.Anyone, func(_ context.Context, s string) (string, error) { return s, nil })
		return mux
	})
	m := &mesh{t: t, network: memnet.New(), gateway: g, served: make(chan struct{})}
	m.server = &http.Server{Handler: g}
	go func() {
		defer close(m.served)
		if err := m.server.Serve(net.Listener(m.network)); err != http.ErrServerClosed {
			t.Errorf("serve: %v", err)
		}
	}()
	return m
}

func (m *mesh) stop() {
	if err := m.gateway.Close(); err != nil {
		m.t.Errorf("close: %v", err)
	}
	m.server.Close()
	<-m.served
}

// peer returns a connected client; edit changes its options first.
func (m *mesh) peer(subject string, edit func(*client.Options)) *client.Peer {
	m.t.Helper()
	o := m.options(subject)
	if edit != nil {
		edit(&o)
	}
	return m.connect(client.New(o))
}

// rawPeer returns a connected client of a language binding.
func (m *mesh) rawPeer(subject string, h func(ctx context.Context, callContext, chain []byte, done func(lmz.Code, []byte))) *client.Peer {
	m.t.Helper()
	return m.connect(client.NewRaw(m.options(subject), client.Raw{Handle: h, Claims: func(string) (string, time.Time) { return subject, time.Time{} }}))
}

func (m *mesh) options(subject string) client.Options {
	return client.Options{
		URL: "http://mesh", Tab: "tab", Dial: client.DialWith(m.network.Client()),
		Token: func(context.Context, string) (string, error) { return token(subject, time.Time{}), nil },
	}
}

func (m *mesh) connect(p *client.Peer, err error) *client.Peer {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := p.Connect(m.t.Context()); err != nil {
		m.t.Fatalf("connect: %v", err)
	}
	return p
}

func closePeer(p *client.Peer) {
	p.Close()
	p.Wait()
}

func TestAClientCallsAnObjectAndAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		p := m.peer("ann", nil)
		defer closePeer(p)
		for want := 1; want <= 3; want++ {
			got, err := add.Call(t.Context(), p, lmz.At("COUNTER", "a"), 1)
			if err != nil || got != want {
				t.Fatalf("add: got %d, %v, want %d", got, err, want)
			}
		}
		if got, err := echo.Call(t.Context(), p, lmz.Worker("ECHO"), "hi"); err != nil || got != "hi" {
			t.Errorf("echo: got %q, %v", got, err)
		}
	})
}

// subscriber is a client that has subscribed to a counter.
type subscriber struct {
	*client.Peer
	subscriptions atomic.Int32 // how often it subscribed
	notified      atomic.Int32 // the last notification
}

// subscriber returns a connected client that subscribes to COUNTER/a whenever it is asked to.
func (m *mesh) subscriber(subject string, edit func(*client.Options)) *subscriber {
	m.t.Helper()
	s := new(subscriber)
	ready := make(chan struct{})
	s.Peer = m.peer(subject, func(o *client.Options) {
		if edit != nil {
			edit(o)
		}
		mux := new(lmz.Mux)
		notify.Expose(mux, lmz.Anyone, func(_ context.Context, n int) (struct{}, error) {
			s.notified.Store(int32(n))
			return struct{}{}, nil
		})
		o.Handler = mux
		o.OnSubscriptionRequired = func(ctx context.Context) {
			<-ready
			if _, err := subscribe.Call(ctx, s, lmz.At("COUNTER", "a")); err != nil {
				m.t.Errorf("subscribe: %v", err)
			}
			s.subscriptions.Add(1)
		}
	})
	close(ready)
	return s
}

func TestShortCutResumesLongOneSubscribes(t *testing.T) {
	for _, tt := range []struct {
		cut  time.Duration
		want int32
	}{{3 * time.Second, 1}, {8 * time.Second, 2}} {
		t.Run(tt.cut.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMesh(t)
				defer m.stop()
				p := m.subscriber("ann", nil)
				defer closePeer(p.Peer)
				other := m.peer("bob", nil)
				defer closePeer(other)
				synctest.Wait()
				m.network.Cut()
				made := make(chan error, 1)
				go func() { // arrives once, whether or not the link was known to be dead
					_, err := add.Call(t.Context(), p, lmz.At("COUNTER", "a"), 1)
					made <- err
				}()
				time.Sleep(tt.cut) // virtual
				m.network.Heal()
				if err := <-made; err != nil {
					t.Errorf("call made while offline: %v", err)
				}
				time.Sleep(20 * time.Second) // virtual: everybody is back
				if got, err := add.Call(t.Context(), other, lmz.At("COUNTER", "a"), 1); err != nil || got != 2 {
					t.Errorf("after the cut: got %d, %v, want 2", got, err)
				}
				synctest.Wait()
				if got := p.subscriptions.Load(); got != tt.want {
					t.Errorf("OnSubscriptionRequired ran %d times, want %d", got, tt.want)
				}
				if got := p.notified.Load(); got != 2 {
					t.Errorf("last notification: got %d, want 2", got)
				}
			})
		})
	}
}

func TestSecondClientTakesTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		first := m.peer("ann", nil)
		defer closePeer(first)
		second := m.peer("ann", nil)
		defer closePeer(second)
		time.Sleep(time.Minute) // virtual: long enough to fight, if they did
		if first.State() != client.Disconnected || second.State() != client.Connected {
			t.Errorf("first is %s, second %s", first.State(), second.State())
		}
		_, err := echo.Call(t.Context(), first, lmz.Worker("ECHO"), "hi")
		if !errors.Is(err, client.ErrSuperseded) || !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("a call of the superseded client: got %v", err)
		}
	})
}

// TestOfflineClientTakesNoAddressBack keeps a client offline beyond its grace period, while
// another client takes its name.
func TestOfflineClientTakesNoAddressBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		line := m.network.Port()
		var told atomic.Int32
		first := m.peer("ann", func(o *client.Options) {
			o.Dial = client.DialWith(line.Client())
			o.OnSuperseded = func() { told.Add(1) }
		})
		defer closePeer(first)
		line.Cut()
		time.Sleep(8 * time.Second) // virtual: its session ends
		second := m.peer("ann", func(o *client.Options) { o.OnSuperseded = func() { told.Add(100) } })
		defer closePeer(second)
		waiting := make(chan error, 1)
		go func() {
			_, err := echo.Call(t.Context(), first, lmz.Worker("ECHO"), "hi")
			waiting <- err
		}()
		synctest.Wait()
		line.Heal()
		if err := <-waiting; !errors.Is(err, client.ErrSuperseded) || !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("its call: %v", err)
		}
		time.Sleep(time.Minute) // virtual
		if first.State() != client.Disconnected || second.State() != client.Connected || told.Load() != 1 {
			t.Errorf("the old one is %s, told %d times, the newer one %s", first.State(), told.Load(), second.State())
		}
		if err := first.Connect(t.Context()); err != nil { // the user takes it back
			t.Errorf("connecting it again: %v", err)
		}
	})
}

func TestTokenReplacedWithinSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		var subscriptions, tokens atomic.Int32
		p := m.peer("ann", func(o *client.Options) {
			o.Token = func(context.Context, string) (string, error) {
				tokens.Add(1)
				return token("ann", time.Now().Add(time.Minute)), nil
			}
			o.OnSubscriptionRequired = func(context.Context) { subscriptions.Add(1) }
		})
		defer closePeer(p)
		time.Sleep(5*time.Minute + time.Second) // virtual
		if p.State() != client.Connected || subscriptions.Load() != 1 || tokens.Load() < 5 {
			t.Errorf("%s, %d subscriptions, %d tokens", p.State(), subscriptions.Load(), tokens.Load())
		}
	})
}

func TestARefusedTokenMeansLoginRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		var asked []string
		p, err := client.New(client.Options{
			URL: "http://mesh", Dial: client.DialWith(m.network.Client()),
			Token: func(_ context.Context, refused string) (string, error) {
				asked = append(asked, refused)
				return strings.TrimSuffix(token("ann", time.Time{}), "good") + "bad", nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer closePeer(p)
		if err := p.Connect(t.Context()); !errors.Is(err, client.ErrLoginRequired) {
			t.Errorf("connect: got %v", err)
		}
		if len(asked) != 2 || asked[0] != "" || asked[1] == "" {
			t.Errorf("tokens asked for: %q; want one, and another because it was refused", asked)
		}
	})
}

// forwarder is a worker with a public method, a reply that no other node may call, and a
// reply that calls another worker.
func forwarder(self lmz.Caller) lmz.Handler {
	mux := new(lmz.Mux)
	mux.Expose("start", lmz.Anyone, lmz.HandlerFunc(func(ctx context.Context, req *lmz.Request) (any, error) {
		var to string
		if err := req.Arg(0, &to); err != nil {
			return nil, err
		}
		return nil, self.Send(ctx, lmz.Worker("ECHO"), echo.Ctn("x"), lmz.Reply(lmz.Ctn("onEcho", to, lmz.Result)))
	}))
	mux.Expose("onEcho", lmz.NoOne, lmz.HandlerFunc(func(ctx context.Context, req *lmz.Request) (any, error) {
		var to, text string
		if err := errors.Join(req.Arg(0, &to), req.Arg(1, &text)); err != nil {
			return nil, err
		}
		_, err := self.CallRaw(ctx, lmz.Worker("FORWARDER"), lmz.Ctn("secret"))
		if !errors.Is(err, lmz.ErrNotExecuted) {
			err = errors.New("a reply called a method that nobody may call")
		} else {
			err = self.Send(lmz.NewChain(ctx), lmz.At(lmz.DefaultGateway, to), notify.Ctn(len(text)))
		}
		return nil, err
	}))
	mux.Expose("secret", lmz.NoOne, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return nil, nil }))
	return mux
}

func TestAReplyDoesNotLendItsRightsToWhatItCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		m.gateway.HandleWorker("FORWARDER", forwarder)
		defer m.stop()
		notified := make(chan int, 1)
		p := m.peer("ann", func(o *client.Options) {
			mux := new(lmz.Mux)
			notify.Expose(mux, lmz.Anyone, func(_ context.Context, n int) (struct{}, error) {
				notified <- n
				return struct{}{}, nil
			})
			o.Handler = mux
		})
		defer closePeer(p)
		if _, err := p.CallRaw(t.Context(), lmz.Worker("FORWARDER"), lmz.Ctn("start", p.Identity().Instance)); err != nil {
			t.Fatal(err)
		}
		select {
		case n := <-notified:
			if n != 1 {
				t.Errorf("got %d", n)
			}
		case <-time.After(time.Minute): // virtual
			t.Error("the reply did not get through")
		}
		_, err := p.CallRaw(t.Context(), lmz.Worker("FORWARDER"), lmz.Ctn("onEcho", "x", "y"))
		if lmz.CodeOf(err) != lmz.CodeGuard {
			t.Errorf("a client called a reply: %v", err)
		}
	})
}

func TestATokenIsReplacedOnTheLiveConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		var dials, tokens atomic.Int32
		dial := client.DialWith(m.network.Client())
		p := m.peer("ann", func(o *client.Options) {
			o.Dial = func(ctx context.Context, url string, protocols []string) (client.Transport, error) {
				dials.Add(1)
				return dial(ctx, url, protocols)
			}
			o.Token = func(context.Context, string) (string, error) {
				tokens.Add(1)
				return token("ann", time.Now().Add(15*time.Minute)), nil
			}
		})
		defer closePeer(p)
		time.Sleep(2 * time.Hour) // virtual
		if p.State() != client.Connected || dials.Load() != 1 || tokens.Load() < 8 {
			t.Errorf("%s after %d dials with %d tokens; want one dial", p.State(), dials.Load(), tokens.Load())
		}
	})
}

func TestATokenOfAnotherSubjectDoesNotReplaceOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		r.hello()
		r.frame(proto.Frame{Kind: proto.KindToken, Token: token("bob", time.Time{})})
		if code := r.closeCode(); code != proto.CloseTokenExpired {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestAGatewayThatStopsSaysWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		r := m.raw("ann.tab", token("ann", time.Time{}))
		r.hello()
		go m.stop()
		f, err := r.read()
		for err == nil && f.Kind != proto.KindAway {
			f, err = r.read()
		}
		if err != nil || f.After < time.Second {
			t.Errorf("got %+v, %v", f, err)
		}
		if code := r.closeCode(); code != proto.CloseGoingAway {
			t.Errorf("closed with %d", code)
		}
	})
}

// sleeper is an object whose method ends with its ctx, and reports why.
func newSleeper(ended chan error) func(*object.Object) lmz.Handler {
	return func(*object.Object) lmz.Handler {
		mux := new(lmz.Mux)
		mux.Expose("sleep", lmz.Anyone, lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			time.Sleep(time.Second) // virtual: the caller has given up before this answer comes
			return nil, ctx.Err()
		}))
		return mux
	}
}

func TestCancellationAndDeadlinesReachTheCallee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		ended := make(chan error, 1)
		m.gateway.HandleObject("SLEEPER", object.Kind{New: newSleeper(ended)})
		defer m.stop()
		p := m.peer("ann", nil)
		defer closePeer(p)
		call := func(ctx context.Context) error {
			_, err := p.CallRaw(ctx, lmz.At("SLEEPER", "s"), lmz.Ctn("sleep"))
			return err
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		if err := call(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, lmz.ErrOutcomeUnknown) {
			t.Errorf("cancelled: %v", err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
			t.Errorf("the callee ended after %v with %v", time.Since(start), err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start = time.Now()
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("deadline: %v", err)
		}
		if <-ended; time.Since(start) != 3*time.Second {
			t.Errorf("the callee ended after %v", time.Since(start))
		}
	})
}
