package descriptors

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// Listener accepts connections for an HTTP server while the pool has descriptors for them. When
// none is left, a new connection replaces the one that has waited longest for its next request, or
// for the head of its first; otherwise the one whose request has taken longest, if that is more
// than ten seconds. Hijacked connections, such as WebSockets, stay. If none can go, the new one is
// closed. Make one with [Pool.Listen].
type Listener struct {
	net.Listener
	pool *Pool
	full func() // told each time that a connection had to go

	mu    sync.Mutex // guards the following fields
	quiet list.List  // *conn without a request, the oldest first
	busy  list.List  // *conn with one, the oldest first
}

// busyFor is how long a request is left alone.
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
	in     *list.List // quiet, busy, or nil if it stays
	place  *list.Element
	since  time.Time // when it came there
	closed bool
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			if Short(err) { // the server tries again after a moment
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

// makeRoom closes a connection, and reports whether there was one that could go.
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
