package test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy passes connections on to a gateway until it is cut.
type proxy struct {
	listener net.Listener
	to       string

	mu    sync.Mutex // guards the following fields
	down  bool
	conns map[net.Conn]bool
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to, conns: make(map[net.Conn]bool)}
	go p.accept()
	t.Cleanup(func() {
		l.Close()
		p.cut()
	})
	return p
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.add(near) {
			continue
		}
		far, err := net.Dial("tcp", p.to)
		if err != nil || !p.add(far) {
			p.end(near)
			continue
		}
		go p.pass(near, far)
		go p.pass(far, near)
	}
}

// add remembers a connection, or hangs up while the line is cut.
func (p *proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *proxy) end(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	c.Close()
}

func (p *proxy) pass(from, to net.Conn) {
	io.Copy(to, from)
	p.end(from)
	p.end(to)
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		c.Close()
	}
}

func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}
