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

// Client is a client of the mesh. Its methods inject faults into its connection.
type Client struct {
	*client.Peer

	// JSON makes new connections speak the subprotocol lmz, like those to a server of the
	// original. Set it before Connect.
	JSON bool

	mesh   *Mesh
	name   string
	port   *memnet.Port
	tokens *tokens      // nil if the test has set Options.Token
	late   atomic.Int64 // nanoseconds by which the next hello is delayed
}

// Cut breaks the client's connection, which both ends notice at once, and keeps the client
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

// Stall makes the current connection half-open: everything that either end writes is lost, and
// neither end notices. The client can connect again as soon as its heartbeat fails.
func (c *Client) Stall() {
	c.mesh.log.add(c.name + "'s connection is half-open")
	c.port.Stall()
}

// Delay sets how long everything that the client and the gateway write to each other takes from
// now on; 0 ends the delay.
func (c *Client) Delay(d time.Duration) { c.port.Delay(d) }

// DuplicateDial makes the next connection slow: its request and its first frame each arrive late
// by d/2. If d exceeds the 10 s that the client waits for a welcome, the client dials again and
// the gateway gets both connections, the abandoned one last.
func (c *Client) DuplicateDial(d time.Duration) { c.late.Store(int64(d)) }

// Reorder breaks the client's connection after d/2. What the client writes until then arrives with
// a delay of d, so possibly after the hello of its next connection.
func (c *Client) Reorder(d time.Duration) {
	c.mesh.log.add(c.name + "'s connection will be overtaken")
	c.port.Reorder(d)
}

// ExpireToken makes the client reconnect with a token that expires after d, in whole seconds, and
// is not replaced in time: the gateway then closes the connection with 4401. It does nothing if
// the test has set Options.Token.
func (c *Client) ExpireToken(d time.Duration) {
	if c.tokens == nil {
		return
	}
	c.mesh.log.add(c.name + "'s token will expire")
	c.tokens.expireNext(d)
	c.port.Cut()
	time.Sleep(time.Millisecond) // the end of the connection is noticed before the next one begins
	c.port.Heal()
}

// Kill ends the client like a crash of its process, without a message to the gateway. Its calls
// fail like those of a closed client, and it stays offline.
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
