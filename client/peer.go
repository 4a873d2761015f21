package client

import (
	"context"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/dialect"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/session"
	"github.com/lumenize/lmz/internal/turn"
)

// State is the state of a peer's connection.
type State int

// The states of a peer. A new peer is Disconnected.
const (
	Disconnected = State(session.Disconnected) // not connected and not trying
	Connecting   = State(session.Connecting)   // trying for the first time
	Connected    = State(session.Connected)    // the gateway has welcomed it
	Reconnecting = State(session.Reconnecting) // trying again after a failure
)

// String returns the state in lower case, as shown to people.
func (s State) String() string { return session.State(s).String() }

// Peer is a node outside the gateway. It implements [lmz.Caller]. All its methods
// may be called from any goroutine.
type Peer struct {
	options     Options
	base        string // ws://host/gateway/BINDING/
	ctx         context.Context
	cancel      context.CancelCauseFunc
	serve       func(context.Context, *turn.Place, lmz.Identity, proto.Frame) proto.Answer // runs an incoming call
	json        *dialect.JSON                                                              // for a server that speaks only lmz
	claims      func(token string) claims                                                  // reads an access token
	user        callbacks
	subscribing callbacks      // OnSubscriptionRequired, which waits for calls
	asking      chan struct{}  // holds one element while Options.Token runs
	line        turn.Queue     // whose turn it is to run a handler
	work        sync.WaitGroup // links, dials, token requests, handlers, callbacks

	mu       sync.Mutex // guards the following fields
	life     *session.Life
	session  *session.Session
	begun    bool // session has been welcomed
	link     *link.Link
	wire     dialect.Translator // of the session's frames, in the server's dialect
	fresh    proto.SessionID    // offered in the last hello
	token    string
	subject  string        // from the token; "" if it is opaque
	instance string        // "" until known from a token or a welcome
	over     error         // why the peer stopped trying
	failed   error         // why the last attempt to connect failed, or the last connection ended; nil after a welcome
	changed  chan struct{} // closed and replaced when the state changes
	unknown  uint64        // frames of unknown kinds received
	nextKey  uint64
	calls    map[uint64]*pending
	sent     map[uint64]func(id string)    // for calls that wait to be sent; see lmz.OnSent
	running  map[uint64]context.CancelFunc // incoming calls by number
	wait     *time.Timer                   // the life's
	renewal  *time.Timer                   // the token's
	dropped  context.CancelFunc            // ends the ctx of OnSubscriptionRequired; nil before the first
	hold     uint64                        // number of the OnSubscriptionRequired run that holds calls
}

var _ lmz.Caller = (*Peer)(nil)

// New returns a peer without connecting it; see [Peer.Connect]. It fails if an option is
// invalid.
func New(o Options) (*Peer, error) {
	if o.Handler == nil {
		o.Handler = new(lmz.Mux)
	}
	p, err := newPeer(o)
	if err != nil {
		return nil, err
	}
	p.serve, p.json.Messages, p.claims = p.serveHandler, jsonwire.GoMessages{}, claimsOf
	return p, nil
}

// newPeer returns a peer without serve, json.Messages and claims.
func newPeer(o Options) (*Peer, error) {
	base, err := gatewayURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Token == nil {
		return nil, errors.New("client: Options.Token is required")
	}
	setDefaults(&o)
	p := &Peer{
		options: o, base: base + "/gateway/" + o.Binding + "/",
		json:    &dialect.JSON{Limit: proto.MaxTimeout},
		life:    session.NewLife(o.Random),
		wire:    dialect.CBOR.Translator(proto.SessionID{}),
		calls:   make(map[uint64]*pending),
		sent:    make(map[uint64]func(string)),
		running: make(map[uint64]context.CancelFunc),
		changed: make(chan struct{}),
		asking:  make(chan struct{}, 1),
	}
	p.life.Heartbeat, p.life.Blind = max(o.Heartbeat, 0), blind
	p.session = session.New(newSessionID(), session.Limits{
		Calls: maxInFlight, Waiting: o.QueueLimit, Bytes: waitingBytes,
	}, time.Now)
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	p.user.wg, p.subscribing.wg = &p.work, &p.work
	return p, nil
}

func setDefaults(o *Options) {
	if o.Binding == "" {
		o.Binding = lmz.DefaultGateway
	}
	if o.Tab == "" {
		id := newSessionID()
		o.Tab = hex.EncodeToString(id[:tabIDBytes])
	}
	if o.QueueLimit <= 0 {
		o.QueueLimit = defaultQueue
	}
	if o.Random == nil {
		o.Random = mathrand.Float64
	}
	if o.Dial == nil {
		o.Dial = dialWebSocket
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
}

func newSessionID() (id proto.SessionID) {
	fillRandom(id[:])
	return id
}

// gatewayURL returns the WebSocket origin for Options.URL.
func gatewayURL(origin string) (string, error) {
	scheme, host, ok := strings.Cut(strings.TrimRight(origin, "/"), "://")
	if !ok || host == "" || strings.ContainsAny(host, " \t\r\n\"<>?#\\") || host[0] == '/' || host[0] == ':' {
		return "", errors.New("client: Options.URL: " + origin + " is not a URL such as https://mesh.example.com")
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "http":
		scheme = "ws"
	case "https":
		scheme = "wss"
	case "ws", "wss":
	default:
		return "", errors.New("client: Options.URL: unknown scheme " + scheme)
	}
	return scheme + "://" + host, nil
}

// escapeSegment escapes text for one segment of a URL's path. Package net/url would
// cost a browser 40 kB.
func escapeSegment(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~$&+:=@", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// Connect starts connecting and waits until the gateway has welcomed or refused the peer, or
// until ctx ends. The end of ctx ends only the wait: the error wraps both the cause of ctx and the
// error of the last attempt, such as a [*DialError]. An invalid token ends the wait at once. A
// peer that is waiting for its next attempt tries at once.
func (p *Peer) Connect(ctx context.Context) error {
	p.mu.Lock()
	if p.ctx.Err() != nil {
		p.mu.Unlock()
		return ErrClosed
	}
	p.over = nil
	if p.life.State() == session.Disconnected {
		p.failed = nil
	}
	p.doLife(p.life.Connect(time.Now()))
	p.mu.Unlock()
	for {
		p.mu.Lock()
		state, over, changed := p.life.State(), p.over, p.changed
		p.mu.Unlock()
		switch {
		case over != nil:
			return over
		case state == session.Connected:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return p.gaveUp(context.Cause(ctx))
		case <-p.ctx.Done():
			return ErrClosed
		}
	}
}

// Probe checks the connection now instead of at the next heartbeat, and tries again at once if
// the peer waits for its next attempt. Call it when the machine has slept, or its network has
// changed.
func (p *Peer) Probe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doLife(p.life.Probe())
}

// Suspend closes the connection but keeps the session, and stays disconnected until Probe or
// Connect. Call it before the process is stopped for a while.
func (p *Peer) Suspend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doLife(p.life.Suspend(time.Now()))
}

// State returns the current state.
func (p *Peer) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return State(p.life.State())
}

// Identity returns the peer's address. Its instance is empty until the first token, or until the
// first connection if the token is opaque.
func (p *Peer) Identity() lmz.Identity {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.identityLocked()
}

func (p *Peer) identityLocked() lmz.Identity {
	return lmz.Identity{Type: lmz.TypeClient, Address: lmz.At(p.options.Binding, p.instance)}
}

// Close ends the peer: it settles all calls and tells the gateway that the session is over.
// Afterwards no handler or callback begins. It may be called from a handler or callback, so
// it does not wait for those still running; [Peer.Wait] does.
func (p *Peer) Close() error {
	p.mu.Lock()
	if p.ctx.Err() != nil {
		p.mu.Unlock()
		return nil
	}
	current := p.link
	p.user.stop()
	p.subscribing.stop()
	p.over = ErrClosed
	p.doLife(p.life.Close())
	p.endSession("the client was closed")
	p.cancel(ErrClosed)
	p.mu.Unlock()
	if current != nil {
		<-current.Done()
	}
	return nil
}

// spawn runs f on a goroutine that Wait waits for, or synchronously after Close.
func (p *Peer) spawn(f func()) {
	p.mu.Lock()
	closed := p.ctx.Err() != nil
	if !closed {
		p.work.Go(f)
	}
	p.mu.Unlock()
	if closed {
		f()
	}
}

// Wait waits until all goroutines of the peer have ended. Call it after Close, not from a handler
// or callback.
func (p *Peer) Wait() { p.work.Wait() }
