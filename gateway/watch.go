package gateway

import (
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// clientAt returns the client at an address, or nil.
func (g *Gateway) clientAt(a lmz.Address) *client {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.clients[a]
}

// isConnected reports whether a client has a connection.
func (g *Gateway) isConnected(a lmz.Address) bool {
	c := g.clientAt(a)
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link != nil
}

// whenEnded has f called when the session s ends, and reports whether the client has it.
func (c *client) whenEnded(s proto.SessionID, f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil || c.session.ID != s {
		return false
	}
	c.ended = append(c.ended, f)
	return true
}
