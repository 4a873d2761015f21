// Package adminnode is the gateway's own node, which implements the methods of package admin.
package adminnode

import (
	"context"
	"errors"
	"log/slog"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/gateway/internal/worker"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/object"
)

// Gateway is what the node needs of its gateway, besides objects and accounts.
type Gateway interface {
	// CheckTarget returns why no node of the mesh can be at an address, or nil.
	CheckTarget(to lmz.Address) *lmz.Error

	// Workers returns the workers by binding, and IsObject reports whether a binding belongs to
	// objects.
	Workers() map[string]*worker.Worker
	IsObject(binding string) bool

	// Shows reports whether a binding exists for a client, and BeforeMesh applies the rules of
	// a client's binding to a call. It returns nil if they allow it.
	Shows(client lmz.Address, binding string) bool
	BeforeMesh(ctx context.Context, client lmz.Address, call *proto.Call) *proto.Answer

	// AskAgain verifies the identity of a client again.
	AskAgain(ctx context.Context, client lmz.Address) (*lmz.Auth, error)
}

// Node is the gateway's own node.
type Node struct {
	gateway  Gateway
	objects  *object.Runtime
	accounts *budget.Accounts
	dir      string // for copies; "" if the objects are in memory
	log      *slog.Logger
	copies   copies
}

// New returns the node. It keeps copies of objects below dir, which is "" if the objects are
// in memory.
func New(g Gateway, objects *object.Runtime, accounts *budget.Accounts, dir string, log *slog.Logger) *Node {
	return &Node{gateway: g, objects: objects, accounts: accounts, dir: dir, log: log}
}

// Close removes the copies.
func (n *Node) Close() error { return n.copies.dropAll() }

// Handler returns the handler of the node.
func (n *Node) Handler(lmz.Caller) lmz.Handler {
	methods := new(lmz.Mux)
	methods.OnBeforeCall(signedIn)
	admin.GetContract.Expose(methods, lmz.Anyone, n.contract,
		lmz.Doc("Says what the nodes of the mesh expose."), lmz.ReadOnly)
	admin.Can.Expose(methods, lmz.Anyone, n.can,
		lmz.Params("node", "method", "args"), lmz.Doc("Says whether a call would be allowed, without making it."), lmz.ReadOnly)
	n.exposeObjects(methods)
	n.exposeAlarms(methods)
	n.exposeSends(methods)
	admin.ListUsage.Expose(methods, n.administrator, n.listUsage,
		lmz.Params("after", "limit"), lmz.Doc("Lists what subjects use of their budgets."), lmz.ReadOnly)
	return methods
}

// signedIn is the guard of the gateway's own methods: the caller must be a client.
func signedIn(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	if len(c.Chain) != 1 || c.Caller().Type != lmz.TypeClient || c.Auth == nil {
		return lmz.Errorf("only a client that has signed in may ask the gateway, by itself")
	}
	return nil
}

// can runs the guards of a node on behalf of the caller.
func (n *Node) can(ctx context.Context, to lmz.Address, method string, args []lmz.Value) (admin.Decision, error) {
	req := &lmz.Request{Method: method, Args: args}
	called, _ := lmz.CallContextFrom(ctx)
	verdict, exists, err := n.checkCall(ctx, to, called, req)
	switch {
	case err == nil && verdict.Err == nil:
		return admin.Decision{Allowed: true, Guard: verdict.Guard, Exists: exists}, nil
	case err == nil:
		err = verdict.Err
	}
	logs.Hidden(n.log, to, err)
	return admin.Decision{Guard: verdict.Guard, Code: lmz.CodeOf(err), Error: node.PublicError(err)}, nil
}

func (n *Node) checkCall(ctx context.Context, to lmz.Address, called lmz.CallContext, req *lmz.Request) (v lmz.Verdict, exists bool, err error) {
	if err := n.gateway.CheckTarget(to); err != nil {
		return v, false, err
	}
	if called, err = n.checkHooks(ctx, to, called, req); err != nil {
		return lmz.Verdict{Guard: "the gateway's hooks", Err: err}, false, nil
	}
	w, isWorker := n.gateway.Workers()[to.Binding]
	switch {
	case isWorker:
		v, err = w.Check(ctx, called, req)
		return v, true, err
	case n.gateway.IsObject(to.Binding):
		return n.objects.CheckCall(ctx, to, called, req)
	}
	return v, false, noVerdict("a client decides by itself what it allows")
}

// checkHooks runs the rules between the calling client and the mesh, and returns the call
// context with what they added.
func (n *Node) checkHooks(ctx context.Context, to lmz.Address, called lmz.CallContext, req *lmz.Request) (lmz.CallContext, error) {
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
	if refused := n.gateway.BeforeMesh(ctx, called.Caller().Address, call); refused != nil {
		_, err = refused.Result()
	}
	return call.Context, err
}

func noVerdict(message string) *lmz.Error {
	return &lmz.Error{Code: lmz.CodeGateway, Message: message}
}

// named gives an error its class name if it says that an object does not exist. The code does
// not travel: an error that a method returns is an error of the callee.
func named(err error) error {
	var absent *lmz.Error
	if !errors.As(err, &absent) || absent.Code != lmz.CodeAbsent {
		return err
	}
	e := *absent
	e.Name = admin.NoObject
	return &e
}
