package object

import (
	"fmt"
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
	files := func(t *testing.T, closed func() *openFiles) {
		dir := t.TempDir()
		test(t, storage{
			open: func(a lmz.Address, k Kind) store {
				return &sqliteStore{path: filePath(dir, a), of: a, kind: k, files: closed()}
			},
			move: func(from, to lmz.Address) {
				if err := os.MkdirAll(filepath.Dir(filePath(dir, to)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(filePath(dir, from), filePath(dir, to)); err != nil {
					t.Fatal(err)
				}
			},
		})
	}
	t.Run("SQLite", func(t *testing.T) { files(t, func() *openFiles { return nil }) })
	t.Run("SQLite, closed between turns", func(t *testing.T) {
		files(t, func() *openFiles { return newOpenFiles(func() int { return 0 }) })
	})
	t.Run("memory", func(t *testing.T) {
		disk := new(MemoryDisk)
		test(t, storage{
			open: func(a lmz.Address, k Kind) store { return &memStore{disk: disk, of: a, kind: k} },
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
		s := st.open(box, Kind{})
		wantValue(t, s, "a", "-")
		wantCommit(t, s, false)
		wantNil(t, s.put("a", []byte("1")), s.put("b", nil), s.put("c", []byte("3")))
		wantValue(t, s, "a", "1")
		wantCommit(t, s, true)
		wantNil(t, s.delete("c"), s.put("a", []byte("2")))
		wantCommit(t, s, true)
		wantNil(t, s.close())

		s = st.open(box, Kind{})
		wantValue(t, s, "a", "2")
		wantValue(t, s, "b", "")
		wantValue(t, s, "c", "-")
		other := st.open(lmz.At("BOX", "other"), Kind{})
		wantValue(t, other, "a", "-")
		wantNil(t, s.close(), other.close())
	})
}

func TestAStoreForgetsWhatWasRolledBack(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		s := st.open(box, Kind{})
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
		s = st.open(box, Kind{})
		wantValue(t, s, "a", "1")
		wantNil(t, s.close())
	})
}

func TestAStoreUndoesOneTurnOfSeveral(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		s := st.open(box, Kind{})
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
		s = st.open(box, Kind{})
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
		s := st.open(box, Kind{})
		wantNil(t, s.put("a", []byte("1")))
		wantCommit(t, s, true)
		wantNil(t, s.put("a", []byte("1")), s.delete("b"))
		wantCommit(t, s, false)
		wantNil(t, s.put("a", []byte("2")), s.put("a", []byte("1")))
		wantCommit(t, s, true) // it does not look back
		wantNil(t, s.close())
	})
}

func TestAStoreListsRangesInByteOrder(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		s := st.open(box, Kind{})
		for _, key := range []string{"b", "a/2", "a0", "", "a/\x00", "ä", "\U0010ffff"} {
			wantNil(t, s.put(key, []byte("value of "+key)))
		}
		wantCommit(t, s, true)
		wantNil(t, s.put("a/1", []byte("value of a/1")), s.delete("b"))
		for _, test := range []struct {
			r    Range
			want []string
		}{
			{Range{}, []string{"", "a/\x00", "a/1", "a/2", "a0", "ä", "\U0010ffff"}},
			{Range{Prefix: "a/"}, []string{"a/\x00", "a/1", "a/2"}},
			{Range{Prefix: "\U0010ffff"}, []string{"\U0010ffff"}},
			{Range{Prefix: "z"}, nil},
			{Range{Start: "a/1", End: "ä"}, []string{"a/1", "a/2", "a0"}},
			{Range{Prefix: "a", Start: "a/2", Reverse: true}, []string{"a0", "a/2"}},
			{Range{Prefix: "a/1", Start: "a"}, []string{"a/1"}},
			{Range{Limit: 2}, []string{"", "a/\x00"}},
			{Range{Limit: 2, Reverse: true}, []string{"\U0010ffff", "ä"}},
			{Range{Bytes: 1}, []string{""}},
			{Range{Bytes: len("value of ") + len("value of a/\x00")}, []string{"", "a/\x00"}},
			{Range{Bytes: len("value of ") + 1, Reverse: true}, []string{"\U0010ffff"}},
			{Range{Start: "b", End: "a"}, nil},
		} {
			entries, err := s.entries(test.r)
			var got []string
			for _, e := range entries {
				got = append(got, e.Key)
				if string(e.value) != "value of "+e.Key {
					t.Errorf("%q has value %q", e.Key, e.value)
				}
			}
			if !slices.Equal(got, test.want) || err != nil {
				t.Errorf("%+v: got %q, %v, want %q", test.r, got, err, test.want)
			}
		}
		if n, err := s.deleteAll(); n != 7 || err != nil {
			t.Errorf("deleted %d, %v, want 7", n, err)
		}
		if entries, err := s.entries(Range{}); len(entries) != 0 || err != nil {
			t.Errorf("left %v, %v", entries, err)
		}
		wantCommit(t, s, true)
		if n, err := s.deleteAll(); n != 0 || err != nil {
			t.Errorf("deleted %d of nothing, %v", n, err)
		}
		wantCommit(t, s, false)
		wantNil(t, s.close())
	})
}

func TestAStoreUndoesPartsOfATurn(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		s := st.open(box, Kind{})
		exec := func(query string) {
			t.Helper()
			tables, err := s.tables()
			wantNil(t, err, tables.script(query))
		}
		count := func(want string) {
			t.Helper()
			tables, err := s.tables()
			wantNil(t, err)
			stmt, _, err := tables.prepare(`SELECT group_concat(x, '') FROM t`, nil)
			wantNil(t, err)
			defer stmt.close()
			if row, err := stmt.step(); !row || err != nil || stmt.stmt.ColumnText(0) != want {
				t.Errorf("the table has %q, %v, want %q", stmt.stmt.ColumnText(0), err, want)
			}
		}
		for _, before := range []bool{false, true} { // whether an earlier turn shares the transaction
			s.mark()
			exec(`CREATE TABLE t (x); INSERT INTO t VALUES ('a')`)
			wantNil(t, s.put("k", []byte("a")))
			if before {
				s.mark()
			}
			wantNil(t, s.beginPart(), s.put("k", []byte("b")))
			exec(`INSERT INTO t VALUES ('b')`)
			wantNil(t, s.beginPart(), s.put("k", []byte("c")))
			exec(`INSERT INTO t VALUES ('c')`)
			count("abc")
			wantNil(t, s.endPart(true))
			wantValue(t, s, "k", "b")
			count("ab")
			wantNil(t, s.beginPart(), s.put("l", []byte("d")), s.endPart(false), s.endPart(true))
			wantValue(t, s, "k", "a")
			wantValue(t, s, "l", "-")
			count("a")
			wantNil(t, s.beginPart())
			exec(`INSERT INTO t VALUES ('e')`)
			wantNil(t, s.endPart(false))
			count("ae")
			wantNil(t, s.undo())
			if before {
				count("a")
			}
			wantNil(t, s.rollback())
		}
		s.mark()
		wantNil(t, s.beginPart())
		exec(`CREATE TABLE t (x)`)
		wantNil(t, s.endPart(true))
		wantCommit(t, s, false)
		wantNil(t, s.close())
	})
}

func TestAStoreKeepsOutcomesUntilAcknowledgedOrExpired(t *testing.T) {
	onEveryStorage(t, func(t *testing.T, st storage) {
		now := time.UnixMilli(1_000_000)
		number := func(n uint64) proto.CallID { return proto.CallID{Session: proto.SessionID{9}, Number: n} }
		s := st.open(box, Kind{})
		kept := outcome{
			id: number(1), caller: "CLIENT/ann", answered: true,
			answer: proto.Answer{Failed: lmz.CodeCallee, Payload: []byte("no")}, expires: now.Add(time.Minute),
		}
		begun := outcome{id: number(2), caller: "CLIENT/bob", expires: now.Add(time.Second)}
		wantNil(t, s.keep(kept, nil, now), s.keep(begun, nil, now))
		wantCommit(t, s, true)
		wantNil(t, s.close())
		s = st.open(box, Kind{})

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
		s := st.open(box, Kind{})
		wantNil(t, s.put("a", []byte("1")))
		wantCommit(t, s, true)
		wantNil(t, s.close())
		to := lmz.At("BOX", "thief")
		st.move(box, to)
		s = st.open(to, Kind{})
		if _, _, err := s.get("a"); err == nil || !strings.Contains(err.Error(), "belongs to another object") {
			t.Errorf("got %v", err)
		}
		wantNil(t, s.close())
	})
}

func TestACrashOfTheMemoryDiskLosesTablesThatWereNotSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &MemoryDisk{Latency: func(lmz.Address) time.Duration { return time.Millisecond }}
		insert := func(s store, x string) error {
			tables, err := s.tables()
			wantNil(t, err, tables.script(`CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES ('`+x+`')`))
			_, err = s.commit()
			return err
		}
		rt, err := OpenMemory(disk, nil, nil)
		wantNil(t, err)
		s := rt.open(box, Kind{})
		wantNil(t, insert(s, "kept"))
		go insert(s, "lost")
		time.Sleep(500 * time.Microsecond) // virtual
		disk.Crash()
		time.Sleep(time.Millisecond)
		wantNil(t, s.close())
		again, err := OpenMemory(disk, nil, nil)
		wantNil(t, err)
		s = again.open(box, Kind{})
		tables, err := s.tables()
		wantNil(t, err)
		stmt, _, err := tables.prepare(`SELECT group_concat(x) FROM t`, nil)
		wantNil(t, err)
		if row, err := stmt.step(); !row || err != nil || stmt.stmt.ColumnText(0) != "kept" {
			t.Errorf("got %q, %v", stmt.stmt.ColumnText(0), err)
		}
		stmt.close()
		wantNil(t, s.close(), again.Close())
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
			s := rt.open(a, Kind{})
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
			wantValue(t, again.open(a, Kind{}), "k", test.want)
			wantNil(t, again.Close())
		}
	})
}

// Objects are closed when idle and opened again by a program that knows more migrations.
func TestReopeningWithMigrations(t *testing.T) {
	schema := []string{`CREATE TABLE one (n INTEGER); INSERT INTO one VALUES (1)`, `INSERT INTO one VALUES (2)`, `CREATE TABLE two (n INTEGER)`}
	onEveryStorage(t, func(t *testing.T, st storage) {
		open := func(versions int) store {
			s := st.open(box, Kind{Schema: schema[:versions]})
			wantNil(t, s.ready())
			if s.changed() || s.dirty() {
				t.Errorf("version %d: changed %v, dirty %v after reopening", versions, s.changed(), s.dirty())
			}
			s.mark()
			return s
		}
		s := open(0)
		wantNil(t, s.put("a", []byte("0")))
		wantCommit(t, s, true)
		wantNil(t, s.close())
		for versions := 1; versions <= len(schema); versions++ {
			s = open(versions) // only the migration writes
			wantValue(t, s, "a", fmt.Sprint(versions-1))
			wantCommit(t, s, false)
			s.mark()
			wantNil(t, s.put("a", []byte("undone")), s.undo())
			wantValue(t, s, "a", fmt.Sprint(versions-1))
			wantNil(t, s.put("a", fmt.Append(nil, versions)))
			wantCommit(t, s, true)
			wantNil(t, s.close())

			s = open(versions) // nothing is left to migrate
			wantValue(t, s, "a", fmt.Sprint(versions))
			tables, err := s.tables()
			wantNil(t, err)
			n, err := tables.number(`SELECT count(*) FROM one`)
			if want := int64(min(versions, 2)); n != want || err != nil {
				t.Errorf("version %d: %d rows, %v, want %d", versions, n, err, want)
			}
			wantNil(t, s.rollback(), s.close())
		}
	})
}
