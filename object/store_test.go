package object

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// storage is one implementation of store under test.
type storage struct {
	open storeOpener
	move func(from, to lmz.Address) // moves a closed object's file
}

// onEveryStorage runs a test of the store on each implementation.
func onEveryStorage(t *testing.T, test func(t *testing.T, s storage)) {
	t.Run("SQLite", func(t *testing.T) {
		dir := t.TempDir()
		test(t, storage{
			open: func(a lmz.Address) store { return &sqliteStore{path: filePath(dir, a), of: a} },
			move: func(from, to lmz.Address) {
				if err := os.MkdirAll(filepath.Dir(filePath(dir, to)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(filePath(dir, from), filePath(dir, to)); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
	t.Run("memory", func(t *testing.T) {
		disk := new(MemoryDisk)
		test(t, storage{
			open: func(a lmz.Address) store { return &memStore{disk: disk, of: a} },
			move: func(from, to lmz.Address) {
				disk.files[filePath("", to)] = disk.files[filePath("", from)]
				delete(disk.files, filePath("", from))
			},
		})
	})
}

func wantNil(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wantValue checks what s has under key; "-" is nothing.
func wantValue(t *testing.T, s store, key, want string) {
	t.Helper()
	got := "-"
	value, found, err := s.get(key)
	if found {
		got = string(value)
	}
	if got != want || err != nil {
		t.Errorf("%s: got %q, %v, want %q", key, got, err, want)
	}
}

// wantCommit commits and checks whether that wrote.
func wantCommit(t *testing.T, s store, want bool) {
	t.Helper()
	if got := s.changed(); got != want {
		t.Errorf("changed: got %v, want %v", got, want)
	}
	if wrote, err := s.commit(); wrote != want || err != nil {
		t.Errorf("commit: got %v, %v, want %v", wrote, err, want)
	}
	if s.changed() {
		t.Error("changed after the commit")
	}
}

func TestAStoreKeepsWhatWasCommitted(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		s := st.open(box)
		wantValue(t, s, "a", "-")
		wantCommit(t, s, false)
		wantNil(t, s.put("a", []byte("1")), s.put("b", nil), s.put("c", []byte("3")))
		wantValue(t, s, "a", "1")
		wantCommit(t, s, true)
		wantNil(t, s.delete("c"), s.put("a", []byte("2")))
		wantCommit(t, s, true)
		wantNil(t, s.close())

		s = st.open(box)
		wantValue(t, s, "a", "2")
		wantValue(t, s, "b", "")
		wantValue(t, s, "c", "-")
		other := st.open(lmz.At("BOX", "other"))
		wantValue(t, other, "a", "-")
		wantNil(t, s.close(), other.close())
	})
}

func TestAStoreForgetsWhatWasRolledBack(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		s := st.open(box)
		wantNil(t, s.put("a", []byte("1")), s.put("b", []byte("1")))
		wantCommit(t, s, true)
		wantNil(t, s.put("a", []byte("2")), s.delete("b"), s.put("c", []byte("2")))
		wantNil(t, s.keep(outcome{id: proto.CallID{Number: 1}, expires: time.Now().Add(time.Hour)}, nil, time.Now()))
		wantNil(t, s.rollback())
		if s.changed() {
			t.Error("changed after the rollback")
		}
		wantValue(t, s, "a", "1")
		wantValue(t, s, "b", "1")
		wantValue(t, s, "c", "-")
		if _, found, err := s.outcome(proto.CallID{Number: 1}); found || err != nil {
			t.Errorf("outcome: %v, %v", found, err)
		}
		wantNil(t, s.put("a", []byte("3")))
		wantNil(t, s.close()) // rolls back
		s = st.open(box)
		wantValue(t, s, "a", "1")
		wantNil(t, s.close())
	})
}

func TestAStoreUndoesOneTurnOfSeveral(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		s := st.open(box)
		s.mark()
		wantNil(t, s.put("a", []byte("1")))
		s.mark()
		if s.changed() || !s.dirty() {
			t.Errorf("changed %v, dirty %v, want what an earlier turn wrote", s.changed(), s.dirty())
		}
		wantNil(t, s.put("a", []byte("2")), s.put("b", []byte("2")))
		wantNil(t, s.keep(outcome{id: proto.CallID{Number: 1}, expires: time.Now().Add(time.Hour)}, nil, time.Now()))
		wantNil(t, s.undo())
		wantValue(t, s, "a", "1")
		wantValue(t, s, "b", "-")
		wantNil(t, s.put("b", []byte("3")), s.undo(), s.undo())
		s.mark()
		wantNil(t, s.put("c", []byte("4")))
		s.mark()
		wantValue(t, s, "b", "-")
		wantNil(t, s.undo())
		s.mark()
		wantNil(t, s.undo())
		if wrote, err := s.commit(); !wrote || err != nil {
			t.Errorf("commit: %v, %v", wrote, err)
		}
		wantNil(t, s.close())
		s = st.open(box)
		wantValue(t, s, "a", "1")
		wantValue(t, s, "b", "-")
		wantValue(t, s, "c", "4")
		if _, found, err := s.outcome(proto.CallID{Number: 1}); found || err != nil {
			t.Errorf("outcome: %v, %v", found, err)
		}
		s.mark() // the first turn of a transaction
		wantNil(t, s.put("a", []byte("5")), s.undo())
		wantCommit(t, s, false)
		wantValue(t, s, "a", "1")
		wantNil(t, s.close())
	})
}

func TestAStoreWritesNothingThatIsThereAlready(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		s := st.open(box)
		wantNil(t, s.put("a", []byte("1")))
		wantCommit(t, s, true)
		wantNil(t, s.put("a", []byte("1")), s.delete("b"))
		wantCommit(t, s, false)
		wantNil(t, s.put("a", []byte("2")), s.put("a", []byte("1")))
		wantCommit(t, s, true) // it does not look back
		wantNil(t, s.close())
	})
}

func TestAStoreListsKeysInByteOrder(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		s := st.open(box)
		for _, key := range []string{"b", "a/2", "a0", "", "a/\x00", "ä"} {
			wantNil(t, s.put(key, []byte("x")))
		}
		wantCommit(t, s, true)
		wantNil(t, s.put("a/1", []byte("x")), s.delete("b"))
		for prefix, want := range map[string][]string{
			"":   {"", "a/\x00", "a/1", "a/2", "a0", "ä"},
			"a/": {"a/\x00", "a/1", "a/2"},
			"z":  nil,
		} {
			if got, err := s.list(prefix); !slices.Equal(got, want) || err != nil {
				t.Errorf("prefix %q: got %q, %v, want %q", prefix, got, err, want)
			}
		}
		wantNil(t, s.close())
	})
}

func TestAStoreKeepsOutcomesUntilAcknowledgedOrExpired(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		now := time.UnixMilli(1_000_000)
		number := func(n uint64) proto.CallID { return proto.CallID{Session: proto.SessionID{9}, Number: n} }
		s := st.open(box)
		kept := outcome{
			id: number(1), caller: "CLIENT/ann", answered: true,
			answer: proto.Answer{Failed: lmz.CodeCallee, Payload: []byte("no")}, expires: now.Add(time.Minute),
		}
		begun := outcome{id: number(2), caller: "CLIENT/bob", expires: now.Add(time.Second)}
		wantNil(t, s.keep(kept, nil, now), s.keep(begun, nil, now))
		wantCommit(t, s, true)
		wantNil(t, s.close())
		s = st.open(box)

		check := func(want ...uint64) {
			t.Helper()
			for n := uint64(1); n <= 4; n++ {
				if _, found, err := s.outcome(number(n)); found != slices.Contains(want, n) || err != nil {
					t.Errorf("outcome %d: found %v, %v; want %v", n, found, err, want)
				}
			}
		}
		check(1, 2)
		got, _, _ := s.outcome(number(1))
		if got.caller != kept.caller || !got.answered || got.large || got.answer.Failed != lmz.CodeCallee || string(got.answer.Payload) != "no" {
			t.Errorf("got %+v", got)
		}
		if got, _, _ := s.outcome(number(2)); got.answered || got.caller != begun.caller {
			t.Errorf("got %+v", got)
		}
		wantNil(t, s.keep(outcome{id: number(3), large: true, answered: true, expires: now.Add(time.Minute)}, []proto.CallID{number(1)}, now))
		check(2, 3) // the first is acknowledged
		wantCommit(t, s, true)
		wantNil(t, s.keep(outcome{id: number(4), expires: now.Add(time.Hour)}, nil, now.Add(2*time.Second)))
		check(3, 4) // the second has expired
		wantCommit(t, s, true)
		check(3, 4)
		if got, _, _ := s.outcome(number(3)); !got.large {
			t.Errorf("got %+v", got)
		}
		wantNil(t, s.close())
	})
}

func TestAStoreThatWasMovedIsRefused(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		s := st.open(box)
		wantNil(t, s.put("a", []byte("1")))
		wantCommit(t, s, true)
		wantNil(t, s.close())
		to := lmz.At("BOX", "thief")
		st.move(box, to)
		s = st.open(to)
		if _, _, err := s.get("a"); err == nil || !strings.Contains(err.Error(), "belongs to another object") {
			t.Errorf("got %v", err)
		}
		wantNil(t, s.close())
	})
}

func TestACrashOfTheMemoryDiskLosesWhatWasNotSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		survives := false
		disk := &MemoryDisk{
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
			rt, err := OpenMemory(disk, nil, nil)
			wantNil(t, err)
			if _, err := OpenMemory(disk, nil, nil); err == nil {
				t.Error("the disk has two users")
			}
			s := rt.open(a)
			wantNil(t, s.put("k", []byte("1")))
			committed := make(chan error, 1)
			go func() {
				_, err := s.commit()
				committed <- err
			}()
			time.Sleep(test.crashAfter) // virtual
			disk.Crash()
			if err := <-committed; (err == nil) != (test.crashAfter > time.Millisecond) {
				t.Errorf("commit: %v", err)
			}
			if _, _, err := s.get("k"); err == nil {
				t.Error("a dead runtime can still read")
			}
			if _, err := s.commit(); err == nil {
				t.Error("a dead runtime can still commit")
			}
			again, err := OpenMemory(disk, nil, nil)
			wantNil(t, err)
			wantNil(t, rt.Close()) // frees nothing of its successor's
			if _, err := OpenMemory(disk, nil, nil); err == nil {
				t.Error("the dead gave the disk back")
			}
			wantValue(t, again.open(a), "k", test.want)
			wantNil(t, again.Close())
		}
	})
}
