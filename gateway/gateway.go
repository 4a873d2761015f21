package gateway

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/gateway/internal/adminnode"
	"github.com/lumenize/lmz/gateway/internal/authority"
	"github.com/lumenize/lmz/gateway/internal/clients"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/gateway/internal/worker"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/dialect"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/object"
)

// Options configures [New].
type Options struct {
	// Dir is the data directory, where the objects live. Required. New creates it if it does
	// not exist, and locks it: only one gateway can use it at a time.
	Dir string

	// Memory replaces Dir in tests: the objects live in it. Package meshtest uses it.
	Memory *object.MemoryDisk

	// Verify checks an access token and returns its owner. Required. An error refuses the
	// client with 401, and its text is only logged, unless it is a [*Refusal], or has the
	// methods HTTPStatus() int and OAuthError() (code, description string): then the client
	// gets those. Verify is called from many goroutines. Tokens may be of any kind, JWTs or
	// opaque. A subject must not contain a dot, which separates the fields of an instance name,
	// nor be "~".
	//
	// Verify is called again, with the same token, after a revocation: see [Gateway.Revoke],
	// Revocations and Reverify. Then, and when a client sends its next token, only a definite
	// refusal ends the connection: a Refusal or an error with those methods, with status 401 or
	// 403. Any other error means that the token could not be checked, and the connection stays
	// for now.
	Verify func(ctx context.Context, token string) (*lmz.Auth, error)

	// Revocations returns a counter that changes with every revocation, for instance
	// auth.Service.Revocations. It is read once per Heartbeat; if it has changed, all
	// connections are verified again, so that revocations not reported to [Gateway.Revoke] take
	// effect then. Nil means that there is no such counter.
	Revocations func() uint64

	// Reverify is the interval at which each open connection is verified again in any case; 0
	// means never. Set it if Verify knows of revocations but does not report them.
	Reverify time.Duration

	// Binding is the name under which clients are addressed, and the path segment
	// where they connect; the default is [lmz.DefaultGateway].
	Binding string

	// Clients are the rules under which clients connect at Binding. [Gateway.HandleClients]
	// registers further bindings for clients, with their own rules.
	Clients ClientOptions

	// Budget is what each subject may use. BudgetOf, if not nil, returns the budget of one
	// subject; if it returns nil, Budget applies. BudgetOf is called for every charge, from
	// many goroutines, and must be fast. Requests that BeforeRequest admits anonymously share
	// the budget of the subject "~".
	Budget   Budget
	BudgetOf func(subject string) *Budget

	// Grace is how long a client that lost its connection keeps its session; the
	// default is 5 s.
	Grace time.Duration

	// Heartbeat is how often clients check an idle connection; the default is 30 s. A client
	// that is silent for two and a half heartbeats is disconnected.
	Heartbeat time.Duration

	// CallLimit is the maximum deadline of a client's call, and the deadline of calls that have
	// none; the default is 5 min.
	CallLimit time.Duration

	// Prefix is the path below which the gateway serves; the default is "/gateway/". Our
	// clients and those of the original always append this path to their URL.
	Prefix string

	// BeforeRequest decides whether an HTTP request may reach an object, and returns its
	// identity, which the object finds in the request's call context. Nil and no error admits
	// the request anonymously: the object decides, and sees the headers Authorization and
	// Cookie, but no token that Verify accepts and no refresh token of package auth. An error
	// refuses; see [Refusal]. The default requires a token that Verify accepts, in the header
	// Authorization; see [Bearer]. Of Clients only Bindings applies to requests: what the hooks
	// BeforeAccept and BeforeCallToMesh refuse to clients must be refused here as well.
	BeforeRequest func(r *http.Request, to lmz.Address) (*lmz.Auth, error)

	// Origins are additional origins whose pages may connect and make requests, such as
	// "https://app.example.com", or hosts with any scheme, such as "*.example.com", in the
	// patterns of [path.Match]. Case, a trailing dot, the scheme's default port and the
	// encoding of an international name make no difference. Pages of the gateway's own host
	// always may.
	Origins []string

	// AllowOrigin decides whether to allow an origin that Origins does not allow. Nil refuses
	// it.
	AllowOrigin func(origin string, r *http.Request) bool

	// Log receives events, never a token or a value, with a namespace for each part of the
	// gateway; package debug has a handler that filters by it. Entries above debug are limited
	// to bursts of 200 and five a second for each message. Nil discards them.
	Log *slog.Logger
}

const (
	defaultPrefix    = "/gateway/" // PROTOCOL.md, "Connecting"
	defaultGrace     = 5 * time.Second
	defaultHeartbeat = 30 * time.Second
	defaultCallLimit = 5 * time.Minute
	drainTime        = 10 * time.Second // how long Close waits for workers
)

// Gateway is a running gateway. Register objects and workers before it serves.
type Gateway struct {
	options   Options
	log       logs.Logs
	objects   *object.Runtime
	admin     *adminnode.Node
	workers   map[string]*worker.Worker
	fronts    map[string]*front // bindings under which clients connect
	kinds     map[string]bool   // bindings of objects
	dialects  []dialect.Dialect // that clients may speak, in order of preference
	accounts  *budget.Accounts  // what subjects use
	requests  underWay          // HTTP requests to objects
	authority *authority.Authority
	ctx       context.Context // ends when the gateway closes
	cancel    context.CancelFunc
	pool      *worker.Pool   // runs the workers
	work      sync.WaitGroup // connections, workers' calls
	clients   *clients.Clients
}

// New opens the data directory and returns a gateway without nodes.
func New(o Options) (*Gateway, error) {
	if o.Dir == "" && o.Memory == nil || o.Verify == nil {
		return nil, errors.New("gateway: Options.Dir and Options.Verify are required")
	}
	if o.Binding == "" {
		o.Binding = lmz.DefaultGateway
	}
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	o.Prefix = withSlashes(o.Prefix)
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = defaultHeartbeat
	}
	if o.CallLimit == 0 {
		o.CallLimit = defaultCallLimit
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Log = logs.Throttled(o.Log)
	g := &Gateway{
		options: o, log: logs.New(o.Log),
		workers: make(map[string]*worker.Worker), fronts: make(map[string]*front), kinds: make(map[string]bool),
		dialects: []dialect.Dialect{
			dialect.CBOR, &dialect.JSON{Messages: jsonwire.GoMessages{}, Gateway: true, Limit: o.CallLimit},
		},
		accounts: newAccounts(o),
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.pool = worker.NewPool(mesh{g}, g.accounts, g.log.Worker, &g.work, max(cmp.Or(o.Budget.Workers, defaultWorkers), 0))
	g.authority = authority.New(authority.Options{
		Ctx: g.ctx, Revocations: o.Revocations, Reverify: o.Reverify, Heartbeat: o.Heartbeat, Look: func() { g.clients.CloseExpired() },
	})
	g.clients = clients.New(clients.Options{
		Ctx: g.ctx, Mesh: mesh{g}, Log: g.log, Accounts: g.accounts, Authority: g.authority, Work: &g.work,
		Grace: o.Grace, Heartbeat: o.Heartbeat, CallLimit: o.CallLimit,
	})
	g.HandleClients(o.Binding, o.Clients)
	var err error
	if o.Memory != nil {
		g.objects, err = object.OpenMemory(o.Memory, mesh{g}, o.Log)
	} else {
		g.objects, err = object.Open(o.Dir, mesh{g}, o.Log)
	}
	if err != nil {
		return nil, err
	}
	g.admin = adminnode.New(mesh{g}, g.objects, g.accounts, o.Dir, g.log.Call)
	g.workers[admin.Binding] = g.pool.Worker(admin.Binding, g.admin.Handler)
	return g, nil
}

// HandleObject registers a kind of object under a binding. It panics if the name is empty or
// taken. Call it before the gateway serves.
func (g *Gateway) HandleObject(binding string, k object.Kind) {
	g.mustBeFree(binding)
	g.objects.Register(binding, k)
	g.kinds[binding] = true
}

// HandleWorker registers a stateless node under a binding: makeHandler gets the worker's
// [lmz.Caller] and returns the handler of calls to it, which must be safe for concurrent use.
// HandleWorker panics if the name is empty or taken. Call it before the gateway serves.
func (g *Gateway) HandleWorker(binding string, makeHandler func(self lmz.Caller) lmz.Handler) {
	g.mustBeFree(binding)
	g.workers[binding] = g.pool.Worker(binding, makeHandler)
}

// Start wakes the objects that have work to do, such as a due alarm. Call it when all nodes
// are registered; otherwise the first request does it.
func (g *Gateway) Start() { g.objects.Start() }

func (g *Gateway) mustBeFree(binding string) {
	if binding == "" || g.workers[binding] != nil || g.fronts[binding] != nil || g.kinds[binding] {
		panic("gateway: binding " + binding + " is empty or taken")
	}
}

// isObject reports whether calls to a binding go to the objects, which keep outcomes.
func (g *Gateway) isObject(binding string) bool {
	return g.workers[binding] == nil && g.fronts[binding] == nil
}

// Close stops starting calls to objects, tells the clients when to reconnect, lets running
// turns finish and sends their answers, and disconnects the clients. Clients on lmz.cbor
// present the calls that were not started to the next gateway.
func (g *Gateway) Close() error {
	began := time.Now()
	disconnect := g.clients.Close()
	if disconnect == nil { // closed before
		return nil
	}
	err := errors.Join(g.admin.Close(), g.objects.Close())
	disconnect()
	g.cancel()
	g.authority.Close()
	err = errors.Join(err, g.drain(time.Until(began.Add(drainTime))))
	g.logStats()
	return err
}

// Revoke reports that a subject, a sign-in session or a token lost some or all of its
// authority. The ids are those of [lmz.Auth]; unknown ones are ignored. It returns at once.
// The gateway then verifies the credentials of all their connections and requests again, with
// Options.Verify or the hook that admitted them, and with BeforeAccept. A definite refusal
// (see Options.Verify) ends a connection, with the close code 4401, and cancels its calls;
// after any other answer it continues with the new claims. With package auth, pass Revoke to
// auth.Service.OnRevoke.
func (g *Gateway) Revoke(ids ...string) { g.authority.Revoke(ids...) }

// drain waits until workers and connections have ended, and returns an error that names what
// is still running: handlers that ignore their ctx cannot be stopped.
func (g *Gateway) drain(most time.Duration) error {
	done := make(chan struct{})
	go func() {
		g.authority.Wait()
		g.work.Wait()
		close(done)
	}()
	timeout := time.NewTimer(max(most, time.Second))
	defer timeout.Stop()
	select {
	case <-done:
		return nil
	case <-timeout.C:
		return worker.Left(g.workers)
	}
}

// failed answers a call that reached no node.
func failed(done func(proto.Answer), code lmz.Code, message string) {
	done(proto.ErrorAnswer(&lmz.Error{Code: code, Message: message}))
}
