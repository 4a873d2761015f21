package meshtest

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/memnet"
	"github.com/lumenize/lmz/object"
)

// Options configures [StartWith].
type Options struct {
	// Gateway configures the gateways. The mesh sets Verify and Log if they are nil. With a Dir
	// the objects are files there, and after a crash in a copy next to it that has the state left
	// by the crash.
	Gateway gateway.Options

	// Disk stores the objects if there is no Dir; nil means a new disk whose commits are
	// durable at once.
	Disk *object.MemoryDisk

	// Seed, if it is not 0, seeds all random values: the delays of reconnects, the 100 to 200 µs
	// that a frame takes and, without a Disk, the up to 5 ms that a commit takes and whether it
	// survives a crash. Then no two events happen at the same instant, so a test that draws its own
	// events from the same seed is repeatable.
	Seed uint64

	// TokenLife is the lifetime of the tokens that the mesh creates for clients, in whole
	// seconds; 0 means that they do not expire.
	TokenLife time.Duration
}

// Mesh is a mesh in one process. Create it with [Run], [Start] or [StartWith]. Its methods may be
// called from any goroutine in the bubble of the test.
type Mesh struct {
	t       testing.TB
	options Options
	network *memnet.Network
	server  *http.Server
	served  chan struct{}
	log     *frameLog
	ending  sync.WaitGroup // crashed gateways

	mu      sync.Mutex // guards the following fields
	life    *life      // nil while the gateway is down
	nodes   []func(*life)
	clients []*Client
}

// life is one life of the gateway.
type life struct {
	gateway *gateway.Gateway
	ctx     context.Context // ends when it crashes
	crash   context.CancelFunc
}

// Run runs f with a mesh in a bubble of virtual time ([synctest.Test]). f must use its own t, that
// of the bubble, instead of the outer one.
func Run(t *testing.T, f func(t *testing.T, m *Mesh)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, Start(t)) })
}

// Start starts a mesh without nodes. At the end of the test it stops the clients and then the
// gateway. In a test with virtual time, call it inside the bubble.
func Start(t testing.TB) *Mesh {
	t.Helper()
	return StartWith(t, Options{})
}

// StartWith is [Start] with options.
func StartWith(t testing.TB, o Options) *Mesh {
	t.Helper()
	m := &Mesh{t: t, options: o, network: memnet.New(), served: make(chan struct{}), log: newFrameLog()}
	if m.options.Gateway.Verify == nil {
		m.options.Gateway.Verify = verify
	}
	if m.options.Gateway.Log == nil {
		m.options.Gateway.Log = slog.New(slog.NewTextHandler(m.log, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	}
	if m.options.Gateway.Dir == "" {
		if m.options.Disk == nil && o.Seed != 0 {
			m.options.Disk = disk(o.Seed)
		} else if m.options.Disk == nil {
			m.options.Disk = new(object.MemoryDisk)
		}
		m.options.Gateway.Memory = m.options.Disk
	}
	m.RestartGateway()
	m.server = &http.Server{Handler: m, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() {
		defer close(m.served)
		m.server.Serve(net.Listener(m.network))
	}()
	t.Cleanup(m.stop)
	return m
}

// withoutTime drops the time, because the frame log adds its own.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// ServeHTTP passes a request to the current gateway, as the network of the mesh does.
func (m *Mesh) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l := m.living()
	if l == nil {
		panic(http.ErrAbortHandler)
	}
	l.gateway.ServeHTTP(w, r)
}

// Revoke calls [gateway.Gateway.Revoke] of the current gateway. It does nothing while the gateway
// is down.
func (m *Mesh) Revoke(ids ...string) {
	if l := m.living(); l != nil {
		l.gateway.Revoke(ids...)
	}
}

func (m *Mesh) living() *life {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.life
}

// Log returns the last thousand events: frames that clients sent and received, faults, and log
// entries of the gateway, each with the time since the start of the mesh. It is printed if the
// test fails.
func (m *Mesh) Log() string { return m.log.String() }

func (m *Mesh) stop() {
	if m.t.Failed() {
		m.t.Logf("what travelled (time since the start of the mesh):\n%s", m.log)
	}
	m.mu.Lock()
	clients, l := m.clients, m.life
	m.life = nil
	m.mu.Unlock()
	for _, c := range clients {
		c.Close()
	}
	for _, c := range clients {
		c.Wait()
	}
	if l != nil {
		if err := l.gateway.Close(); err != nil {
			m.t.Errorf("closing the gateway: %v", err)
		}
		l.crash()
	}
	m.server.Close()
	<-m.served
	m.ending.Wait()
}

// HandleObject registers a kind of object with this gateway and its successors. Call it before
// the first client connects.
func (m *Mesh) HandleObject(binding string, k object.Kind) {
	m.node(func(l *life) { l.gateway.HandleObject(binding, k) })
}

// HandleWorker registers a stateless node with this gateway and its successors, like
// [gateway.Gateway.HandleWorker]. Call it before the first client connects.
func (m *Mesh) HandleWorker(binding string, makeHandler func(self lmz.Caller) lmz.Handler) {
	m.node(func(l *life) {
		l.gateway.HandleWorker(binding, func(self lmz.Caller) lmz.Handler {
			h := mortalHandler{l, makeHandler(mortalCaller{l, self})}
			if table, ok := h.handler.(lmz.Table); ok {
				return mortalTable{h, table}
			}
			return h
		})
	})
}

// HandleClients registers another binding under which clients connect with this gateway and its
// successors, like [gateway.Gateway.HandleClients]. A client names it in its options. Call it
// before the first client connects.
func (m *Mesh) HandleClients(binding string, o gateway.ClientOptions) {
	m.node(func(l *life) { l.gateway.HandleClients(binding, o) })
}

func (m *Mesh) node(register func(*life)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nodes = append(m.nodes, register)
	if m.life != nil {
		register(m.life)
	}
}

// CrashGateway kills the gateway like kill -9: connections break, and whatever is not on disk is
// lost, including sessions. No client can connect until [Mesh.RestartGateway]. Running handlers
// of objects cannot be killed, but have no further effect: their storage and calls fail.
func (m *Mesh) CrashGateway() {
	m.mu.Lock()
	l := m.life
	m.life = nil
	m.mu.Unlock()
	if l == nil {
		return
	}
	m.log.add("the gateway crashes")
	m.network.Cut() // first, so that clients do not notice the failures below
	l.crash()
	if dir := m.options.Gateway.Dir; dir == "" {
		m.options.Disk.Crash()
	} else {
		m.options.Gateway.Dir = dir + "+"
		if err := os.CopyFS(dir+"+", os.DirFS(dir)); err != nil {
			m.t.Fatalf("copying what the crash left: %v", err)
		}
	}
	m.ending.Go(func() { l.gateway.Close() }) // ends its goroutines; clients do not notice
}

// RestartGateway starts the gateway after a crash. A running gateway is closed first, which lets
// its handlers finish.
func (m *Mesh) RestartGateway() {
	m.t.Helper()
	m.mu.Lock()
	old := m.life
	m.mu.Unlock()
	if old != nil {
		if err := old.gateway.Close(); err != nil {
			m.t.Errorf("closing the gateway: %v", err)
		}
		old.crash()
	}
	g, err := gateway.New(m.options.Gateway)
	if err != nil {
		m.t.Fatalf("starting the gateway: %v", err)
	}
	l := &life{gateway: g}
	l.ctx, l.crash = context.WithCancel(context.Background())
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, register := range m.nodes {
		register(l)
	}
	if len(m.nodes) > 0 { // otherwise they are being registered, and the first client starts it
		g.Start()
	}
	m.life = l
	m.log.add("the gateway starts")
	m.network.Heal()
}

// errDead is the error of calls by nodes of a crashed gateway.
var errDead = lmz.Errorf("the gateway has crashed")

// mortalHandler is a worker that ends with its gateway.
type mortalHandler struct {
	life    *life
	handler lmz.Handler
}

// HandleCall implements [lmz.Handler].
func (h mortalHandler) HandleCall(ctx context.Context, req *lmz.Request) (any, error) {
	if h.life.ctx.Err() != nil {
		return nil, errDead
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.life.ctx, cancel)()
	return h.handler.HandleCall(ctx, req)
}

// mortalTable is a mortalHandler that describes what it exposes.
type mortalTable struct {
	mortalHandler
	lmz.Table
}

// HandleCall implements [lmz.Handler].
func (h mortalTable) HandleCall(ctx context.Context, req *lmz.Request) (any, error) {
	return h.mortalHandler.HandleCall(ctx, req)
}

// mortalCaller is the caller of a worker that ends with its gateway.
type mortalCaller struct {
	life *life
	lmz.Caller
}

// CallRaw implements [lmz.Caller].
func (c mortalCaller) CallRaw(ctx context.Context, to lmz.Address, w lmz.Continuation) (lmz.Value, error) {
	if c.life.ctx.Err() != nil {
		return nil, errDead
	}
	return c.Caller.CallRaw(ctx, to, w)
}

// Send implements [lmz.Caller].
func (c mortalCaller) Send(ctx context.Context, to lmz.Address, w lmz.Continuation, o ...lmz.SendOption) error {
	if c.life.ctx.Err() != nil {
		return errDead
	}
	return c.Caller.Send(ctx, to, w, o...)
}

// Client creates a client of the user subject and connects it. It is closed at the end of the
// test. Its tokens carry the claims and last for Options.TokenLife; for other tokens set o.Token,
// which can create them with [Token]. The mesh sets o.URL and o.Dial, and sets an empty o.Tab to
// t1, t2 and so on.
func (m *Mesh) Client(subject string, claims map[string]any, o client.Options) *Client {
	m.t.Helper()
	c := m.NewClient(subject, claims, o)
	if err := c.Connect(context.Background()); err != nil {
		m.t.Fatalf("connecting %s: %v", subject, err)
	}
	return c
}

// NewClient is [Mesh.Client] without connecting.
func (m *Mesh) NewClient(subject string, claims map[string]any, o client.Options) *Client {
	m.t.Helper()
	c := &Client{mesh: m, port: m.network.Port()}
	m.mu.Lock()
	m.clients = append(m.clients, c)
	number := len(m.clients)
	m.mu.Unlock()
	if o.Tab == "" {
		o.Tab = "t" + strconv.Itoa(number)
	}
	c.name = subject + "." + o.Tab
	if o.Token == nil {
		c.tokens = &tokens{subject: subject, claims: claims, life: m.options.TokenLife}
		o.Token = c.tokens.next
	}
	if seed := m.options.Seed; seed != 0 {
		c.port.Latency(latency(seed, number))
		if o.Random == nil {
			o.Random = rand.New(rand.NewPCG(seed, 1000+uint64(number))).Float64
		}
	}
	o.URL, o.Dial = "http://mesh", c.dialer()
	var err error
	if c.Peer, err = client.New(o); err != nil {
		m.t.Fatal(err)
	}
	return c
}
