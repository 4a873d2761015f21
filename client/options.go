package client

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
)

// Options configures [New]. The zero value of a field means its default.
type Options struct {
	// URL is the gateway's origin, such as "https://mesh.example.com". Required. The scheme is
	// http, https, ws or wss.
	URL string

	// Binding is the gateway's binding; the default is [lmz.DefaultGateway].
	Binding string

	// Tab is the second half of the instance name "{subject}.{tab}". Clients of one user need
	// different tabs: otherwise the newer takes the address from the older. The default is
	// random.
	Tab string

	// Instance is the whole instance name of a client whose token is opaque, as opposed to a
	// JWT with a subject. Gateways of lmz insert the subject and report the name, so they need
	// no Instance. Servers that speak only the JSON protocol do not, so there it is required.
	// With a JWT it is ignored.
	Instance string

	// Token returns an access token. Required. It is called before each dial, and 30 s before a
	// token expires, to replace it on the connection. Calls do not overlap. ctx ends with the
	// peer or after 30 s. If refused is not empty, the gateway did not accept that token and
	// Token should return another; in a browser, which hides why a dial failed, that is a
	// guess. A [*LoginRequiredError], or any error that wraps [ErrLoginRequired], ends the
	// attempts, as does an invalid token: an empty one, one of more than 16 KiB, or one with
	// control characters. After any other error the peer tries again.
	Token func(ctx context.Context, refused string) (string, error)

	// Handler executes incoming calls; usually a *lmz.Mux. Nil exposes nothing. Calls run one
	// at a time in the order in which they arrived; while one waits in a call, the next may
	// begin.
	Handler lmz.Handler

	// OnBeforeCall guards every incoming call. The default refuses calls whose chain started at
	// another client.
	OnBeforeCall lmz.Guard

	// The callbacks run one after another on a separate goroutine, and may call any method of
	// the peer. OnSubscriptionRequired has its own goroutine, so that the others run while it
	// waits.

	// OnStateChange is called with each new state.
	OnStateChange func(State)

	// OnSubscriptionRequired is called when the peer has connected with a new session: the
	// first time, and whenever the old one could not be resumed. Nodes do not know this session
	// yet, so subscribe here. Calls made with its ctx overtake others; those made elsewhere, or
	// while the peer was offline, wait until it returns, for at most 10 s. The ctx ends with
	// the session, so it outlives a short loss of the connection.
	OnSubscriptionRequired func(ctx context.Context)

	// OnLoginRequired is called when the gateway refuses the user, who must sign in. The
	// peer stops trying until Connect is called.
	OnLoginRequired func(*LoginRequiredError)

	// OnSuperseded is called when a newer client has taken the address. The peer stops, and
	// takes the address back only if Connect is called.
	OnSuperseded func()

	// OnConnectionError is called with the reason each time an attempt to connect fails and
	// the peer will try again.
	OnConnectionError func(error)

	// OnMissed reports that the gateway dropped one-way calls from one node, because this peer
	// read too slowly or was away for too long: ask that node for its state, or subscribe to it
	// again. It runs like a handler, in a turn: after the earlier calls of that node and before
	// the later ones, which begin when it returns or waits in a call with its ctx. Nil means
	// that the program cannot recover from missed calls: then its session ends instead, and
	// OnSubscriptionRequired runs. Servers that speak only lmz never cause it to be called.
	OnMissed func(ctx context.Context, from lmz.Address, calls int)

	// QueueLimit is how many calls may wait for the connection: 0 means 100.
	QueueLimit int

	// Heartbeat is the interval at which an idle connection is checked: 0 means as the gateway
	// says, and a negative value disables the check.
	Heartbeat time.Duration

	// Random returns numbers in [0, 1) for the delays between attempts to connect; nil means a
	// random source. Tests that replay a schedule set it.
	Random func() float64

	// Dial opens a socket; nil means a WebSocket of the platform.
	Dial func(ctx context.Context, url string, protocols []string) (Transport, error)

	// Log receives debug entries. The Debug methods of slog fit. Nil discards them. They
	// contain no tokens and no values.
	Log func(message string, args ...any)
}

// Limits of a client (PROTOCOL.md, "Limits").
const (
	defaultQueue = 100              // calls that wait for the connection
	maxInFlight  = 256              // calls without an acknowledged answer
	tokenTimeout = 30 * time.Second // for Options.Token
	dialTimeout  = 10 * time.Second
	holdLimit    = 10 * time.Second // how long OnSubscriptionRequired holds back other calls
	tabIDBytes   = 4                // the original's tab ids have 8 hexadecimal digits
	waitingBytes = 16 << 20         // of waiting or unacknowledged calls
)
