// Package storetest has the tests that every implementation of package store must pass.
package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/store"
)

// Storage is an implementation under test, on an empty disk.
type Storage struct {
	Open func(a lmz.Address, o store.Options) store.Store
	Move func(from, to lmz.Address) // moves the storage of a closed object to another name
}

// first is the object of most tests.
var first = lmz.At("BOX", "one")

// Run runs the tests of stores, each on a storage from open.
func Run(t *testing.T, open func(t *testing.T) Storage) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Storage)
	}{
		{"Commit", testCommit},
		{"Rollback", testRollback},
		{"UndoneTurn", testUndoneTurn},
		{"UnchangedValue", testUnchangedValue},
		{"Ranges", testRanges},
		{"Parts", testParts},
		{"Outcomes", testOutcomes},
		{"MovedFile", testMovedFile},
		{"Migrations", testMigrations},
		{"Ends", testEnds},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// testEnds checks that each commit that wrote something becomes durable, in order.
func testEnds(t *testing.T, st Storage) {
	s := st.Open(first, store.Options{})
	ends := make(chan int, 3)
	for i := range 3 {
		wantNil(t, s.Put("a", []byte{byte(i)}))
		wrote, err := s.Commit(func(lost error) {
			if lost != nil {
				t.Errorf("commit %d was lost: %v", i, lost)
			}
			ends <- i
		})
		if !wrote || err != nil {
			t.Fatalf("commit %d: %v, %v", i, wrote, err)
		}
		wantValue(t, s, "a", string([]byte{byte(i)}))
		if wrote, err := s.Commit(func(error) { t.Error("a commit of nothing has an end") }); wrote || err != nil {
			t.Errorf("a commit of nothing: %v, %v", wrote, err)
		}
	}
	for want := range 3 {
		if got := <-ends; got != want {
			t.Errorf("the end of commit %d came, want that of %d", got, want)
		}
	}
	wantNil(t, s.Close())
}

// commit commits, and waits for the durable end.
func commit(s store.Store) (wrote bool, err error) {
	ends := make(chan error, 1)
	if wrote, err = s.Commit(func(lost error) { ends <- lost }); wrote && err == nil {
		err = <-ends
	}
	return wrote, err
}

// text returns the only column of the first row of a query.
func text(t *testing.T, tables store.Tables, query string) string {
	t.Helper()
	c, err := tables.Query(query, nil)
	wantNil(t, err)
	defer c.Close()
	if more, err := c.Next(); !more || err != nil {
		t.Fatalf("%s: %v, %v", query, more, err)
	}
	return c.Text(0)
}

func wantNil(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wantValue checks the value of key in s; "-" means none.
func wantValue(t *testing.T, s store.Store, key, want string) {
	t.Helper()
	got := "-"
	value, found, err := s.Get(key)
	if found {
		got = string(value)
	}
	if got != want || err != nil {
		t.Errorf("%s: got %q, %v, want %q", key, got, err, want)
	}
}

// wantCommit commits and checks whether that wrote anything.
func wantCommit(t *testing.T, s store.Store, want bool) {
	t.Helper()
	if got := s.Changed(); got != want {
		t.Errorf("changed: got %v, want %v", got, want)
	}
	if wrote, err := commit(s); wrote != want || err != nil {
		t.Errorf("commit: got %v, %v, want %v", wrote, err, want)
	}
	if s.Changed() {
		t.Error("changed after the commit")
	}
}

func testCommit(t *testing.T, st Storage) {
	s := st.Open(first, store.Options{})
	wantValue(t, s, "a", "-")
	wantCommit(t, s, false)
	wantNil(t, s.Put("a", []byte("1")), s.Put("b", nil), s.Put("c", []byte("3")))
	wantValue(t, s, "a", "1")
	wantCommit(t, s, true)
	wantNil(t, s.Delete("c"), s.Put("a", []byte("2")))
	wantCommit(t, s, true)
	wantNil(t, s.Close())

	s = st.Open(first, store.Options{})
	wantValue(t, s, "a", "2")
	wantValue(t, s, "b", "")
	wantValue(t, s, "c", "-")
	other := st.Open(lmz.At("BOX", "other"), store.Options{})
	wantValue(t, other, "a", "-")
	wantNil(t, s.Close(), other.Close())
}

func testRollback(t *testing.T, st Storage) {
	s := st.Open(first, store.Options{})
	wantNil(t, s.Put("a", []byte("1")), s.Put("b", []byte("1")))
	wantCommit(t, s, true)
	wantNil(t, s.Put("a", []byte("2")), s.Delete("b"), s.Put("c", []byte("2")))
	wantNil(t, s.Keep(store.Outcome{ID: proto.CallID{Number: 1}, Expires: time.Now().Add(time.Hour)}, nil, time.Now()))
	wantNil(t, s.Rollback())
	if s.Changed() {
		t.Error("changed after the rollback")
	}
	wantValue(t, s, "a", "1")
	wantValue(t, s, "b", "1")
	wantValue(t, s, "c", "-")
	if _, found, err := s.Outcome(proto.CallID{Number: 1}); found || err != nil {
		t.Errorf("outcome: %v, %v", found, err)
	}
	wantNil(t, s.Put("a", []byte("3")))
	wantNil(t, s.Close()) // rolls back
	s = st.Open(first, store.Options{})
	wantValue(t, s, "a", "1")
	wantNil(t, s.Close())
}

func testUndoneTurn(t *testing.T, st Storage) {
	s := st.Open(first, store.Options{})
	s.Mark()
	wantNil(t, s.Put("a", []byte("1")))
	s.Mark()
	if s.Changed() || !s.Dirty() {
		t.Errorf("changed %v, dirty %v, want what an earlier turn wrote", s.Changed(), s.Dirty())
	}
	wantNil(t, s.Put("a", []byte("2")), s.Put("b", []byte("2")))
	wantNil(t, s.Keep(store.Outcome{ID: proto.CallID{Number: 1}, Expires: time.Now().Add(time.Hour)}, nil, time.Now()))
	wantNil(t, s.Undo())
	wantValue(t, s, "a", "1")
	wantValue(t, s, "b", "-")
	wantNil(t, s.Put("b", []byte("3")), s.Undo(), s.Undo())
	s.Mark()
	wantNil(t, s.Put("c", []byte("4")))
	s.Mark()
	wantValue(t, s, "b", "-")
	wantNil(t, s.Undo())
	s.Mark()
	wantNil(t, s.Undo())
	if wrote, err := commit(s); !wrote || err != nil {
		t.Errorf("commit: %v, %v", wrote, err)
	}
	wantNil(t, s.Close())
	s = st.Open(first, store.Options{})
	wantValue(t, s, "a", "1")
	wantValue(t, s, "b", "-")
	wantValue(t, s, "c", "4")
	if _, found, err := s.Outcome(proto.CallID{Number: 1}); found || err != nil {
		t.Errorf("outcome: %v, %v", found, err)
	}
	s.Mark() // the first turn of a transaction
	wantNil(t, s.Put("a", []byte("5")), s.Undo())
	wantCommit(t, s, false)
	wantValue(t, s, "a", "1")
	wantNil(t, s.Close())
}

func testUnchangedValue(t *testing.T, st Storage) {
	s := st.Open(first, store.Options{})
	wantNil(t, s.Put("a", []byte("1")))
	wantCommit(t, s, true)
	wantNil(t, s.Put("a", []byte("1")), s.Delete("b"))
	wantCommit(t, s, false)
	wantNil(t, s.Put("a", []byte("2")), s.Put("a", []byte("1")))
	wantCommit(t, s, true) // it does not look back
	wantNil(t, s.Close())
}

func testRanges(t *testing.T, st Storage) {
	s := st.Open(first, store.Options{})
	for _, key := range []string{"b", "a/2", "a0", "", "a/\x00", "ä", "\U0010ffff"} {
		wantNil(t, s.Put(key, []byte("value of "+key)))
	}
	wantCommit(t, s, true)
	wantNil(t, s.Put("a/1", []byte("value of a/1")), s.Delete("b"))
	for _, test := range []struct {
		r    store.Range
		want []string
	}{
		{store.Range{}, []string{"", "a/\x00", "a/1", "a/2", "a0", "ä", "\U0010ffff"}},
		{store.Range{Prefix: "a/"}, []string{"a/\x00", "a/1", "a/2"}},
		{store.Range{Prefix: "\U0010ffff"}, []string{"\U0010ffff"}},
		{store.Range{Prefix: "z"}, nil},
		{store.Range{Start: "a/1", End: "ä"}, []string{"a/1", "a/2", "a0"}},
		{store.Range{Prefix: "a", Start: "a/2", Reverse: true}, []string{"a0", "a/2"}},
		{store.Range{Prefix: "a/1", Start: "a"}, []string{"a/1"}},
		{store.Range{Limit: 2}, []string{"", "a/\x00"}},
		{store.Range{Limit: 2, Reverse: true}, []string{"\U0010ffff", "ä"}},
		{store.Range{Bytes: 1}, []string{""}},
		{store.Range{Bytes: len("value of ") + len("value of a/\x00")}, []string{"", "a/\x00"}},
		{store.Range{Bytes: len("value of ") + 1, Reverse: true}, []string{"\U0010ffff"}},
		{store.Range{Start: "b", End: "a"}, nil},
	} {
		entries, err := s.Entries(test.r)
		var got []string
		for _, e := range entries {
			got = append(got, e.Key)
			if string(e.Value) != "value of "+e.Key {
				t.Errorf("%q has value %q", e.Key, e.Value)
			}
		}
		if !slices.Equal(got, test.want) || err != nil {
			t.Errorf("%+v: got %q, %v, want %q", test.r, got, err, test.want)
		}
	}
	if n, err := s.DeleteAll(); n != 7 || err != nil {
		t.Errorf("deleted %d, %v, want 7", n, err)
	}
	if entries, err := s.Entries(store.Range{}); len(entries) != 0 || err != nil {
		t.Errorf("left %v, %v", entries, err)
	}
	wantCommit(t, s, true)
	if n, err := s.DeleteAll(); n != 0 || err != nil {
		t.Errorf("deleted %d of nothing, %v", n, err)
	}
	wantCommit(t, s, false)
	wantNil(t, s.Close())
}

func testParts(t *testing.T, st Storage) {
	s := st.Open(first, store.Options{})
	exec := func(query string) {
		t.Helper()
		tables, err := s.Tables()
		wantNil(t, err)
		_, err = tables.Exec(query, nil)
		wantNil(t, err)
	}
	count := func(want string) {
		t.Helper()
		tables, err := s.Tables()
		wantNil(t, err)
		if got := text(t, tables, `SELECT group_concat(x, '') FROM t`); got != want {
			t.Errorf("the table has %q, want %q", got, want)
		}
	}
	for _, before := range []bool{false, true} { // whether an earlier turn shares the transaction
		s.Mark()
		exec(`CREATE TABLE t (x); INSERT INTO t VALUES ('a')`)
		wantNil(t, s.Put("k", []byte("a")))
		if before {
			s.Mark()
		}
		wantNil(t, s.BeginPart(), s.Put("k", []byte("b")))
		exec(`INSERT INTO t VALUES ('b')`)
		wantNil(t, s.BeginPart(), s.Put("k", []byte("c")))
		exec(`INSERT INTO t VALUES ('c')`)
		count("abc")
		wantNil(t, s.EndPart(true))
		wantValue(t, s, "k", "b")
		count("ab")
		wantNil(t, s.BeginPart(), s.Put("l", []byte("d")), s.EndPart(false), s.EndPart(true))
		wantValue(t, s, "k", "a")
		wantValue(t, s, "l", "-")
		count("a")
		wantNil(t, s.BeginPart())
		exec(`INSERT INTO t VALUES ('e')`)
		wantNil(t, s.EndPart(false))
		count("ae")
		wantNil(t, s.Undo())
		if before {
			count("a")
		}
		wantNil(t, s.Rollback())
	}
	s.Mark()
	wantNil(t, s.BeginPart())
	exec(`CREATE TABLE t (x)`)
	wantNil(t, s.EndPart(true))
	wantCommit(t, s, false)
	wantNil(t, s.Close())
}

func testOutcomes(t *testing.T, st Storage) {
	now := time.UnixMilli(1_000_000)
	number := func(n uint64) proto.CallID { return proto.CallID{Session: proto.SessionID{9}, Number: n} }
	s := st.Open(first, store.Options{})
	kept := store.Outcome{
		ID: number(1), Caller: "CLIENT/ann", Answered: true,
		Answer: proto.Answer{Failed: lmz.CodeCallee, Payload: []byte("no")}, Expires: now.Add(time.Minute),
	}
	begun := store.Outcome{ID: number(2), Caller: "CLIENT/bob", Expires: now.Add(time.Second)}
	wantNil(t, s.Keep(kept, nil, now), s.Keep(begun, nil, now))
	wantCommit(t, s, true)
	wantNil(t, s.Close())
	s = st.Open(first, store.Options{})

	check := func(want ...uint64) {
		t.Helper()
		for n := uint64(1); n <= 4; n++ {
			if _, found, err := s.Outcome(number(n)); found != slices.Contains(want, n) || err != nil {
				t.Errorf("outcome %d: found %v, %v; want %v", n, found, err, want)
			}
		}
	}
	check(1, 2)
	got, _, _ := s.Outcome(number(1))
	if got.Caller != kept.Caller || !got.Answered || got.Large || got.Answer.Failed != lmz.CodeCallee || string(got.Answer.Payload) != "no" {
		t.Errorf("got %+v", got)
	}
	if got, _, _ := s.Outcome(number(2)); got.Answered || got.Caller != begun.Caller {
		t.Errorf("got %+v", got)
	}
	wantNil(t, s.Keep(store.Outcome{ID: number(3), Large: true, Answered: true, Expires: now.Add(time.Minute)}, []proto.CallID{number(1)}, now))
	check(2, 3) // the first is acknowledged
	wantCommit(t, s, true)
	wantNil(t, s.Keep(store.Outcome{ID: number(4), Expires: now.Add(time.Hour)}, nil, now.Add(2*time.Second)))
	check(3, 4) // the second has expired
	wantCommit(t, s, true)
	check(3, 4)
	if got, _, _ := s.Outcome(number(3)); !got.Large {
		t.Errorf("got %+v", got)
	}
	wantNil(t, s.Close())
}

func testMovedFile(t *testing.T, st Storage) {
	s := st.Open(first, store.Options{})
	wantNil(t, s.Put("a", []byte("1")))
	wantCommit(t, s, true)
	wantNil(t, s.Close())
	to := lmz.At("BOX", "thief")
	st.Move(first, to)
	s = st.Open(to, store.Options{})
	if _, _, err := s.Get("a"); err == nil || !strings.Contains(err.Error(), "belongs to another object") {
		t.Errorf("got %v", err)
	}
	wantNil(t, s.Close())
}

// Objects are closed when idle and reopened by a program with more migrations.
func testMigrations(t *testing.T, st Storage) {
	schema := []string{`CREATE TABLE one (n INTEGER); INSERT INTO one VALUES (1)`, `INSERT INTO one VALUES (2)`, `CREATE TABLE two (n INTEGER)`}
	open := func(versions int) store.Store {
		s := st.Open(first, store.Options{Schema: schema[:versions]})
		wantNil(t, s.Ready())
		if s.Changed() || s.Dirty() {
			t.Errorf("version %d: changed %v, dirty %v after reopening", versions, s.Changed(), s.Dirty())
		}
		s.Mark()
		return s
	}
	s := open(0)
	wantNil(t, s.Put("a", []byte("0")))
	wantCommit(t, s, true)
	wantNil(t, s.Close())
	for versions := 1; versions <= len(schema); versions++ {
		s = open(versions) // only the migration writes
		wantValue(t, s, "a", fmt.Sprint(versions-1))
		wantCommit(t, s, false)
		s.Mark()
		wantNil(t, s.Put("a", []byte("undone")), s.Undo())
		wantValue(t, s, "a", fmt.Sprint(versions-1))
		wantNil(t, s.Put("a", fmt.Append(nil, versions)))
		wantCommit(t, s, true)
		wantNil(t, s.Close())

		s = open(versions) // nothing is left to migrate
		wantValue(t, s, "a", fmt.Sprint(versions))
		tables, err := s.Tables()
		wantNil(t, err)
		n := text(t, tables, `SELECT count(*) FROM one`)
		if want := fmt.Sprint(min(versions, 2)); n != want {
			t.Errorf("version %d: %s rows, want %s", versions, n, want)
		}
		wantNil(t, s.Rollback(), s.Close())
	}
}
