package clients

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/authority"
	"github.com/lumenize/lmz/internal/dialect"
	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
)

// connection is one socket of a client. Its first frame names the session it carries. In a
// dialect without a hello it carries the current session of the address.
type connection struct {
	clients  *Clients
	rules    Rules
	instance string
	auth     *lmz.Auth // at admission; its subject never changes
	bearer   authority.Bearer
	link     *link.Link
	dialect  dialect.Dialect
	ping     func(context.Context) error // checks that the socket is alive (RFC 6455 section 5.5.2)
	heard    atomic.Int64                // arrival of the last frame, in Unix nanoseconds
	expires  atomic.Int64                // expiry of the token, in Unix nanoseconds; 0 means never
	greeting sync.Once                   // hello on behalf of a client that sends none, unless the connection has ended

	mu      sync.Mutex // guards the following fields
	client  *client    // nil until the hello
	now     *lmz.Auth  // the current identity
	proof   Proof      // proves now
	next    string     // the client's next token, not verified yet, or ""
	renewed bool       // next has become the proof, and goOn has not run since
	over    bool       // its authority was revoked
	ended   bool
	alive   *time.Timer // closes the connection if it is silent
	expiry  *time.Timer // closes it when its token expires
	status  *time.Timer // checks that a client without a hello has received its welcome
}

// serve runs the connection to its end.
func (c *connection) serve() {
	c.heard.Store(time.Now().UnixNano())
	switch {
	case c.dialect.Traits().Hello:
		c.after(&c.alive, helloTimeout, func() { c.link.Close(proto.CloseTimeout, "no hello in time") })
	case c.clients.isConnected(lmz.At(c.rules.Binding(), c.instance)):
		go c.prove()
		c.after(&c.alive, c.clients.options.Heartbeat, c.checkPing)
	default:
		c.greet()
		c.after(&c.alive, c.clients.options.Heartbeat, c.checkPing)
	}
	c.expireWith(c.auth)
	c.link.Run(c.receive, c.lost)
}

// greet takes the seat for a client that sends no hello.
func (c *connection) greet() {
	if c.dialect.Traits().Hello {
		return
	}
	c.greeting.Do(func() {
		c.hello(proto.Frame{Kind: proto.KindHello, Session: newSessionID()})
		c.after(&c.status, statusTime, c.checkStatus)
	})
}

// statusTime is how long the welcome of such a client may take to be written.
const statusTime = 100 * time.Millisecond

// checkStatus pings the socket once the welcome is written: a pong proves that the client has
// it.
func (c *connection) checkStatus() {
	client := c.current()
	if client == nil || client.isGreeted() || c.link.Written() == 0 {
		return // already known, or only a message from the client can tell
	}
	if c.ping(c.clients.ctx) == nil { // or the socket is closed
		client.setGreeted(c.link)
	}
}

// prove greets a connection that would supersede another once its socket answers a ping. Its
// request does not tell how old it is: a connection that the client has abandoned may arrive
// after the next one, and must not end that.
func (c *connection) prove() {
	if c.isAlive() {
		c.greet()
	}
}

// isAlive waits until the socket answers a ping, and closes the connection if it does not.
func (c *connection) isAlive() bool {
	ctx, cancel := context.WithTimeout(c.clients.ctx, pingTimeout)
	defer cancel()
	if c.ping(ctx) != nil {
		c.link.Close(proto.CloseTimeout, "no pong in time")
		return false
	}
	return true
}

// checkPing closes a connection whose socket does not answer a ping. Clients of the original
// need not send pings themselves.
func (c *connection) checkPing() {
	if c.isAlive() {
		c.after(&c.alive, c.clients.options.Heartbeat, c.checkPing)
	}
}

const (
	helloTimeout = 10 * time.Second // for the first frame of a connection
	pingTimeout  = 10 * time.Second // for the pong
)

// silence is how long a client may be silent.
func (c *connection) silence() time.Duration { return c.clients.options.Heartbeat * 5 / 2 }

func (c *connection) checkSilence() {
	quiet := time.Since(time.Unix(0, c.heard.Load()))
	if left := c.silence() - quiet; left > 0 {
		c.after(&c.alive, left, c.checkSilence)
		return
	}
	c.link.Close(proto.CloseTimeout, "nothing heard for too long")
}

// after runs f after d, replacing what the timer was to do before, unless the connection has
// ended.
func (c *connection) after(timer **time.Timer, d time.Duration, f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *timer != nil {
		(*timer).Stop()
	}
	if !c.ended {
		*timer = time.AfterFunc(max(d, 0), f)
	}
}

// expireWith closes the connection when auth expires, and not before.
func (c *connection) expireWith(auth *lmz.Auth) {
	const never = 100 * 365 * 24 * time.Hour
	if auth.Expires.IsZero() {
		c.expires.Store(0)
		c.after(&c.expiry, never, func() {})
		return
	}
	c.expires.Store(auth.Expires.UnixNano())
	c.after(&c.expiry, time.Until(auth.Expires), c.closeExpired)
}

// left returns how long the token is valid, or 0 if it does not expire.
func (c *connection) left() time.Duration {
	at := c.expires.Load()
	if at == 0 {
		return 0
	}
	return max(time.Until(time.Unix(0, at)), time.Millisecond) // 0 would mean never
}

func (c *connection) closeExpired() { c.link.Close(proto.CloseTokenExpired, proto.ReasonExpired) }

// expired reports whether the token has expired. Timers do not run while the machine sleeps,
// so it is also checked for each message, and every few seconds ([Clients.CloseExpired]).
func (c *connection) expired() bool {
	at := c.expires.Load()
	return at != 0 && time.Now().UnixNano() >= at
}

// CloseExpired closes the connections whose token has expired. Each has a timer for that, but
// timers miss the time that the machine sleeps and adjustments of its clock.
func (g *Clients) CloseExpired() {
	var late []*connection
	g.mu.Lock()
	for c := range g.open {
		if c.expired() {
			late = append(late, c)
		}
	}
	g.mu.Unlock()
	for _, c := range late {
		c.closeExpired()
	}
}

// renew verifies the client's next token. If it is valid, the client's later calls are made
// with it.
func (c *connection) renew(token string) {
	c.mu.Lock()
	c.next = token
	c.mu.Unlock()
	c.clients.authority.Check(&c.bearer, "next token")
}

// ask verifies the client now: by its next token if there is one, or else by the credentials
// it connected with, and in both cases by the rules.
func (c *connection) ask(ctx context.Context) (*lmz.Auth, error) {
	c.mu.Lock()
	p, next := c.proof, c.next
	c.mu.Unlock()
	if next != "" {
		p = func(ctx context.Context) (*lmz.Auth, error) { return c.clients.mesh.Verify(ctx, next) }
	}
	auth, err := p(ctx)
	if err != nil {
		return nil, err
	}
	if auth == nil || auth.Subject != c.auth.Subject {
		return nil, &authority.Denied{Status: http.StatusUnauthorized, Message: "Signed in as somebody else"}
	}
	if auth, err = c.rules.Admit(ctx, c.instance, auth); err != nil {
		if authority.Status(err) == 0 && ctx.Err() == nil { // any error of a hook refuses
			err = errors.Join(&authority.Denied{Message: "Not admitted any more"}, err)
		}
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proof = p; c.next == next {
		c.next = ""
	}
	c.renewed = c.renewed || next != ""
	return auth, nil
}

// identity returns the current identity of the client.
func (c *connection) identity() *lmz.Auth {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// isOver reports whether the authority of the connection was revoked.
func (c *connection) isOver() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

// taken ends the connection, and the calls made over it.
func (c *connection) taken(reason string) {
	c.mu.Lock()
	c.over = true // so that a hello arriving now does not take the seat
	c.mu.Unlock()
	if client := c.current(); client != nil {
		client.revoke(c.link, reason)
	}
	c.link.Abandon(proto.CloseTokenExpired, reason)
}

// goOn continues the connection as auth.
func (c *connection) goOn(auth *lmz.Auth) {
	c.mu.Lock()
	renewed := c.renewed
	taken := !renewed && !authority.SameClaims(c.now, auth) // a new token may have other claims
	c.now, c.renewed = auth, false
	c.mu.Unlock()
	if client := c.current(); client != nil {
		client.renew(c.link, auth, taken)
	}
	c.expireWith(auth)
	if client := c.current(); renewed && client != nil {
		client.tell(c.link, &proto.Frame{Kind: proto.KindRenewed, After: c.left()})
	}
}

// log returns the gateway's log with the client's identity.
func (c *connection) log() *slog.Logger {
	return c.clients.log.Connect.With("instance", c.instance, "subject", c.auth.Subject)
}

func (c *connection) current() *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client
}

// receive handles one message.
func (c *connection) receive(l *link.Link, message []byte) {
	c.heard.Store(time.Now().UnixNano())
	if c.expired() {
		c.closeExpired()
		return
	}
	if l.Congested() {
		c.clients.Counts.StuckSockets.Add(1)
		l.Abandon(proto.CloseOverflow, "the client does not read")
		return
	}
	c.greet() // a client that sends something has received the response to its upgrade
	client := c.current()
	in, err := c.dialect.Parse(message) // without a lock, because it is slow
	switch kind := in.Frame.Kind; {
	case err != nil:
		c.refuse(err.Error())
	case client != nil && kind == proto.KindToken:
		c.renew(in.Frame.Token)
	case client != nil:
		client.receive(l, in)
	case kind == proto.KindHello:
		c.hello(in.Frame)
	case c.dialect.Traits().Hello:
		c.refuse("the first frame must be a hello")
	default: // the gateway is shutting down
	}
}

func (c *connection) refuse(why string) {
	c.log().Warn("protocol error", "error", why)
	c.link.Close(proto.CloseProtocol, why)
}

// hello takes the client's seat.
func (c *connection) hello(f proto.Frame) {
	client := c.clients.seat(c.rules, c.instance)
	if client == nil {
		c.link.Close(proto.CloseGoingAway, "the gateway is shutting down")
		return
	}
	c.mu.Lock()
	c.client = client
	c.mu.Unlock()
	client.hello(c, f)
	if c.dialect.Traits().Hello {
		c.after(&c.alive, c.silence(), c.checkSilence)
	}
}

// lost handles the end of the connection. The client said goodbye if it closed with 1000.
func (c *connection) lost(l *link.Link, err error) {
	c.greeting.Do(func() {}) // no greeting from now on
	c.mu.Lock()
	client := c.client
	c.ended = true
	for _, t := range []*time.Timer{c.alive, c.expiry, c.status} {
		if t != nil {
			t.Stop()
		}
	}
	c.mu.Unlock()
	c.clients.disconnected(c)
	if client == nil {
		return
	}
	closed, _ := err.(*link.CloseError)
	client.lost(l, closed != nil && closed.Code == proto.CloseNormal)
}
