//go:build js

package main

import (
	"context"
	"errors"
	"sync"
	"syscall/js"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
)

// face is one client on the JavaScript side.
type face struct {
	border *border
	number int
	peer   *client.Peer

	mu          sync.Mutex // guards the following fields
	calls       map[int]context.CancelFunc
	incoming    map[int]func(lmz.Code, []byte)
	tokens      map[int]chan tokenAnswer
	expires     time.Time // of the latest token; see claims
	subscribing map[int]chan struct{}
	urgent      context.Context // of the running OnSubscriptionRequired, or nil
	last        int             // number of the last event that JavaScript answers
}

// tokenAnswer is JavaScript's answer to a request for a token.
type tokenAnswer struct {
	token   string
	expires time.Time // by the local clock; zero if unknown
	err     error
}

// open creates a client: (url, binding, tab, heartbeat in milliseconds, WebSocket class, whether
// it has an onMissed callback, whole instance name or ""). A heartbeat of 0 means the gateway's
// interval, a negative one none. It returns an error message, or "".
func (b *border) open(number int, args []js.Value) any {
	f := &face{
		border: b, number: number,
		calls:       make(map[int]context.CancelFunc),
		incoming:    make(map[int]func(lmz.Code, []byte)),
		tokens:      make(map[int]chan tokenAnswer),
		subscribing: make(map[int]chan struct{}),
	}
	var missed func(context.Context, lmz.Address, int)
	if args[5].Bool() {
		missed = f.missed
	}
	var err error
	f.peer, err = client.NewRaw(client.Options{
		URL: args[0].String(), Binding: args[1].String(), Tab: args[2].String(), Instance: args[6].String(),
		Heartbeat: time.Duration(args[3].Int()) * time.Millisecond, Dial: client.DialWith(args[4]),
		Log:                    b.log(),
		Token:                  f.wantToken,
		OnStateChange:          f.stateChanged,
		OnSubscriptionRequired: f.subscribe,
		OnMissed:               missed,
		OnLoginRequired:        f.loginRequired,
		OnSuperseded:           func() { f.tell(eventSuperseded, 0, "") },
		OnConnectionError:      func(err error) { f.tell(eventConnectionError, 0, err.Error()) },
	}, client.Raw{Handle: f.handle, ToJSON: b.toJSON, FromJSON: f.fromJSON, Claims: f.claims})
	if err != nil {
		return err.Error()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peers[number] = f
	return ""
}

func (f *face) tell(event string, id int, first string) {
	f.border.tell(event, f.number, id, first, "", nil, nil)
}

// settle answers a call or connect.
func (f *face) settle(id int, failed lmz.Code, payload []byte) {
	f.border.tell(eventSettle, f.number, id, string(failed), "", payload, nil)
}

// next returns the number of an event that JavaScript will answer. f.mu must be held.
func (f *face) next() int {
	f.last++
	return f.last
}

// connect starts connecting, and settles when that finishes.
func (f *face) connect(id int) {
	ctx, done := f.begin(id, context.Background())
	go func() {
		defer func() { f.border.guard(recover(), f.number, id) }()
		defer done()
		err := f.peer.Connect(ctx)
		if err == nil {
			f.settle(id, "", nil)
			return
		}
		f.border.tell(eventSettle, f.number, id, string(lmz.CodeGateway), err.Error(), nil, nil)
	}()
}

// begin registers an operation that cancel can end.
func (f *face) begin(id int, parent context.Context) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(parent)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[id] = cancel
	return ctx, func() {
		cancel()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.calls, id)
	}
}

func (f *face) cancel(id int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if cancel := f.calls[id]; cancel != nil {
		cancel()
	}
}

// call makes a call: (binding, instance, call context or undefined, chain, timeout in
// milliseconds, reply wanted, id wanted). The peer has it before call returns, which keeps
// calls in order.
func (f *face) call(id int, args []js.Value) {
	to, chain := lmz.At(args[0].String(), args[1].String()), bytesOf(args[3])
	var callContext []byte
	if !args[2].IsUndefined() {
		callContext = bytesOf(args[2])
	}
	f.mu.Lock()
	parent := f.urgent
	f.mu.Unlock()
	if parent == nil {
		parent = context.Background()
	}
	timeout := lmz.DefaultTimeout
	if ms := args[4].Int(); ms > 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	ctx, stop := context.WithTimeout(parent, timeout)
	if args[6].Bool() {
		ctx = lmz.OnSent(ctx, func(callID string) { f.tell(eventSent, id, callID) })
	}
	if !args[5].Bool() {
		f.peer.CallEncoded(ctx, to, callContext, chain, nil)
		stop()
		return
	}
	ctx, done := f.begin(id, ctx)
	f.peer.CallEncoded(ctx, to, callContext, chain, func(failed lmz.Code, payload []byte) {
		defer func() { f.border.guard(recover(), f.number, id) }()
		done()
		stop()
		f.settle(id, failed, payload)
	})
}

// fromJSON decodes, in JavaScript, a message from a server that speaks only lmz.
func (f *face) fromJSON(text []byte) ([]byte, error) {
	result := f.border.js.Call("fromJSON", f.number, string(text))
	if wrong := result.Get("wrong"); !wrong.IsUndefined() {
		return nil, errors.New(wrong.String())
	}
	return bytesOf(result), nil
}

// handle starts an incoming call in JavaScript.
func (f *face) handle(ctx context.Context, callContext, chain []byte, done func(lmz.Code, []byte)) {
	f.mu.Lock()
	id := f.next()
	f.incoming[id] = done
	f.mu.Unlock()
	context.AfterFunc(ctx, func() { // JavaScript may never answer
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.incoming, id)
	})
	f.border.tell(eventIncoming, f.number, id, "", "", callContext, chain)
}

// answer ends an incoming call: (failure code, payload).
func (f *face) answer(id int, args []js.Value) {
	f.mu.Lock()
	done := f.incoming[id]
	delete(f.incoming, id)
	f.mu.Unlock()
	if done != nil {
		done(lmz.Code(args[0].String()), bytesOf(args[1]))
	}
}

// wantToken is the peer's token function.
func (f *face) wantToken(ctx context.Context, refused string) (string, error) {
	answer := make(chan tokenAnswer, 1)
	f.mu.Lock()
	id := f.next()
	f.tokens[id] = answer
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.tokens, id)
	}()
	f.tell(eventToken, id, refused)
	select {
	case a := <-answer:
		f.mu.Lock()
		f.expires = a.expires
		f.mu.Unlock()
		return a.token, a.err
	case <-ctx.Done():
		return "", errors.New("the refresh function did not answer in time")
	}
}

// claims describes the token that wantToken returned. The local clock is never compared with
// the server's: JavaScript says how long the token is valid.
func (f *face) claims(token string) (subject string, expires time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.border.subject(token), f.expires
}

// token answers wantToken: (token, error message, status, seconds of validity or -1). Status
// 401 and 403 mean that the user must sign in.
func (f *face) token(id int, args []js.Value) {
	f.mu.Lock()
	answer := f.tokens[id]
	delete(f.tokens, id)
	f.mu.Unlock()
	if answer == nil {
		return
	}
	a := tokenAnswer{token: args[0].String()}
	if left := args[3].Float(); left >= 0 && left < 1<<31 {
		a.expires = time.Now().Add(time.Duration(left * float64(time.Second)))
	}
	message, status := args[1].String(), args[2].Int()
	switch {
	case status == 401 || status == 403:
		a.err = &client.LoginRequiredError{Code: status, Reason: message}
	case message != "":
		a.err = errors.New(message)
	}
	answer <- a
}

func (f *face) stateChanged(s client.State) {
	f.border.tell(eventState, f.number, 0, s.String(), f.peer.Identity().Instance, nil, nil)
}

func (f *face) missed(_ context.Context, from lmz.Address, calls int) {
	f.border.tell(eventMissed, f.number, calls, from.Binding, from.Instance, nil, nil)
}

func (f *face) loginRequired(err *client.LoginRequiredError) {
	f.tell(eventLoginRequired, err.Code, err.Reason)
}

// subscribe runs JavaScript's onSubscriptionRequired. Calls made before it ends overtake
// waiting ones. They survive a lost connection and are sent again.
func (f *face) subscribe(ctx context.Context) {
	ended := make(chan struct{})
	f.mu.Lock()
	id := f.next()
	f.subscribing[id] = ended
	f.urgent = context.WithoutCancel(ctx)
	f.mu.Unlock()
	f.tell(eventSubscribe, id, "")
	select {
	case <-ended:
	case <-ctx.Done():
	}
	f.subscribed(id)
}

// subscribed ends subscribe.
func (f *face) subscribed(id int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ended := f.subscribing[id]; ended != nil {
		delete(f.subscribing, id)
		f.urgent = nil
		close(ended)
	}
}

// close ends the client, and settles once its socket is closed.
func (f *face) close(id int) {
	f.border.mu.Lock()
	delete(f.border.peers, f.number)
	f.border.mu.Unlock()
	go func() {
		defer func() { f.border.guard(recover(), f.number, id) }()
		f.peer.Close()
		f.settle(id, "", nil)
	}()
}
