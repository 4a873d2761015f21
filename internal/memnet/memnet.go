// Package memnet is a network in memory, for tests with virtual time: real HTTP and
// WebSockets over net.Pipe, which testing/synctest can see waiting where it cannot
// see a socket. Connections can be cut, and the network can be down.
package memnet

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
)

// Network connects HTTP clients to one server. Its methods may be called from any
// goroutine.
type Network struct {
	accept chan net.Conn
	closed chan struct{}

	mu    sync.Mutex // guards the following fields
	down  bool
	conns []net.Conn
}

// New makes a network that is up.
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
func (n *Network) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: n.dial, DisableKeepAlives: true}}
}

func (n *Network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.mu.Lock()
	down := n.down
	n.mu.Unlock()
	if down {
		return nil, errors.New("the network is down")
	}
	near, far := net.Pipe()
	select {
	case n.accept <- far:
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns = append(n.conns, near, far)
	return near, nil
}

// Cut breaks all connections and takes the network down.
func (n *Network) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = true
	for _, c := range n.conns {
		c.Close()
	}
	n.conns = nil
}

// Heal brings the network up again.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = false
}
