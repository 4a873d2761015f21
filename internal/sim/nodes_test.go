package sim

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// order is an order to a ledger. Each execution of an order writes its tag to the ledger's log
// when it begins.
type order struct {
	Op    int
	Tag   string
	Other string        // another ledger, or a client
	Pause time.Duration // that the callee makes
}

const (
	do        lmz.Method1[order, string]                 = "do"
	read      lmz.Method0[[]string]                      = "read"
	subscribe lmz.Method0[struct{}]                      = "subscribe"
	gone      lmz.Method1[any, struct{}]                 = "gone"
	announce  lmz.Method1[string, int]                   = "announce"
	finished  lmz.Method2[string, any, struct{}]         = "finished"
	work      lmz.Method2[string, time.Duration, string] = "work"
	news      lmz.Method1[string, struct{}]              = "news"
	visit     lmz.Method2[string, string, string]        = "visit"
)

// ledger is an object that logs what it does.
type ledger struct {
	*object.Object
	lmz.Mux
	world *world // nil if tokens are not checked and the ledger always starts
}

func (w *world) newLedger(o *object.Object) lmz.Handler {
	l := &ledger{Object: o, world: w}
	do.Expose(&l.Mux, lmz.Anyone, l.do)
	read.Expose(&l.Mux, lmz.Anyone, l.read)
	finished.Expose(&l.Mux, lmz.NoOne, l.finished)
	shelved.Expose(&l.Mux, lmz.NoOne, l.shelved)
	return l
}

// OnStart fails while the ledger is unable to start.
func (l *ledger) OnStart(context.Context) error {
	if l.world != nil && l.world.isUnable(l.Identity().Instance) {
		return lmz.Errorf("unable to start")
	}
	return nil
}

func (l *ledger) read(ctx context.Context) (log []string, err error) {
	_, err = l.KV().Get(ctx, "log", &log)
	return log, err
}

func (l *ledger) write(ctx context.Context, tag string) error {
	log, err := l.read(ctx)
	if err != nil {
		return err
	}
	return l.KV().Put(ctx, "log", append(log, tag))
}

func (l *ledger) do(ctx context.Context, o order) (string, error) {
	if c, _ := lmz.CallContextFrom(ctx); l.world != nil && len(c.Chain) == 1 {
		l.world.cameWith(o.Tag, c.Auth.Expires)
	}
	if op(o.Op) == opRead {
		_, err := l.read(ctx)
		return o.Tag, err
	}
	if err := l.write(ctx, o.Tag); err != nil {
		return "", err
	}
	// The order itself is done, whatever the outcome of the calls that it makes.
	switch op(o.Op) {
	case opFail:
		return "", lmz.Errorf("as ordered")
	case opWait:
		work.Call(ctx, l, lmz.Worker("WORKER"), o.Tag+"/inner", o.Pause)
		return o.Tag, l.write(ctx, o.Tag+"/end")
	case opRelay:
		do.Call(ctx, l, lmz.At("LEDGER", o.Other), order{Op: int(opAdd), Tag: o.Tag + "/inner"})
		return o.Tag, l.write(ctx, o.Tag+"/end")
	case opAsk:
		work.Call(ctx, l, lmz.At(lmz.DefaultGateway, o.Other), o.Tag+"/inner", o.Pause)
		return o.Tag, l.write(ctx, o.Tag+"/end")
	case opFan:
		several := l.Calls(ctx)
		object.Go[string](several, lmz.Worker("WORKER"), work.Ctn(o.Tag+"/worker", o.Pause))
		object.Go[string](several, lmz.At("LEDGER", o.Other), do.Ctn(order{Op: int(opAdd), Tag: o.Tag + "/inner"}))
		object.Go[string](several, lmz.Worker("WORKER"), work.Ctn(o.Tag+"/other worker", o.Pause/2))
		several.Wait()
		return o.Tag, l.write(ctx, o.Tag+"/end")
	case opBurst:
		return o.Tag, l.burst(ctx, o)
	case opCast:
		return o.Tag, l.cast(ctx, o)
	case opSpread:
		return o.Tag, l.Send(ctx, lmz.At("LEDGER", o.Other), do.Ctn(order{Op: int(opAdd), Tag: o.Tag + "/inner"}),
			lmz.Reply(lmz.Ctn(string(finished), o.Tag, lmz.Result)))
	}
	return o.Tag, nil
}

func (l *ledger) finished(ctx context.Context, tag string, _ any) (struct{}, error) {
	return struct{}{}, l.write(ctx, tag+"/reply")
}

// roomAt returns the address of a room.
func roomAt(i int) lmz.Address { return lmz.At("ROOM", strconv.Itoa(i)) }

// room is an object with subscribers.
type room struct {
	*object.Object
	lmz.Mux
	world *world
}

func (w *world) newRoom(o *object.Object) lmz.Handler {
	r := &room{Object: o, world: w}
	subscribe.Expose(&r.Mux, lmz.Anyone, r.subscribe)
	announce.Expose(&r.Mux, lmz.Anyone, r.announce)
	read.Expose(&r.Mux, lmz.Anyone, r.subscribers)
	r.Mux.Expose(string(gone), lmz.NoOne, lmz.HandlerFunc(r.gone))
	return r
}

func (r *room) subscribers(ctx context.Context) (all []string, err error) {
	_, err = r.KV().Get(ctx, "subscribers", &all)
	return all, err
}

func (r *room) subscribe(ctx context.Context) (struct{}, error) {
	all, err := r.subscribers(ctx)
	if err != nil {
		return struct{}{}, err
	}
	c, _ := lmz.CallContextFrom(ctx)
	if name := c.Caller().Instance; !slices.Contains(all, name) {
		all = append(all, name)
	}
	return struct{}{}, r.KV().Put(ctx, "subscribers", all)
}

func (r *room) announce(ctx context.Context, text string) (int, error) {
	all, err := r.subscribers(ctx)
	if err != nil {
		return 0, err
	}
	targets := make([]lmz.Address, len(all))
	for i, name := range all {
		targets[i] = lmz.At(lmz.DefaultGateway, name)
	}
	return len(all), r.Broadcast(lmz.NewChain(ctx), targets, news.Ctn(text), lmz.ReplyOnError(lmz.Ctn(string(gone), lmz.Result)))
}

// gone drops a subscriber whose session has ended.
func (r *room) gone(ctx context.Context, req *lmz.Request) (any, error) {
	var failure *lmz.Error
	if err := req.Arg(0, &failure); err != nil {
		return nil, err
	}
	name, ok := lmz.DisconnectedClient(failure)
	if !ok {
		return nil, nil
	}
	all, err := r.subscribers(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.Index(all, name); i >= 0 {
		r.world.dropped(r.Identity().Address, name)
		all = slices.Delete(all, i, i+1)
	}
	return nil, r.KV().Put(ctx, "subscribers", all)
}

// newWorker returns a stateless node. Its executions are recorded outside the mesh.
func (w *world) newWorker(lmz.Caller) lmz.Handler { return w.worker(nil) }

// worker returns the handler of the worker, or of a client.
func (w *world) worker(at *process) *lmz.Mux {
	mux := new(lmz.Mux)
	work.Expose(mux, lmz.Anyone, func(ctx context.Context, tag string, pause time.Duration) (string, error) {
		w.ran(at, tag)
		select {
		case <-time.After(pause): // virtual
			return tag, nil
		case <-ctx.Done():
			return "", lmz.Errorf("stopped")
		}
	})
	return mux
}
