package object

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/wake"
)

// Restore makes the object at a, which must not have stored anything yet, out of a
// file that [Runtime.Backup] wrote, of whatever object: its keys, its tables and its
// alarms. What the runtime keeps of calls and sends under way is left out: those
// belong to the object that was backed up. The file stays as it is.
func (rt *Runtime) Restore(ctx context.Context, path string, a lmz.Address) error {
	return rt.turnOf(ctx, a, func(o *Object) error { return rt.restore(o, path, a) })
}

func (rt *Runtime) restore(o *Object, path string, a lmz.Address) error {
	restored, err := rt.disk.Restore(path, a)
	if err != nil {
		return err
	}
	defer restored.Discard()
	o.close() // if it is open it has seen that there was nothing
	// The index of wakes must know of the copy's alarms before it is there. It is told
	// what is true when it wakes the object.
	err = rt.wakes.Announce(a, wake.AtStart)
	defer rt.wakes.Failed(a)
	if err != nil {
		return store.WithoutPath(err)
	}
	if err := restored.Install(); err != nil {
		return err
	}
	for _, c := range o.paidFor() { // as it will be given back
		rt.accounts.Add(c.payer, c.kind, c.n)
		rt.usage.changed(c.payer, c.kind)
	}
	return nil
}
