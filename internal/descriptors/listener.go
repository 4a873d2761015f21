package descriptors

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// Listener accepts connections for an HTTP server as long as the pool has descriptors for
// them. When it has none left, a new connection takes the place of the one that has waited
// for its next request, or for the head of its first, for longest; if all are in use, the new
// one is closed. Make one with [Pool.Listen].
type Listener struct {
	net.Listener
	pool *Pool
	full func() // told each time that a connection had to go

	mu    sync.Mutex // guards the following field
	quiet list.List  // *conn without a request, the oldest first
}

// Listen returns l for server, whose ConnState it sets. full is called whenever a connection
// had to be closed because there are too many; it must not block.
func (p *Pool) Listen(l net.Listener, server *http.Server, full func()) *Listener {
	wrapped := &Listener{Listener: l, pool: p, full: full}
	server.ConnState = wrapped.changed
	return wrapped
}

// conn is a connection that was counted.
type conn struct {
	net.Conn
	listener *Listener
	quiet    *list.Element // guarded by listener.mu; nil while a request is under way, and of a WebSocket
	closed   bool          // guarded by listener.mu
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			if Short(err) { // the server tries again after a moment
				l.full()
				l.closeQuiet()
			}
			return nil, err
		}
		if !l.pool.addSocket() {
			l.full()
			if !l.closeQuiet() || !l.pool.addSocket() {
				c.Close()
				continue
			}
		}
		counted := &conn{Conn: c, listener: l}
		l.mu.Lock()
		counted.quiet = l.quiet.PushBack(counted)
		l.mu.Unlock()
		return counted, nil
	}
}

// closeQuiet closes the connection that has been without a request for longest, and reports
// whether there was one.
func (l *Listener) closeQuiet() bool {
	l.mu.Lock()
	first := l.quiet.Front()
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
	case counted.closed:
	case state == http.StateIdle && counted.quiet == nil:
		counted.quiet = l.quiet.PushBack(counted)
	case state != http.StateIdle && state != http.StateNew:
		l.noisy(counted)
	}
}

// noisy says that a connection is in use, or gone. l.mu is held.
func (l *Listener) noisy(c *conn) {
	if c.quiet != nil {
		l.quiet.Remove(c.quiet)
		c.quiet = nil
	}
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.listener.noisy(c)
		c.listener.pool.dropSocket()
	}
	return err
}
