package patterns

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/chain"
	"github.com/lumenize/lmz/object"
)

// Broadcast. Up to FlatLimit nodes get the message from the object itself. Beyond that the
// object tells a worker, which divides the nodes into Branches groups and tells a worker
// for each, and so on: the object sends Branches messages, however many nodes there are.
// Either way only errors come back, and to the object, so that it can drop subscribers
// that are gone (lmz.DisconnectedClient).
const (
	FlatLimit = 100
	Branches  = 6
)

// FanOutBinding is where the workers of the tree are.
const FanOutBinding = "FAN_OUT"

const (
	fanOut lmz.Method1[parcel, struct{}]                          = "fanOut"
	report lmz.Method3[parcel, lmz.Address, *lmz.Error, struct{}] = "report"
)

// parcel is a part of a broadcast on its way through the tree. The work is encoded: as an
// argument it would be done by the worker.
type parcel struct {
	Targets []lmz.Address
	Work    []byte
	From    lmz.Address // the object that broadcasts
	Failed  string      // its method for errors
}

// Broadcast has every target do the work. For each that fails the object's method failed
// runs, with the addresses that did not get it and the error: expose it with the guard
// [FromFanOut]. Use lmz.NewChain(ctx) if the object speaks for itself.
func Broadcast(ctx context.Context, o *object.Object, targets []lmz.Address, work lmz.Continuation, failed string) error {
	if len(targets) <= FlatLimit {
		for _, to := range targets {
			if err := o.Send(ctx, to, work, lmz.ReplyOnError(lmz.Ctn(failed, []lmz.Address{to}, lmz.Result))); err != nil {
				return err
			}
		}
		return nil
	}
	data, err := chain.Encode(work)
	if err != nil {
		return err
	}
	for _, group := range divide(targets) {
		p := parcel{group, data, o.Identity().Address, failed}
		if err := o.Send(ctx, lmz.Worker(FanOutBinding), fanOut.Ctn(p), lmz.ReplyOnError(lmz.Ctn(failed, group, lmz.Result))); err != nil {
			return err
		}
	}
	return nil
}

// FromFanOut is the guard of the method that Broadcast reports errors to.
func FromFanOut(ctx context.Context, req *lmz.Request) error {
	return onlyFrom(FanOutBinding)(ctx, req)
}

// divide cuts targets into at most Branches groups.
func divide(targets []lmz.Address) (groups [][]lmz.Address) {
	size := (len(targets) + Branches - 1) / Branches
	for len(targets) > size {
		groups = append(groups, targets[:size])
		targets = targets[size:]
	}
	return append(groups, targets)
}

// NewFanOut makes the workers of the tree, for Gateway.HandleWorker. Clients may not use them.
func NewFanOut(self lmz.Caller) lmz.Handler {
	mux := new(lmz.Mux)
	fanOut.Expose(mux, notClients, func(ctx context.Context, p parcel) (struct{}, error) {
		if c, _ := lmz.CallContextFrom(ctx); c.Caller().Binding != FanOutBinding {
			p.From = c.Caller().Address // errors go to nobody else
		}
		if len(p.Targets) <= Branches {
			return struct{}{}, deliver(ctx, self, p)
		}
		for _, group := range divide(p.Targets) {
			part := p
			part.Targets = group
			if err := self.Send(ctx, lmz.Worker(FanOutBinding), fanOut.Ctn(part)); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	}, lmz.Params("parcel"), lmz.Doc("Delivers a call to many clients."))
	report.Expose(mux, lmz.NoOne, func(ctx context.Context, p parcel, to lmz.Address, failure *lmz.Error) (struct{}, error) {
		return struct{}{}, self.Send(ctx, p.From, lmz.Ctn(p.Failed, []lmz.Address{to}, failure))
	}, lmz.Params("parcel", "to", "failure"), lmz.Doc("Tells the sender that a client was not reached."))
	return mux
}

// deliver sends the work to the targets at the end of a branch.
func deliver(ctx context.Context, self lmz.Caller, p parcel) error {
	work, err := chain.Decode(p.Work)
	if err != nil {
		return lmz.Errorf("%w", err)
	}
	about := p
	about.Targets, about.Work = nil, nil
	for _, to := range p.Targets {
		if err := self.Send(ctx, to, work, lmz.ReplyOnError(lmz.Ctn(string(report), about, to, lmz.Result))); err != nil {
			failed := lmz.Ctn(p.Failed, []lmz.Address{to}, err)
			if err := self.Send(ctx, p.From, failed); err != nil {
				return err
			}
		}
	}
	return nil
}

func notClients(ctx context.Context, _ *lmz.Request) error {
	if c, _ := lmz.CallContextFrom(ctx); c.Caller().Type == lmz.TypeClient {
		return lmz.Errorf("clients cannot broadcast by themselves")
	}
	return nil
}
