// Package faultnet tests programs on real sockets over a bad network: a proxy whose connections can
// be cut, stalled, or silently dead.
package faultnet

import (
	"io"
	"net"
	"sync"
	"time"
)

// Mode is what a [Proxy] does with data.
type Mode int

// The modes of a proxy.
const (
	Pass  Mode = iota // forward it
	Split             // forward it one byte at a time
	Stall             // hold it back until the mode changes
	Lose              // discard it and everything after it in that direction: half-open
	Cut               // close all connections, and new ones at once
)

// Proxy forwards connections to a server. Its methods may be called from any goroutine.
type Proxy struct {
	listener net.Listener
	to       string
	work     sync.WaitGroup

	mu      sync.Mutex // guards the following fields
	mode    Mode
	changed chan struct{} // closed and replaced when the mode changes
	conns   map[net.Conn]bool
}

// Listen starts a proxy to the server at host:port, on a free port of this machine.
func Listen(to string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, to: to, changed: make(chan struct{}), conns: make(map[net.Conn]bool)}
	p.work.Go(p.accept)
	return p, nil
}

// URL returns the proxy's own origin.
func (p *Proxy) URL() string { return "http://" + p.listener.Addr().String() }

// Close ends the proxy and all its connections.
func (p *Proxy) Close() {
	p.listener.Close()
	p.Set(Cut)
	p.work.Wait()
}

// Set changes the mode of all connections.
func (p *Proxy) Set(m Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	close(p.changed)
	p.changed = make(chan struct{})
	if m == Cut {
		for c := range p.conns {
			c.Close()
		}
	}
}

func (p *Proxy) current() (Mode, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.changed
}

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.add(near) {
			continue
		}
		far, err := net.DialTimeout("tcp", p.to, 5*time.Second)
		if err != nil || !p.add(far) {
			p.end(near)
			continue
		}
		p.work.Go(func() { p.pass(near, far) })
		p.work.Go(func() { p.pass(far, near) })
	}
}

// add registers a connection, or closes it in mode Cut.
func (p *Proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == Cut {
		c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) end(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	c.Close()
}

func (p *Proxy) pass(from, to net.Conn) {
	defer p.end(from)
	defer p.end(to)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || !p.write(from, to, buf[:n]) {
			return
		}
	}
}

// write forwards data according to the mode, and reports whether the connection is still usable.
func (p *Proxy) write(from, to net.Conn, data []byte) bool {
	mode, changed := p.current()
	for mode == Stall {
		<-changed
		mode, changed = p.current()
	}
	switch mode {
	case Lose: // no network loses bytes and delivers those that follow
		io.Copy(io.Discard, from)
		return false
	case Split:
		for i := range data {
			if _, err := to.Write(data[i : i+1]); err != nil {
				return false
			}
		}
		return true
	}
	_, err := to.Write(data)
	return err == nil
}
