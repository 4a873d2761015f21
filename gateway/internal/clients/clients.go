// Package clients is the gateway's side of its clients: their connections, the sessions that
// outlive them, and the calls in both directions.
//
// A connection is one socket, with the authority of its user. A client is an address, with
// its current session, over whichever connection carries it. The two interact through few
// methods: in a mesh of several machines the client of an address would live on one machine,
// and its connection on any.
package clients

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/authority"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/dialect"
	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
)

// Mesh is what clients need of the rest of the gateway.
type Mesh interface {
	proto.Node

	// IsObject and IsWorker report what a binding belongs to, and ClientBindings returns those
	// of clients.
	IsObject(binding string) bool
	IsWorker(binding string) bool
	ClientBindings() []string

	// Acknowledged reports that the caller has the answer to a call whose outcome an object
	// keeps.
	Acknowledged(object lmz.Address, id proto.CallID)

	// Verify returns the identity that a token proves.
	Verify(ctx context.Context, token string) (*lmz.Auth, error)
}

// Rules are the rules of a binding under which clients connect.
type Rules interface {
	Binding() string

	// Admit decides whether auth may have an instance name, and returns auth with the claims
	// that the rules add.
	Admit(ctx context.Context, instance string, auth *lmz.Auth) (*lmz.Auth, error)

	// BeforeMesh checks a client's call, and returns its answer if the rules refuse it.
	BeforeMesh(ctx context.Context, call *proto.Call) *proto.Answer
}

// Proof verifies credentials and returns their owner.
type Proof func(context.Context) (*lmz.Auth, error)

// Options are what [Clients] need of their gateway.
type Options struct {
	Ctx       context.Context // ends when the gateway closes
	Mesh      Mesh
	Log       logs.Logs
	Accounts  *budget.Accounts
	Authority *authority.Authority
	Work      *sync.WaitGroup // counts connections
	Grace     time.Duration
	Heartbeat time.Duration
	CallLimit time.Duration
}

// Counts are how often bounds were met.
type Counts struct {
	Overflows, DroppedCalls, StuckSockets, BusySessions, UnknownFrames atomic.Uint64
}

// Clients are the clients of a gateway.
type Clients struct {
	Counts Counts

	options   Options
	ctx       context.Context
	mesh      Mesh
	log       logs.Logs
	accounts  *budget.Accounts
	authority *authority.Authority

	mu      sync.Mutex // guards the following fields
	clients map[lmz.Address]*client
	retired []*client // of clients, those that have neither connection nor session, oldest first
	open    map[*connection]bool
	links   uint64
	closed  bool
}

// New returns the clients of a gateway, none so far.
func New(o Options) *Clients {
	return &Clients{
		options: o, ctx: o.Ctx, mesh: o.Mesh, log: o.Log, accounts: o.Accounts, authority: o.Authority,
		clients: make(map[lmz.Address]*client), open: make(map[*connection]bool),
	}
}

// Accepted is a socket of a client that may connect.
type Accepted struct {
	Rules    Rules
	Instance string
	Auth     *lmz.Auth
	Proof    Proof  // verifies the client again
	Number   uint64 // Authority.Number before Auth was verified
	Dialect  dialect.Dialect
	Socket   link.Transport
	Ping     func(context.Context) error // asks the socket for a pong
}

// Serve serves the socket of a client until it ends. If the gateway is closing it does
// nothing and returns false.
func (g *Clients) Serve(a Accepted) bool {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return false
	}
	g.links++
	c := &connection{
		clients: g, rules: a.Rules, instance: a.Instance, auth: a.Auth, now: a.Auth, proof: a.Proof,
		dialect: a.Dialect, ping: a.Ping, link: link.New(g.links, a.Socket),
	}
	g.open[c] = true
	g.options.Work.Add(1)
	g.mu.Unlock()
	defer g.options.Work.Done()
	c.bearer = authority.Bearer{Log: c.log(), Ask: c.ask, Taken: c.taken, GoOn: c.goOn}
	g.authority.Add(&c.bearer, c.auth, a.Number)
	defer g.authority.Remove(&c.bearer)
	c.serve()
	return true
}

// AskAgain verifies the identity of the client at an address again.
func (g *Clients) AskAgain(ctx context.Context, a lmz.Address) (*lmz.Auth, error) {
	c := g.at(a)
	if c == nil {
		return nil, errGone
	}
	c.mu.Lock()
	from := c.from
	c.mu.Unlock()
	if from == nil || from.isOver() {
		return nil, errGone
	}
	return from.ask(ctx)
}

var errGone = &authority.Denied{Status: http.StatusForbidden, Message: "the client has gone"}

// When clients of a stopping gateway are told to reconnect: after a second, 500 a second.
const (
	comeBackAfter = time.Second
	comeBackRate  = 500
)

// Close stops admitting clients and tells those connected when to reconnect. It returns the
// function that disconnects them, or nil if the clients were closed before.
func (g *Clients) Close() (disconnect func()) {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	all := make([]*client, 0, len(g.clients))
	for _, c := range g.clients {
		if !g.idle(c) {
			all = append(all, c)
		}
	}
	g.mu.Unlock()
	slices.SortFunc(all, func(a, b *client) int { return strings.Compare(a.self.Instance, b.self.Instance) }) // deterministic
	for i, c := range all {
		c.advise(comeBackAfter + time.Duration(i)*time.Second/comeBackRate)
	}
	return func() {
		for _, c := range all {
			c.goAway()
		}
		g.hangUp()
	}
}

// isClosed reports whether the gateway is closing or closed.
func (g *Clients) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// hangUp ends the connections that have no session.
func (g *Clients) hangUp() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.open {
		c.link.Close(proto.CloseGoingAway, "the gateway is shutting down")
	}
}

// disconnected forgets a connection that has ended.
func (g *Clients) disconnected(c *connection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, c)
}

// Usage returns how many sockets are open, how many clients have a session, and how many
// bytes are held for clients.
func (g *Clients) Usage() (connections, sessions, bytes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.clients {
		if c.hasSession() {
			sessions++
		}
		bytes += c.held()
	}
	return len(g.open), sessions, bytes
}

// StopExpiry stops the timers that close connections when their token expires, like a machine
// that sleeps. It is for tests.
func (g *Clients) StopExpiry() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.open {
		c.mu.Lock()
		c.expiry.Stop()
		c.mu.Unlock()
	}
}

// Retired returns how many clients without connection and session are remembered. It is for
// tests.
func (g *Clients) Retired() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.retired)
}
