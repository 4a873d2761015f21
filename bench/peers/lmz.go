package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

const (
	echo  lmz.Method1[[]byte, []byte]   = "echo"
	write lmz.Method1[[]byte, []byte]   = "write"
	join  lmz.Method0[struct{}]         = "join"
	say   lmz.Method1[[]byte, struct{}] = "say"
	hear  lmz.Method1[[]byte, struct{}] = "hear"
)

// serveLmz runs a gateway with a worker, an object that answers, writes and broadcasts, and
// the same object without syncs. Everybody is let in: others are compared without sign-in too.
func serveLmz(dir string) (string, func(), error) {
	g, err := gateway.New(gateway.Options{
		Dir: dir, Log: slog.New(slog.DiscardHandler),
		Verify: func(_ context.Context, token string) (*lmz.Auth, error) { return &lmz.Auth{Subject: token}, nil },
	})
	if err != nil {
		return "", nil, err
	}
	answer := make([]byte, answered)
	g.HandleWorker("ECHO", func(lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		echo.Expose(mux, lmz.Anyone, func(context.Context, []byte) ([]byte, error) { return answer, nil })
		return mux
	})
	g.HandleObject("ROOM", object.Kind{New: newRoom})
	g.HandleObject("UNSYNCED", object.Kind{New: newRoom, Relaxed: true})
	url, stop, err := listen(g)
	return url, func() { stop(); g.Close() }, err
}

func newRoom(o *object.Object) lmz.Handler {
	var members []lmz.Address
	answer := make([]byte, answered)
	mux := new(lmz.Mux)
	echo.Expose(mux, lmz.Anyone, func(context.Context, []byte) ([]byte, error) { return answer, nil })
	write.Expose(mux, lmz.Anyone, func(ctx context.Context, data []byte) ([]byte, error) {
		return answer, o.KV().Put(ctx, "last", data)
	})
	join.Expose(mux, lmz.Anyone, func(ctx context.Context) (struct{}, error) {
		c, _ := lmz.CallContextFrom(ctx)
		members = append(members, c.Caller().Address)
		return struct{}{}, nil
	})
	say.Expose(mux, lmz.Anyone, func(ctx context.Context, message []byte) (struct{}, error) {
		return struct{}{}, o.Broadcast(lmz.NewChain(ctx), members, hear.Ctn(message))
	})
	return mux
}

// lmzConn is a client whose calls go to one node.
type lmzConn struct {
	peer   *client.Peer
	to     lmz.Address
	method lmz.Method1[[]byte, []byte]
	mu     sync.Mutex // guards heard
	heard  func()
}

func dialWorker(ctx context.Context, url string) (conn, error) {
	return dialLmz(ctx, url, lmz.Worker("ECHO"), echo)
}

func dialObject(ctx context.Context, url string) (conn, error) {
	return dialLmz(ctx, url, lmz.At("ROOM", "a"), echo)
}

func dialWriting(ctx context.Context, url string) (conn, error) {
	return dialLmz(ctx, url, lmz.At("ROOM", "a"), write)
}

func dialUnsynced(ctx context.Context, url string) (conn, error) {
	return dialLmz(ctx, url, lmz.At("UNSYNCED", "a"), write)
}

func dialLmz(ctx context.Context, url string, to lmz.Address, method lmz.Method1[[]byte, []byte]) (conn, error) {
	c := &lmzConn{to: to, method: method}
	mux := new(lmz.Mux)
	hear.Expose(mux, lmz.Anyone, func(context.Context, []byte) (struct{}, error) {
		c.mu.Lock()
		heard := c.heard
		c.mu.Unlock()
		heard()
		return struct{}{}, nil
	})
	subject := rand.Text()
	p, err := client.New(client.Options{
		URL: url, Handler: mux,
		Token:    func(context.Context, string) (string, error) { return subject, nil },
		Instance: subject + ".bench",
	})
	if err != nil {
		return nil, err
	}
	c.peer = p
	return c, p.Connect(ctx)
}

func (c *lmzConn) call(ctx context.Context, request []byte) error {
	_, err := c.method.Call(ctx, c.peer, c.to, request)
	return err
}

func (c *lmzConn) join(ctx context.Context, heard func()) error {
	c.mu.Lock()
	c.heard = heard
	c.mu.Unlock()
	_, err := join.Call(ctx, c.peer, c.to)
	return err
}

func (c *lmzConn) say(ctx context.Context, message []byte) error {
	_, err := say.Call(ctx, c.peer, c.to, message)
	return err
}

func (c *lmzConn) close() { c.peer.Close() }
