package gateway

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/gateway/internal/worker"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/proto"
)

// mesh is the gateway as its nodes see it: it delivers their calls and knows the sessions of
// its clients.
type mesh struct{ g *Gateway }

var _ proto.Mesh = mesh{}

// Deliver delivers a call to its node. In one process that is a lookup in three tables; a
// mesh that spans several machines would look up here where (binding, instance) lives.
func (m mesh) Deliver(ctx context.Context, c *proto.Call, done func(proto.Answer)) {
	if err := m.CheckTarget(c.To); err != nil {
		done(proto.ErrorAnswer(err))
		return
	}
	if c.Again && !m.g.isObject(c.To.Binding) {
		failed(done, lmz.CodeUnknown, "the session that made this call ended before its answer came, and "+
			c.To.Binding+" keeps no outcomes")
		return
	}
	if w, ok := m.g.workers[c.To.Binding]; ok {
		w.Deliver(ctx, c, done)
		return
	}
	if f := m.g.fronts[c.To.Binding]; f != nil {
		f.deliver(ctx, c, done)
		return
	}
	m.g.objects.Deliver(ctx, c, done)
}

// CheckTarget returns why no node of the mesh can be at to, or nil. It does not check
// whether a client is connected.
func (m mesh) CheckTarget(to lmz.Address) *lmz.Error {
	_, worker := m.g.workers[to.Binding]
	switch {
	case worker && to.Instance != "":
		return noSuchTarget(to.Binding + " is a worker and has no instance " + strconv.Quote(logs.Shown(to.Instance)))
	case worker:
		return nil
	case m.g.fronts[to.Binding] != nil && to.Instance == "":
		return noSuchTarget(to.Binding + " is where clients are: the instance of one is missing")
	case m.g.fronts[to.Binding] != nil && !canBeName(to.Instance):
		return noSuchTarget("no client of " + to.Binding + " can be called " + strconv.Quote(logs.Shown(to.Instance)))
	case m.g.fronts[to.Binding] != nil:
		return nil
	}
	return m.g.objects.CheckTarget(to)
}

func noSuchTarget(message string) *lmz.Error {
	return &lmz.Error{Code: lmz.CodeAbsent, Message: message}
}

// Session returns the current session of the client at an address, connected or in its grace
// period, or the zero id.
func (m mesh) Session(a lmz.Address) proto.SessionID {
	return m.g.clients.Session(a)
}

// AfterSession calls ended, which must not block, once the session s of the client at an
// address has ended: at once if the client does not have that session.
func (m mesh) AfterSession(a lmz.Address, s proto.SessionID, ended func()) {
	m.g.clients.AfterSession(a, s, ended)
}

// Accounts returns the accounts that nodes charge.
func (m mesh) Accounts() *budget.Accounts { return m.g.accounts }

// Workers returns the workers by binding.
func (m mesh) Workers() map[string]*worker.Worker { return m.g.workers }

// IsObject reports whether a binding belongs to objects.
func (m mesh) IsObject(binding string) bool { return m.g.isObject(binding) }

// Shows reports whether a binding exists for a client.
func (m mesh) Shows(client lmz.Address, binding string) bool {
	f := m.g.fronts[client.Binding]
	return f == nil || f.shows(binding)
}

// BeforeMesh applies the rules of a client's binding to a call, and returns its answer if
// they refuse it.
func (m mesh) BeforeMesh(ctx context.Context, client lmz.Address, call *proto.Call) *proto.Answer {
	f := m.g.fronts[client.Binding]
	if f == nil {
		return nil
	}
	return f.BeforeMesh(ctx, call)
}

// AskAgain verifies the identity of a client again.
func (m mesh) AskAgain(ctx context.Context, client lmz.Address) (*lmz.Auth, error) {
	return m.g.clients.AskAgain(ctx, client)
}

// IsWorker reports whether a binding belongs to a worker.
func (m mesh) IsWorker(binding string) bool { return m.g.workers[binding] != nil }

// ClientBindings returns the bindings under which clients connect.
func (m mesh) ClientBindings() []string { return slices.Collect(maps.Keys(m.g.fronts)) }

// Acknowledged reports that the caller has the answer to a call whose outcome an object
// keeps.
func (m mesh) Acknowledged(object lmz.Address, id proto.CallID) { m.g.objects.Acknowledged(object, id) }

// Verify returns the identity that a token proves.
func (m mesh) Verify(ctx context.Context, token string) (*lmz.Auth, error) {
	return m.g.verify(ctx, token)
}
