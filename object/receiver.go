package object

import (
	"context"
	"errors"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/turn"
)

// Mesh delivers the calls of objects. Package gateway has the only implementation, and opens
// the runtime of its objects itself.
type Mesh interface {
	// CheckTarget returns why no node can exist at an address, or nil.
	CheckTarget(to lmz.Address) *lmz.Error
}

// meshOf returns the internal interface of a mesh, which may be nil.
func meshOf(m Mesh) (proto.Mesh, error) {
	mesh, ok := m.(proto.Mesh)
	if m != nil && !ok {
		return nil, errors.New("object: the mesh is not one of package gateway")
	}
	return mesh, nil
}

// receiver is how a gateway delivers calls to a runtime. It is embedded in [Runtime] and not
// exported, because its methods have internal types.
type receiver struct{ rt *Runtime }

var _ proto.Node = (*Runtime)(nil)

// Deliver implements [proto.Node]. Calls of one object begin in order of delivery, each once
// the one before it has first given up the turn.
func (r receiver) Deliver(ctx context.Context, c *proto.Call, done func(proto.Answer)) {
	rt := r.rt
	if done = rt.track(c, done); done == nil {
		return
	}
	rt.Start()
	limit := maxWaiting
	if !c.Until.IsZero() { // it is stored, and may wait anyway
		limit = anyLength
	}
	o, place, err := rt.enter(c.To, turn.Who{Caller: c.Context.Caller(), Payer: c.Payer}, limit)
	if err != nil {
		done(unseen(c, err))
		return
	}
	go o.serve(ctx, place, c, done)
}

// Acknowledged reports that the caller of the call id has its answer: the next commit of the
// object at a drops the outcome. It does not block.
func (r receiver) Acknowledged(a lmz.Address, id proto.CallID) {
	rt := r.rt
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if o := rt.objects[a]; o != nil && len(o.acknowledged) < maxWaiting { // the rest expires
		o.acknowledged = append(o.acknowledged, id)
	}
}
