package gateway

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// AdminBinding is where the gateway itself is: a worker, whose methods follow. They are
// for clients that have signed in; other nodes are refused. [ClientOptions].Bindings without it
// hides it from clients.
const AdminBinding = "LMZ_GATEWAY"

const (
	// GetContract returns what the nodes of the mesh expose, apart from bindings that do
	// not exist for the calling client ([ClientOptions].Bindings).
	GetContract lmz.Method0[Contract] = "contract"

	// Can asks whether the calling client may call the method of the node with these
	// arguments, without doing it. The guards of an object run in a turn that is rolled
	// back, in which it cannot call and nothing is sent. An object that does not exist is
	// not made, and only who may call learns whether it exists.
	Can lmz.Method3[lmz.Address, string, []lmz.Value, Decision] = "can"
)

// Decision is the answer to [Can].
type Decision struct {
	Allowed bool
	Guard   string     // which decided: the one that refused, or the last that was asked
	Error   *lmz.Error `lmz:",omitempty"` // what a call would be refused with
	Code    lmz.Code   // of the error: guard or absent. Anything else means that nobody can say
	Exists  bool       // the call is allowed and the object is there; true for a worker
}

// newAdmin makes the handler of the gateway's own worker.
func (g *Gateway) newAdmin(lmz.Caller) lmz.Handler {
	methods := new(lmz.Mux)
	methods.OnBeforeCall(signedIn)
	GetContract.Expose(methods, lmz.Anyone, g.contract,
		lmz.Doc("Says what the nodes of the mesh expose."), lmz.ReadOnly)
	Can.Expose(methods, lmz.Anyone, g.can,
		lmz.Params("node", "method", "args"), lmz.Doc("Says whether a call would be allowed, without making it."), lmz.ReadOnly)
	g.exposeObjects(methods)
	g.exposeAlarms(methods)
	g.exposeSends(methods)
	ListUsage.Expose(methods, g.administrator, g.listUsage,
		lmz.Params("after", "limit"), lmz.Doc("Lists what subjects use of their budgets."), lmz.ReadOnly)
	return methods
}

// signedIn is the guard of the gateway's own methods: the caller is a client.
func signedIn(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	if len(c.Chain) != 1 || c.Caller().Type != lmz.TypeClient || c.Auth == nil {
		return lmz.Errorf("only a client that has signed in may ask the gateway, by itself")
	}
	return nil
}

// can asks the guards of a node in the caller's name.
func (g *Gateway) can(ctx context.Context, to lmz.Address, method string, args []lmz.Value) (Decision, error) {
	req := &lmz.Request{Method: method, Args: args}
	called, _ := lmz.CallContextFrom(ctx)
	verdict, exists, err := g.checkCall(ctx, to, called, req)
	switch {
	case err == nil && verdict.Err == nil:
		return Decision{Allowed: true, Guard: verdict.Guard, Exists: exists}, nil
	case err == nil:
		err = verdict.Err
	}
	logs.Hidden(g.log.Call, to, err)
	return Decision{Guard: verdict.Guard, Code: lmz.CodeOf(err), Error: node.PublicError(err)}, nil
}

func (g *Gateway) checkCall(ctx context.Context, to lmz.Address, called lmz.CallContext, req *lmz.Request) (v lmz.Verdict, exists bool, err error) {
	if err := (mesh{g}).CheckTarget(to); err != nil {
		return v, false, err
	}
	if called, err = g.checkHooks(ctx, to, called, req); err != nil {
		return lmz.Verdict{Guard: "the gateway's hooks", Err: err}, false, nil
	}
	w, isWorker := g.workers[to.Binding]
	switch {
	case isWorker:
		v, err = w.Check(ctx, called, req)
		return v, true, err
	case g.isObject(to.Binding):
		return g.objects.CheckCall(ctx, to, called, req)
	}
	return v, false, noVerdict("a client decides by itself what it allows")
}

// checkHooks asks what stands between the calling client and the mesh, and returns the
// call context with what that added.
func (g *Gateway) checkHooks(ctx context.Context, to lmz.Address, called lmz.CallContext, req *lmz.Request) (lmz.CallContext, error) {
	f := g.fronts[called.Caller().Binding]
	if f == nil {
		return called, nil
	}
	args := make([]any, len(req.Args))
	for i, arg := range req.Args {
		args[i] = arg
	}
	chain, err := value.MarshalChain(lmz.Ctn(req.Method, args...))
	if err != nil {
		return called, noVerdict(err.Error())
	}
	called.Self = lmz.Identity{}
	call := &proto.Call{To: to, Context: called, Chain: chain}
	if refused := f.beforeMesh(ctx, call); refused != nil {
		_, err = refused.Result()
	}
	return call.Context, err
}

func noVerdict(message string) *lmz.Error {
	return &lmz.Error{Code: lmz.CodeGateway, Message: message}
}
