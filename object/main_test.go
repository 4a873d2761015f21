package object

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mesh routes calls by binding. Fill it before the first call.
type mesh map[string]proto.Node

func (m mesh) Deliver(ctx context.Context, c *proto.Call, done func(proto.Answer)) {
	node, ok := m[c.To.Binding]
	if !ok {
		done(proto.ErrorAnswer(absent("no node " + c.To.Binding)))
		return
	}
	node.Deliver(ctx, c, done)
}

// CheckTarget accepts every address; delivery fails instead.
func (m mesh) CheckTarget(lmz.Address) *lmz.Error { return nil }

// sessions is a node that knows the sessions of clients.
type sessions interface {
	Session(lmz.Address) proto.SessionID
	AfterSession(lmz.Address, proto.SessionID, func())
}

func (m mesh) Session(client lmz.Address) (id proto.SessionID) {
	if s, ok := m[client.Binding].(sessions); ok {
		id = s.Session(client)
	}
	return id
}

func (m mesh) AfterSession(client lmz.Address, id proto.SessionID, ended func()) {
	if s, ok := m[client.Binding].(sessions); ok {
		s.AfterSession(client, id, ended)
		return
	}
	ended()
}

// worker is a stateless node.
type worker struct{ h lmz.Handler }

func (w worker) Deliver(ctx context.Context, c *proto.Call, done func(proto.Answer)) {
	go func() {
		ctx := node.WithCallContext(ctx, c.Context)
		done(proto.NewAnswer(proto.Execute(ctx, w.h, c.Chain)))
	}()
}

// peer is a client outside the mesh.
type peer struct {
	name string
	mesh proto.Node
}

func (p peer) identity() lmz.Identity {
	return lmz.Identity{Type: lmz.TypeClient, Address: lmz.At("CLIENT", p.name)}
}

func (p peer) start(ctx context.Context, to lmz.Address, c lmz.Continuation) (<-chan proto.Answer, error) {
	call, err := proto.NewCall(ctx, p.identity(), to, c)
	if err != nil {
		return nil, err
	}
	answers := make(chan proto.Answer, 1)
	p.mesh.Deliver(ctx, call, func(a proto.Answer) { answers <- a })
	return answers, nil
}

func (p peer) CallRaw(ctx context.Context, to lmz.Address, c lmz.Continuation) (lmz.Value, error) {
	ctx, cancel := proto.WithDeadline(ctx)
	defer cancel()
	answers, err := p.start(ctx, to, c)
	if err != nil {
		return nil, err
	}
	return (<-answers).Result()
}

func (p peer) Send(ctx context.Context, to lmz.Address, c lmz.Continuation, _ ...lmz.SendOption) error {
	_, err := p.start(ctx, to, c)
	return err
}

// logBuffer holds the log of a test.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// world is one runtime in a mesh, and a client to call it.
type world struct {
	peer
	t    *testing.T
	rt   *Runtime
	mesh mesh
	log  *logBuffer

	script chan func(context.Context, *Object) error // see inTurnOf
}

// newWorld opens dir and closes it at the end of the test.
func newWorld(t *testing.T, dir string) *world {
	t.Helper()
	return newWorldOn(t, func(m mesh, log *slog.Logger) (*Runtime, error) { return Open(dir, m, log) })
}

// newMemoryWorld is newWorld on a disk in memory.
func newMemoryWorld(t *testing.T, disk *MemoryDisk) *world {
	t.Helper()
	return newWorldOn(t, func(m mesh, log *slog.Logger) (*Runtime, error) { return OpenMemory(disk, m, log) })
}

func newWorldOn(t *testing.T, open func(m mesh, log *slog.Logger) (*Runtime, error)) *world {
	t.Helper()
	m := mesh{}
	log := &logBuffer{}
	rt, err := open(m, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{peer: peer{"tester", m}, t: t, rt: rt, mesh: m, log: log}
	t.Cleanup(w.close)
	return w
}

func (w *world) close() {
	w.t.Helper()
	if err := w.rt.Close(); err != nil {
		w.t.Errorf("Close: %v", err)
	}
}

// register registers a kind whose instances expose what fill adds to their Mux.
func (w *world) register(binding string, fill func(o *Object, mux *lmz.Mux)) {
	w.registerKind(binding, Kind{New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		fill(o, mux)
		return mux
	}})
}

func (w *world) registerKind(binding string, k Kind) {
	w.rt.Register(binding, k)
	w.mesh[binding] = w.rt
}

// must calls and fails the test on an error.
func must[R any](w *world, to lmz.Address, method string, args ...any) R {
	w.t.Helper()
	result, err := lmz.Call[R](w.t.Context(), w, to, lmz.Ctn(method, args...))
	if err != nil {
		w.t.Fatalf("%s on %s: %v", method, to, err)
	}
	return result
}

// fails calls and returns the error, and fails the test if there is none.
func fails(w *world, to lmz.Address, method string, args ...any) error {
	w.t.Helper()
	_, err := w.CallRaw(w.t.Context(), to, lmz.Ctn(method, args...))
	if err == nil {
		w.t.Fatalf("%s on %s succeeded, want an error", method, to)
	}
	return err
}

func wantCode(t *testing.T, err error, want lmz.Code, message string) {
	t.Helper()
	if got := lmz.CodeOf(err); got != want || !bytes.Contains([]byte(err.Error()), []byte(message)) {
		t.Errorf("got error %q with code %q, want one with %q and code %q", err, got, message, want)
	}
}

// exposeStorage exposes get, put, delete and list of the object's own storage.
func exposeStorage(o *Object, mux *lmz.Mux) {
	kv := o.KV()
	lmz.Method1[string, string]("get").Expose(mux, lmz.Anyone, func(ctx context.Context, key string) (string, error) {
		var value string
		_, err := kv.Get(ctx, key, &value)
		return value, err
	})
	lmz.Method2[string, string, struct{}]("put").Expose(mux, lmz.Anyone, func(ctx context.Context, key, value string) (struct{}, error) {
		return struct{}{}, kv.Put(ctx, key, value)
	})
	lmz.Method1[string, struct{}]("delete").Expose(mux, lmz.Anyone, func(ctx context.Context, key string) (struct{}, error) {
		return struct{}{}, kv.Delete(ctx, key)
	})
	lmz.Method1[string, []string]("list").Expose(mux, lmz.Anyone, kv.List)
}

// exposeCounter exposes increment and total of a stored counter.
func exposeCounter(o *Object, mux *lmz.Mux) {
	kv := o.KV()
	lmz.Method0[int]("increment").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
		var n int
		if _, err := kv.Get(ctx, "n", &n); err != nil {
			return 0, err
		}
		return n + 1, kv.Put(ctx, "n", n+1)
	})
	lmz.Method0[int]("total").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) {
		var n int
		_, err := kv.Get(ctx, "n", &n)
		return n, err
	})
}

func wantNil(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
