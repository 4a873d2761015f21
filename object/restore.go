package object

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/wake"
)

// Restore creates the object at a, which must not have stored anything yet, from a file that
// [Runtime.Backup] wrote, of any object: its keys, tables and alarms. The runtime's records
// of pending calls and sends are left out: those belong to the object that was backed up.
// The file is not changed.
func (rt *Runtime) Restore(ctx context.Context, path string, a lmz.Address) error {
	return rt.turnOf(ctx, a, func(o *Object) error { return rt.restore(o, path, a) })
}

func (rt *Runtime) restore(o *Object, path string, a lmz.Address) error {
	restored, err := rt.disk.Restore(path, a)
	if err != nil {
		return err
	}
	defer restored.Discard()
	o.close() // if open, it has cached that there was nothing
	// The wake index must know of the copy's alarms before the copy is in place. It is
	// corrected when it wakes the object.
	err = rt.wakes.Announce(a, wake.AtStart)
	defer rt.wakes.Failed(a)
	if err != nil {
		return store.WithoutPath(err)
	}
	if err := restored.Install(); err != nil {
		return err
	}
	for _, c := range o.paidFor() { // as it will be refunded
		rt.accounts.Add(c.payer, c.kind, c.n)
		rt.usage.changed(c.payer, c.kind)
	}
	return nil
}
