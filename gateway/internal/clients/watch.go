package clients

import (
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// at returns the client at an address, or nil.
func (g *Clients) at(a lmz.Address) *client {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.clients[a]
}

// isConnected reports whether a client has a connection.
func (g *Clients) isConnected(a lmz.Address) bool {
	c := g.at(a)
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link != nil
}

// whenEnded arranges that f is called when the session s ends, and reports whether the client
// has that session.
func (c *client) whenEnded(s proto.SessionID, f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil || c.session.ID != s {
		return false
	}
	c.ended = append(c.ended, f)
	return true
}

// Session returns the current session of the client at an address, connected or in its grace
// period, or the zero id.
func (g *Clients) Session(a lmz.Address) proto.SessionID {
	if c := g.at(a); c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.session != nil {
			return c.session.ID
		}
	}
	return proto.SessionID{}
}

// AfterSession calls ended, which must not block, once the session s of the client at an
// address has ended: at once if the client does not have that session.
func (g *Clients) AfterSession(a lmz.Address, s proto.SessionID, ended func()) {
	if c := g.at(a); c == nil || !c.whenEnded(s, ended) {
		ended()
	}
}
