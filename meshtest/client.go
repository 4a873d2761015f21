package meshtest

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/memnet"
	"github.com/lumenize/lmz/internal/proto"
)

// Client is a client of the mesh, whose connection can have faults.
type Client struct {
	*client.Peer

	// JSON has its connections from now on speak the subprotocol lmz, as those to a server
	// of the original do. Set it before Connect.
	JSON bool

	mesh   *Mesh
	name   string
	port   *memnet.Port
	tokens *tokens      // nil if Options.Token is the test's own
	late   atomic.Int64 // nanoseconds by which the next greeting is late
}

// Cut breaks the client's connection, which both ends learn at once, and keeps it
// offline until [Client.Heal].
func (c *Client) Cut() {
	c.mesh.log.add(c.name + " is cut off")
	c.port.Cut()
}

// Heal ends a Cut.
func (c *Client) Heal() {
	c.mesh.log.add(c.name + " can connect again")
	c.port.Heal()
}

// Stall makes the current connection half-open: what either end writes vanishes, and
// neither learns of it. The client can connect anew as soon as it notices.
func (c *Client) Stall() {
	c.mesh.log.add(c.name + "'s connection is half-open")
	c.port.Stall()
}

// Delay makes everything that the client and the gateway write to each other take so
// long from now on; 0 ends that.
func (c *Client) Delay(d time.Duration) { c.port.Delay(d) }

// DuplicateDial makes the next connection slow: its request and its first frame arrive
// late by d/2 each. If d is longer than the client waits for a welcome, 10 s, it dials
// again, and the gateway has both connections, the abandoned one last.
func (c *Client) DuplicateDial(d time.Duration) { c.late.Store(int64(d)) }

// Reorder loses the client's connection after d/2. What the client wrote meanwhile arrives
// d after it was written, and so perhaps after the greeting of its next connection.
func (c *Client) Reorder(d time.Duration) {
	c.mesh.log.add(c.name + "'s connection will be overtaken")
	c.port.Reorder(d)
}

// ExpireToken makes the client connect anew with a token that expires after d, which has
// whole seconds, and that its source does not replace in time: then the gateway closes
// the connection with 4401. It does nothing if the client has a Token function of the
// test.
func (c *Client) ExpireToken(d time.Duration) {
	if c.tokens == nil {
		return
	}
	c.mesh.log.add(c.name + "'s token will expire")
	c.tokens.expireNext(d)
	c.port.Cut()
	time.Sleep(time.Millisecond) // the end of the connection is told before the next one
	c.port.Heal()
}

// Kill ends the client as the death of its process does: without a word to the
// gateway. Its calls fail as those of a closed client do, and it stays offline.
func (c *Client) Kill() {
	c.mesh.log.add(c.name + " dies")
	c.port.Cut()
	c.Close()
}

// dialer opens logged connections.
func (c *Client) dialer() func(context.Context, string, []string) (client.Transport, error) {
	dial := client.DialWith(c.port.Client())
	return func(ctx context.Context, url string, protocols []string) (client.Transport, error) {
		late := time.Duration(c.late.Swap(0)) / 2
		time.Sleep(late)
		if c.JSON {
			protocols = slices.DeleteFunc(slices.Clone(protocols), func(p string) bool { return p == proto.SubprotocolCBOR })
		}
		transport, err := dial(ctx, url, protocols)
		if err != nil {
			c.mesh.log.add(c.name + " cannot connect: " + err.Error())
			return nil, err
		}
		return &loggedTransport{Transport: transport, client: c.name, log: c.mesh.log, late: late}, nil
	}
}
