//go:build !js

package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

const (
	say   lmz.Method1[string, int]      = "say"   // of a room: returns the number of listeners
	enter lmz.Method0[[]string]         = "enter" // of a room: returns what was said
	hear  lmz.Method1[string, struct{}] = "hear"  // of a client
)

// room is an object that repeats to everyone in it what was said.
type room struct {
	*object.Object
	lmz.Mux
}

func newRoom(o *object.Object) lmz.Handler {
	r := &room{Object: o}
	say.Expose(&r.Mux, lmz.Anyone, r.say)
	enter.Expose(&r.Mux, lmz.Anyone, r.enter)
	return r
}

func (r *room) say(ctx context.Context, text string) (int, error) {
	var people []lmz.Address
	var said []string
	if _, err := r.KV().Get(ctx, "people", &people); err != nil {
		return 0, err
	}
	if _, err := r.KV().Get(ctx, "said", &said); err != nil {
		return 0, err
	}
	err := errors.Join(
		r.KV().Put(ctx, "said", append(said, text)),
		r.Broadcast(lmz.NewChain(ctx), people, hear.Ctn(text)))
	return len(people), err
}

func (r *room) enter(ctx context.Context) (said []string, err error) {
	var people []lmz.Address
	if _, err := r.KV().Get(ctx, "people", &people); err != nil {
		return nil, err
	}
	c, _ := lmz.CallContextFrom(ctx)
	if to := c.Caller().Address; !slices.Contains(people, to) {
		people = append(people, to)
	}
	_, err = r.KV().Get(ctx, "said", &said)
	return said, errors.Join(err, r.KV().Put(ctx, "people", people))
}

// serveRooms starts a gateway with rooms, whose access tokens are the names of users.
func serveRooms() (url string, stop func()) {
	g, err := gateway.New(gateway.Options{
		Memory: new(object.MemoryDisk),
		Verify: func(_ context.Context, token string) (*lmz.Auth, error) {
			if token == "nobody" {
				return nil, &gateway.Refusal{Status: 401, Message: "unknown user"}
			}
			return &lmz.Auth{Subject: token}, nil
		},
	})
	if err != nil {
		panic(err)
	}
	g.HandleObject("ROOM", object.Kind{New: newRoom})
	server := httptest.NewServer(g)
	return server.URL, func() { g.Close(); server.Close() }
}

// tokenOf returns an Options.Token for a user. A real one asks the service that signs users in.
func tokenOf(user string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return user, nil }
}

// Connect waits for the gateway's welcome, or for its definite refusal. After that the peer
// keeps itself connected until Close.
func ExamplePeer_Connect() {
	url, stop := serveRooms()
	defer stop()
	for _, user := range []string{"ann", "nobody"} {
		p, err := client.New(client.Options{URL: url, Tab: "t1", Token: tokenOf(user)})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer p.Close()
		err = p.Connect(context.Background())
		fmt.Println(p.State(), p.Identity().Instance, errors.Is(err, client.ErrLoginRequired))
	}
	// Output:
	// connected ann.t1 false
	// disconnected  true
}

// A call returns the method's result, or an error that says whether the method ran.
func ExamplePeer_CallRaw() {
	url, stop := serveRooms()
	defer stop()
	p, err := client.New(client.Options{URL: url, Token: tokenOf("ann")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	ctx := context.Background() // without a deadline a call has 30 s
	if err := p.Connect(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(say.Call(ctx, p, lmz.At("ROOM", "kitchen"), "hello"))
	said, err := enter.Call(ctx, p, lmz.At("ROOM", "kitchen"))
	fmt.Println(said, err)
	_, err = p.CallRaw(ctx, lmz.At("ROOM", "kitchen"), lmz.Ctn("dance"))
	fmt.Println(err, "/", lmz.CodeOf(err), errors.Is(err, lmz.ErrNotExecuted))
	// Output:
	// 0 <nil>
	// [hello] <nil>
	// no method "dance" is exposed here / absent true
}

// A client subscribes in OnSubscriptionRequired: it runs at the first connection, and again
// whenever the session could not be resumed. Nodes then call the client's own methods.
func ExampleOptions_subscribe() {
	url, stop := serveRooms()
	defer stop()
	kitchen, heard := lmz.At("ROOM", "kitchen"), make(chan string, 1)
	mux := new(lmz.Mux)
	hear.Expose(mux, lmz.Anyone, func(ctx context.Context, text string) (struct{}, error) {
		c, _ := lmz.CallContextFrom(ctx)
		heard <- c.Caller().String() + ": " + text
		return struct{}{}, nil
	})
	var p *client.Peer
	entered := make(chan error, 1)
	p, err := client.New(client.Options{
		URL: url, Token: tokenOf("ann"), Handler: mux,
		OnSubscriptionRequired: func(ctx context.Context) {
			_, err := enter.Call(ctx, p, kitchen)
			entered <- err
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	fmt.Println(p.Connect(context.Background()), <-entered)
	fmt.Println(say.Call(context.Background(), p, kitchen, "dinner"))
	fmt.Println(<-heard)
	// Output:
	// <nil> <nil>
	// 1 <nil>
	// ROOM/kitchen: dinner
}

// Clients can call each other. The default of OnBeforeCall refuses calls that another client
// started, so the callee says whom it trusts.
func ExampleOptions_beCalled() {
	url, stop := serveRooms()
	defer stop()
	mux := new(lmz.Mux)
	hear.Expose(mux, lmz.Anyone, func(_ context.Context, text string) (struct{}, error) {
		fmt.Println("heard", text)
		return struct{}{}, nil
	})
	onlyAnn := func(ctx context.Context, _ *lmz.Request) error {
		if c, _ := lmz.CallContextFrom(ctx); c.Auth == nil || c.Auth.Subject != "ann" {
			return lmz.Errorf("only Ann may call")
		}
		return nil
	}
	peers := make(map[string]*client.Peer)
	for _, user := range []string{"ann", "bob", "eve"} {
		p, err := client.New(client.Options{URL: url, Tab: "t1", Token: tokenOf(user), Handler: mux, OnBeforeCall: onlyAnn})
		if err == nil {
			err = p.Connect(context.Background())
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		defer p.Close()
		peers[user] = p
	}
	for _, user := range []string{"ann", "eve"} {
		_, err := hear.Call(context.Background(), peers[user], lmz.At(lmz.DefaultGateway, "bob.t1"), "hi from "+user)
		fmt.Println(err)
	}
	// Output:
	// heard hi from ann
	// <nil>
	// only Ann may call
}
