package object

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
)

// A watch is on disk with its turn, and in the wake index: it runs after a crash even if
// nothing calls the object, because the next life knows no earlier sessions.
func TestWatchAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &MemoryDisk{}
		w := newMemoryWorld(t, disk)
		client := quiet{end: make(chan bool)}
		w.mesh["CLIENT"] = client
		var l leavings
		l.register(w)
		w.run(func(ctx context.Context, o *Object) error {
			return o.Watch(ctx, lmz.At("CLIENT", "ann.tab"), lmz.Ctn("left", 1))
		})
		time.Sleep(time.Minute)
		l.wants(t) // the session is alive
		w = w.crash(disk)
		l.register(w)
		w.rt.Start()
		time.Sleep(time.Minute)
		l.wants(t, 1)
		close(client.end)
	})
}
