package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/memory"
	"github.com/lumenize/lmz/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Storage {
		disk := new(memory.Disk)
		user, err := disk.Use()
		wantNil(t, err)
		return storetest.Storage{Open: user.Open, Move: disk.Move}
	})
}

func TestWakeIndex(t *testing.T) {
	disk := new(memory.Disk)
	user, err := disk.Use()
	wantNil(t, err)
	storetest.RunIndex(t, user.Wakes)
}

func wantNil(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func commitOf(s store.Store) error {
	_, err := s.Commit(func(error) {})
	return err
}

func TestUnsyncedTablesAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &memory.Disk{Latency: func(lmz.Address) time.Duration { return time.Millisecond }}
		insert := func(s store.Store, x string) error {
			tables, err := s.Tables()
			wantNil(t, err)
			_, err = tables.Exec(`CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES ('`+x+`')`, nil)
			wantNil(t, err)
			return commitOf(s)
		}
		rt, err := disk.Use()
		wantNil(t, err)
		s := rt.Open(lmz.At("BOX", "one"), store.Options{})
		wantNil(t, insert(s, "kept"))
		go insert(s, "lost")
		time.Sleep(500 * time.Microsecond) // virtual
		disk.Crash()
		time.Sleep(time.Millisecond)
		wantNil(t, s.Close())
		again, err := disk.Use()
		wantNil(t, err)
		s = again.Open(lmz.At("BOX", "one"), store.Options{})
		tables, err := s.Tables()
		wantNil(t, err)
		rows, err := tables.Query(`SELECT group_concat(x) FROM t`, nil)
		wantNil(t, err)
		if more, err := rows.Next(); !more || err != nil || rows.Text(0) != "kept" {
			t.Errorf("got %q, %v", rows.Text(0), err)
		}
		rows.Close()
		wantNil(t, s.Close(), again.Close())
	})
}

func TestUnsyncedValuesAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		survives := false
		disk := &memory.Disk{
			Latency:  func(lmz.Address) time.Duration { return time.Millisecond },
			Survives: func() bool { return survives },
		}
		for i, test := range []struct {
			crashAfter time.Duration
			survives   bool
			want       string
		}{{2 * time.Millisecond, false, "1"}, {500 * time.Microsecond, false, "-"}, {500 * time.Microsecond, true, "1"}} {
			survives = test.survives
			a := lmz.At("BOX", string(rune('a'+i)))
			rt, err := disk.Use()
			wantNil(t, err)
			if _, err := disk.Use(); err == nil {
				t.Error("the disk has two users")
			}
			s := rt.Open(a, store.Options{})
			wantNil(t, s.Put("k", []byte("1")))
			committed := make(chan error, 1)
			go func() {
				committed <- commitOf(s)
			}()
			time.Sleep(test.crashAfter) // virtual
			disk.Crash()
			if err := <-committed; (err == nil) != (test.crashAfter > time.Millisecond) {
				t.Errorf("commit: %v", err)
			}
			if _, _, err := s.Get("k"); err == nil {
				t.Error("a dead runtime can still read")
			}
			if err := commitOf(s); err == nil {
				t.Error("a dead runtime can still commit")
			}
			again, err := disk.Use()
			wantNil(t, err)
			wantNil(t, rt.Close()) // does not unlock the disk of its successor
			if _, err := disk.Use(); err == nil {
				t.Error("the dead gave the disk back")
			}
			got := "-"
			if value, found, err := again.Open(a, store.Options{}).Get("k"); found || err != nil {
				got = string(value)
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			wantNil(t, again.Close())
		}
	})
}
