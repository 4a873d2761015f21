package client

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
)

// Options configures [New]. The zero value of a field means its default.
type Options struct {
	// URL is the gateway's origin, such as "https://mesh.example.com". Required. The
	// schemes http, https, ws and wss are known.
	URL string

	// Binding is the gateway's binding; the default is [lmz.DefaultGateway].
	Binding string

	// Tab is the second half of the instance name "{subject}.{tab}". Two clients of
	// one user need different ones: the newer takes the address from the older. The
	// default is random.
	Tab string

	// Instance is the whole instance name of a client whose token is opaque: no JWT with a
	// subject. The default is right at gateways of lmz, which put the subject in and tell
	// the name. Servers that speak only the JSON protocol do not: there it is required. With
	// a JWT it is ignored.
	Instance string

	// Token returns an access token. Required. It is asked before each dial, and when
	// a token has 30 s left, to replace it on the connection; never twice at once, with
	// a ctx that ends with the peer or after 30 s. If refused is not empty, the gateway
	// did not accept that token, and another one is wanted; in a browser, which hides
	// why a dial failed, that is a guess. A [*LoginRequiredError], or any error that wraps
	// [ErrLoginRequired], ends the attempts, and so does what can be no token: none, more
	// than 16 KiB, control characters; after any other error they go on.
	Token func(ctx context.Context, refused string) (string, error)

	// Handler is what others may call, usually a *lmz.Mux. Nil exposes nothing. Calls
	// run one at a time in the order in which they came; one that waits in a call lets
	// the next begin.
	Handler lmz.Handler

	// OnBeforeCall guards every incoming call. The default refuses calls whose chain
	// started at another client.
	OnBeforeCall lmz.Guard

	// The callbacks run one after another on a goroutine of their own, and may call
	// every method of the peer. OnSubscriptionRequired has another one, so that the rest
	// are told what happens while it waits.

	// OnStateChange is told every change of state.
	OnStateChange func(State)

	// OnSubscriptionRequired is called when the peer is connected with a new session:
	// first, and whenever the old one could not go on. Nodes do not know this session
	// yet, so subscribe here. Calls made with its ctx go before others; those made
	// elsewhere, or while the peer was offline, wait until it returns, at most 10 s. The
	// ctx ends with the session, and so outlives a connection that is lost for a moment.
	OnSubscriptionRequired func(ctx context.Context)

	// OnLoginRequired is told that the gateway refuses the user, who must sign in. The
	// peer stops trying until Connect is called.
	OnLoginRequired func(*LoginRequiredError)

	// OnSuperseded is told that a newer client has the address. The peer stops, and takes
	// the address back only if Connect is called.
	OnSuperseded func()

	// OnConnectionError is told why an attempt to connect failed, although more follow.
	OnConnectionError func(error)

	// OnMissed reports that this peer read too slowly, or was away for too long, so the
	// gateway dropped this many calls without reply from one node: ask that node for its
	// state, or subscribe to it again. It runs like a handler, in a turn: after the earlier
	// calls of that node and before the later ones, which begin when it returns or waits in
	// a call with its ctx. Nil means that the program cannot make up for missed calls: then
	// its session ends instead, and OnSubscriptionRequired runs. Servers that speak only lmz
	// never cause it to be called.
	OnMissed func(ctx context.Context, from lmz.Address, calls int)

	// QueueLimit is how many calls may wait for the connection: 0 means 100.
	QueueLimit int

	// Heartbeat is how often a quiet connection is checked: 0 means as the gateway
	// says, a negative value turns it off.
	Heartbeat time.Duration

	// Random returns numbers in [0, 1) for the delays between attempts to connect; nil
	// means random ones. Tests that replay a schedule set it.
	Random func() float64

	// Dial opens a socket; nil means a WebSocket of the platform.
	Dial func(ctx context.Context, url string, protocols []string) (Transport, error)

	// Log is told what happens, for debugging. slog's Debug methods fit. Nil discards.
	// It is never told a token or a value.
	Log func(message string, args ...any)
}

// The bounds of a client (PROTOCOL.md, "Limits").
const (
	defaultQueue = 100              // calls that wait for the connection
	maxInFlight  = 256              // calls without an acknowledged answer
	tokenTimeout = 30 * time.Second // for Options.Token
	dialTimeout  = 10 * time.Second
	holdLimit    = 10 * time.Second // how long OnSubscriptionRequired holds back other calls
	tabIDBytes   = 4                // the original's tab ids have 8 hexadecimal digits
	waitingBytes = 16 << 20         // of calls that wait or are not acknowledged
)
