package descriptors

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// Listener accepts connections for an HTTP server while the pool has descriptors for them. When
// none is left, a new connection replaces the one that has been idle longest, including those
// that have not sent the head of their first request; otherwise the one with the longest-running
// request, if that has taken more than ten seconds. Hijacked connections, such as WebSockets,
// stay. If none can be closed, the new one is. Make one with [Pool.Listen].
type Listener struct {
	net.Listener
	pool *Pool
	full func() // called whenever a connection had to be closed

	mu    sync.Mutex // guards the following fields
	quiet list.List  // *conn without a request, oldest first
	busy  list.List  // *conn with a request, oldest first
}

// busyFor is how long a request is safe from being replaced.
const busyFor = 10 * time.Second

// Listen returns l for server, whose ConnState it sets. full is called whenever a connection
// had to be closed because there are too many; it must not block.
func (p *Pool) Listen(l net.Listener, server *http.Server, full func()) *Listener {
	wrapped := &Listener{Listener: l, pool: p, full: full}
	server.ConnState = wrapped.changed
	return wrapped
}

// conn is a counted connection.
type conn struct {
	net.Conn
	listener *Listener

	// Guarded by listener.mu.
	in     *list.List // quiet, busy, or nil for hijacked
	place  *list.Element
	since  time.Time // when it joined the list
	closed bool
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			if Short(err) { // the server retries after a delay
				l.full()
				l.makeRoom()
			}
			return nil, err
		}
		if !l.pool.addSocket() {
			l.full()
			if !l.makeRoom() || !l.pool.addSocket() {
				c.Close()
				continue
			}
		}
		counted := &conn{Conn: c, listener: l}
		l.mu.Lock()
		l.move(counted, &l.quiet)
		l.mu.Unlock()
		return counted, nil
	}
}

// makeRoom closes a connection, and reports whether there was one to close.
func (l *Listener) makeRoom() bool {
	l.mu.Lock()
	first := l.quiet.Front()
	if first == nil {
		first = l.busy.Front()
		if first != nil && time.Since(first.Value.(*conn).since) < busyFor {
			first = nil
		}
	}
	l.mu.Unlock()
	if first == nil {
		return false
	}
	first.Value.(*conn).Close()
	return true
}

// changed is the server's ConnState.
func (l *Listener) changed(c net.Conn, state http.ConnState) {
	if under, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = under.NetConn()
	}
	counted, ok := c.(*conn)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case counted.closed || state == http.StateNew:
	case state == http.StateIdle:
		l.move(counted, &l.quiet)
	case state == http.StateActive:
		l.move(counted, &l.busy)
	default:
		l.move(counted, nil)
	}
}

// move moves a connection to the end of a list. l.mu is held.
func (l *Listener) move(c *conn, to *list.List) {
	if c.in != nil {
		c.in.Remove(c.place)
	}
	if c.in, c.place = to, nil; to != nil {
		c.place, c.since = to.PushBack(c), time.Now()
	}
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.listener.move(c, nil)
		c.listener.pool.dropSocket()
	}
	return err
}
