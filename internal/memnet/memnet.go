// Package memnet lets tests use HTTP and WebSockets in virtual time: it is a network in memory over
// net.Pipe, because testing/synctest cannot tell whether a goroutine waits for a real socket.
// Connections can be cut, stalled, slowed down and reordered, and the network can be down.
package memnet

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Network connects HTTP clients to one server. Its methods may be called from any
// goroutine.
type Network struct {
	accept chan net.Conn
	closed chan struct{}

	mu    sync.Mutex // guards the following fields
	down  bool
	ports []*Port
}

// New returns a network that is up.
func New() *Network {
	return &Network{accept: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.accept:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (n *Network) Close() error {
	close(n.closed)
	return nil
}

// Addr implements net.Listener.
func (n *Network) Addr() net.Addr { return &net.UnixAddr{Name: "memnet", Net: "mem"} }

// Client returns an HTTP client whose every connection goes to the server.
func (n *Network) Client() *http.Client { return n.Port().Client() }

// Port returns a new way into the network, with its own faults.
func (n *Network) Port() *Port {
	p := &Port{network: n, pairs: make(map[*pair]struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports = append(n.ports, p)
	return p
}

// Cut breaks all connections and takes the network down.
func (n *Network) Cut() {
	n.mu.Lock()
	n.down = true
	ports := n.ports
	n.mu.Unlock()
	for _, p := range ports {
		p.breakAll()
	}
}

// Heal brings the network up again.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = false
}

func (n *Network) isDown() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.down
}

// Port is one client's way into the network. Its methods may be called from any goroutine.
type Port struct {
	network *Network

	mu      sync.Mutex // guards the following fields
	down    bool
	delay   time.Duration
	latency func(up bool) time.Duration // of one write, beside delay; nil is none
	pairs   map[*pair]struct{}          // open connections
}

// Client returns an HTTP client whose connections use the port.
func (p *Port) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: p.dial, DisableKeepAlives: true}}
}

func (p *Port) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if p.isDown() {
		return nil, errors.New("the network is down")
	}
	one, other := net.Pipe()
	c := &pair{port: p}
	near, far := &conn{Conn: one, pair: c}, &conn{Conn: other, pair: c}
	c.ends = [2]*conn{near, far}
	select {
	case p.network.accept <- far:
	case <-p.network.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	p.pairs[c] = struct{}{}
	p.mu.Unlock()
	if p.isDown() { // it was cut meanwhile
		near.Close()
	}
	return near, nil
}

func (p *Port) isDown() bool {
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	return down || p.network.isDown()
}

// Cut breaks the port's connections and takes it down. Both ends notice at once.
func (p *Port) Cut() {
	p.mu.Lock()
	p.down = true
	p.mu.Unlock()
	p.breakAll()
}

// Heal brings the port up again.
func (p *Port) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

// Stall makes the port's connections half-open: everything written is lost, and neither end notices
// that or the other end's close. New connections work.
func (p *Port) Stall() {
	for _, c := range p.open() {
		c.stall()
	}
}

// Delay sets how long everything written travels from now on.
func (p *Port) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Latency sets a function that returns how long one write travels, in addition to Delay; up means
// from the client. It is called by one goroutine at a time.
func (p *Port) Latency(f func(up bool) time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = f
}

// delayOf returns how long one write takes.
func (p *Port) delayOf(up bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.latency == nil {
		return p.delay
	}
	return p.delay + p.latency(up)
}

func (p *Port) breakAll() {
	for _, c := range p.open() {
		c.ends[0].Close()
		c.ends[1].Close()
	}
}

func (p *Port) open() []*pair {
	p.mu.Lock()
	defer p.mu.Unlock()
	open := make([]*pair, 0, len(p.pairs))
	for c := range p.pairs {
		open = append(open, c)
	}
	return open
}

// pair is a connection with its two ends.
type pair struct {
	port *Port
	ends [2]*conn

	mu      sync.Mutex // guards the following fields
	stalled bool
	tail    *tail // what the near end writes; nil before Reorder
}

func (c *pair) stall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = true
}

func (c *pair) isStalled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stalled
}

// tailOf returns the tail that an end writes to after Reorder, or nil.
func (c *pair) tailOf(end *conn) *tail {
	c.mu.Lock()
	defer c.mu.Unlock()
	if end == c.ends[0] {
		return c.tail
	}
	return nil
}

// conn is one end of a connection.
type conn struct {
	net.Conn
	pair    *pair
	closing sync.Once // of an end with a tail
}

// Write writes, late if the port is slow, and discards the data if the connection is stalled.
func (c *conn) Write(b []byte) (int, error) {
	if delay := c.pair.port.delayOf(c == c.pair.ends[0]); delay > 0 {
		time.Sleep(delay)
	}
	if c.pair.isStalled() {
		return len(b), nil
	}
	if t := c.pair.tailOf(c); t != nil {
		t.write(b)
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Close closes both ends. If the connection is stalled it closes only this end, and if data of this
// end is still travelling it closes the other end later.
func (c *conn) Close() error {
	p := c.pair.port
	p.mu.Lock()
	delete(p.pairs, c.pair)
	p.mu.Unlock()
	if t := c.pair.tailOf(c); t != nil {
		c.closing.Do(func() { t.abandon(c) })
		return nil
	}
	if c.pair.isStalled() {
		return c.SetDeadline(time.Unix(1, 0)) // ends what this end waits for
	}
	return c.Conn.Close()
}
