package sim

import (
	"context"
	"slices"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/object"
)

// keeper is an object with pending work that nobody calls again: it sets an alarm, watches its
// caller, and sends to a ledger.
type keeper struct {
	ledger
}

const noted lmz.Method1[string, struct{}] = "noted"

func newKeeper(o *object.Object) lmz.Handler {
	k := &keeper{ledger{Object: o}} // its tokens are not checked
	do.Expose(&k.Mux, lmz.Anyone, k.plan)
	read.Expose(&k.Mux, lmz.Anyone, k.read)
	finished.Expose(&k.Mux, lmz.NoOne, k.finished)
	noted.Expose(&k.Mux, lmz.NoOne, func(ctx context.Context, tag string) (struct{}, error) {
		return struct{}{}, k.write(ctx, tag)
	})
	return k
}

func (k *keeper) plan(ctx context.Context, o order) (string, error) {
	caller, _ := lmz.CallContextFrom(ctx)
	if err := k.write(ctx, o.Tag); err != nil {
		return "", err
	}
	if _, err := k.Alarms().Set(ctx, object.In(o.Pause), noted.Ctn(o.Tag+"/alarm"), object.AlarmOptions{}); err != nil {
		return "", err
	}
	if err := k.Watch(ctx, caller.Caller().Address, noted.Ctn(o.Tag+"/left")); err != nil {
		return "", err
	}
	return o.Tag, k.Send(ctx, lmz.At("LEDGER", o.Other), do.Ctn(order{Op: int(opAdd), Tag: o.Tag + "/inner"}),
		lmz.Reply(lmz.Ctn(string(finished), o.Tag, lmz.Result)))
}

// keepers reads the logs of the keepers. Reading opens them, which may trigger work that was
// lost; the logs show the state before that.
func (v *verdict) keepers(ctx context.Context, judge *client.Peer) {
	for _, c := range v.w.calls {
		if c.op != opLater {
			continue
		}
		log, err := read.Call(ctx, judge, lmz.At("KEEPER", c.tag))
		if err != nil {
			v.add("reading the keeper of %s: %v", c.tag, err)
		}
		v.kept[c.tag] = log
		for _, tag := range log {
			v.counts[tag]++
		}
	}
}

// later is the oracle that the pending work of an object is done: its alarm, its message and the
// reply once, and the watch of a session too if the gateway was down when the session ended.
func (v *verdict) later(c *call) {
	log := v.kept[c.tag]
	if !slices.Contains(log, c.tag) {
		if len(log) > 0 || v.counts[c.tag+"/inner"] > 0 {
			v.add("%s did not happen, and %q did", c.tag, log)
		}
		return
	}
	for _, what := range []string{"/alarm", "/inner", "/reply"} {
		if n := v.counts[c.tag+what]; n != 1 {
			v.add("%s%s was done %d times", c.tag, what, n)
		}
	}
	restarted := slices.ContainsFunc(v.w.crashes, func(at time.Duration) bool { return at > c.settled })
	if n := v.counts[c.tag+"/left"]; n > 1 || n == 0 && restarted {
		v.add("the watch of %s has run %d times", c.tag, n)
	}
}

// left is the oracle that every watch has run once when all clients have gone.
func (v *verdict) left(ctx context.Context, judge *client.Peer) {
	for _, p := range v.w.processes {
		p.Close()
	}
	time.Sleep(10 * time.Second) // virtual: longer than the grace period
	for tag, before := range v.kept {
		log, err := read.Call(ctx, judge, lmz.At("KEEPER", tag))
		if n := times(log, tag+"/left"); err != nil || n != 1 && slices.Contains(before, tag) {
			v.add("all clients have gone, and the watch of %s has run %d times, %v", tag, n, err)
		}
	}
}

func times(log []string, what string) (n int) {
	for _, entry := range log {
		if entry == what {
			n++
		}
	}
	return n
}
