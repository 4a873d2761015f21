package editor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

// scribble returns a random change to t with up to n replacements.
func scribble(r *rand.Rand, t *text.Text, n int) text.ChangeSet {
	var all []text.Change
	pos := 0
	for range 1 + r.IntN(n) {
		at := func(from int) int {
			p := min(t.Len(), from+r.IntN(max(1, 2*t.Len()/n)))
			for !t.Boundary(p) {
				p++
			}
			return p
		}
		c := text.Change{From: at(pos)}
		c.To = c.From
		if r.IntN(10) == 0 {
			c.To = at(c.From)
		}
		c.Insert = strings.Repeat([]string{"a", "🦊", "ü\n", "word "}[r.IntN(4)], r.IntN(30))
		if r.IntN(10) == 0 {
			c.Insert = strings.Repeat(c.Insert, 20)
		}
		all, pos = append(all, c), c.To
	}
	c, err := text.New(t.Len(), all...)
	if err != nil {
		panic(err)
	}
	return c
}

// TestChunksOfChangedText stores chunks in memory.
func TestChunksOfChangedText(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		doc, stored, last := text.NewText(""), map[int]string{}, 0
		var all chunks
		for round := range 300 {
			c := scribble(r, doc, 1+r.IntN(5))
			if err := doc.Apply(c); err != nil {
				t.Fatal(err)
			}
			all = all.after(c)
			if r.IntN(4) == 0 {
				all = all.even(doc)
				pos := 0
				for _, c := range all {
					if c.id == 0 {
						last++
						c.id, stored[last] = last, doc.Slice(pos, pos+c.units)
					}
					if c.units == 0 || c.units > 2*chunkUnits || text.Units(stored[c.id]) != c.units {
						t.Fatalf("seed %d: a chunk of %d units, %d stored", seed, c.units, text.Units(stored[c.id]))
					}
					pos += c.units
				}
			}
			pos := 0
			for _, c := range all {
				if s, ok := stored[c.id]; ok && s != doc.Slice(pos, pos+c.units) {
					t.Fatalf("seed %d, round %d: the chunk at %d is another", seed, round, pos)
				}
				pos += c.units
			}
			if pos != doc.Len() {
				t.Fatalf("seed %d: the chunks have %d units, the text %d", seed, pos, doc.Len())
			}
		}
		if n := len(all.even(doc)); n > 1+4*doc.Len()/chunkUnits {
			t.Errorf("seed %d: %d chunks of %d units", seed, n, doc.Len())
		}
	}
}

// TestEarlierVersions edits, restores, restarts, and compares all versions.
func TestEarlierVersions(t *testing.T) {
	seeds := uint64(1)
	if os.Getenv("LMZ_SOAK") != "" {
		seeds = 10
	}
	for seed := range seeds {
		meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
			registerOpen(m, nil)
			r := rand.New(rand.NewPCG(seed, 2))
			ann := newPerson(t, m, "ann", client.Options{})
			at := lmz.At(DocumentBinding, "notes")
			if _, err := Subscribe.Call(t.Context(), ann.Peer, at); err != nil {
				t.Fatal(err)
			}
			was := []*text.Text{text.NewText("")}
			restorations := 0
			for number := 1; len(was) < 150; number++ {
				now := was[len(was)-1].Clone()
				if len(was) == 1 {
					_, err := Update.Call(t.Context(), ann.Peer, at, book(200<<10))
					if err != nil {
						t.Fatal(err)
					}
					missing, err := Changes.Call(t.Context(), ann.Peer, at, 0)
					if err != nil {
						t.Fatal(err)
					}
					apply(t, &was, missing.Made)
				} else if r.IntN(12) == 0 {
					version := r.IntN(len(was))
					made, err := Restore.Call(t.Context(), ann.Peer, at, version)
					if err != nil {
						t.Fatal(err)
					}
					missing, err := Changes.Call(t.Context(), ann.Peer, at, len(was)-1)
					if err != nil || missing.Version != made {
						t.Fatal(made, missing.Version, err)
					}
					apply(t, &was, missing.Made)
					if was[made].String() != was[version].String() {
						t.Fatalf("version %d is not the text of %d", made, version)
					}
					restorations++
				} else {
					c := scribble(r, now, 40)
					e := []text.Edit{{Editor: "bot", Number: number, Changes: c}}
					if _, err := Push.Call(t.Context(), ann.Peer, at, len(was)-1, text.Updates(e)); err != nil {
						t.Fatal(err)
					}
					if err := now.Apply(c); err != nil {
						t.Fatal(err)
					}
					was = append(was, now)
				}
				if r.IntN(60) == 0 {
					m.CrashGateway()
					m.RestartGateway()
					if _, err := Subscribe.Call(t.Context(), ann.Peer, at); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, cold := range []bool{false, true} {
				if cold {
					m.CrashGateway()
					m.RestartGateway()
				}
				compareVersions(t, r, ann, was)
				if has, err := inMemory.Call(t.Context(), ann.Peer, at); err != nil || has == cold {
					t.Errorf("the text is in memory: %v, %v", has, err)
				}
			}
			snapshots, pinned := askInside(t, ann.Peer, rows, snapshotPrefix), askInside(t, ann.Peer, pins, "")
			t.Logf("%d versions, %d restorations, %d snapshots, %d of them of restored versions, text of %d units",
				len(was), restorations, snapshots, pinned, was[len(was)-1].Len())
			if n := askInside(t, ann.Peer, astray, ""); n != 0 {
				t.Errorf("%d chunks are astray", n)
			}
			if pinned == 0 {
				t.Error("nothing that was restored is a reference")
			}
		})
	}
}

// compareVersions reads parts of all versions.
func compareVersions(t *testing.T, r *rand.Rand, ann *person, was []*text.Text) {
	t.Helper()
	at := lmz.At(DocumentBinding, "notes")
	for version, want := range was {
		from := r.IntN(want.Len() + 10)
		got, err := Read.Call(t.Context(), ann.Peer, at, version, from)
		if err != nil || got != want.Slice(from, from+PartLength) {
			t.Fatalf("version %d from %d: %d bytes, %d wanted, %v", version, from, len(got), len(want.Slice(from, from+PartLength)), err)
		}
	}
	var again []*text.Text
	again = append(again, was[0])
	for len(again) < len(was) {
		missing, err := Changes.Call(t.Context(), ann.Peer, at, len(again)-1)
		if err != nil {
			t.Fatal(err)
		}
		apply(t, &again, missing.Made)
	}
	for version := range was {
		if again[version].String() != was[version].String() {
			t.Fatalf("the changes make another version %d", version)
		}
	}
}

// apply appends the texts that result from edits.
func apply(t *testing.T, was *[]*text.Text, all []Made) {
	t.Helper()
	entries, err := readMade(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		now := (*was)[len(*was)-1].Clone()
		if err := now.Apply(e.Changes); err != nil {
			t.Fatal(err)
		}
		*was = append(*was, now)
	}
}

// book returns a text of about n bytes without repeated lines.
func book(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d the quick brown fox jumps over the lazy dog %d\n", i, i*i)
	}
	return b.String()
}

func TestStorageOfRestoredVersion(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerOpen(m, nil)
		ann := newPerson(t, m, "ann", client.Options{})
		ann.open(t, "notes", OpenOptions{})
		content := book(1 << 20)
		ann.typeAt(t, 0, content)
		ann.saved(t)
		full, at := ann.doc.Version(), lmz.At(DocumentBinding, "notes")
		before := askInside(t, ann.Peer, size, "")
		for range 4 {
			for _, version := range []int{0, full} {
				if _, err := Restore.Call(t.Context(), ann.Peer, at, version); err != nil {
					t.Fatal(err)
				}
				want := map[int]string{full: content}[version]
				ann.until(t, "restored", func() bool { return ann.screen == want })
			}
		}
		if more := askInside(t, ann.Peer, size, "") - before; more > 100_000 {
			t.Errorf("4 pairs of restorations stored %d bytes", more)
		}
		// Before the first snapshot, the whole text may be written once.
		if chunks := askInside(t, ann.Peer, size, chunkPrefix); chunks > 3<<20 {
			t.Errorf("the chunks have %d bytes", chunks)
		}
	})
}

func TestRestoredTextAfterItsVersion(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerOpen(m, nil)
		ann := newPerson(t, m, "ann", client.Options{})
		at := lmz.At(DocumentBinding, "notes")
		number := 0
		write := func(change func(length int) text.ChangeSet) {
			t.Helper()
			o, err := Subscribe.Call(t.Context(), ann.Peer, at)
			if err != nil {
				t.Fatal(err)
			}
			number++
			e := []text.Edit{{Editor: fmt.Sprint("bot", time.Now().Unix()), Number: number, Changes: change(o.Length)}}
			if _, err := Push.Call(t.Context(), ann.Peer, at, o.Version, text.Updates(e)); err != nil {
				t.Fatal(err)
			}
		}
		insert := func(s string) {
			t.Helper()
			write(func(length int) text.ChangeSet { return text.Insert(length, length, s) })
		}
		day := func() { // of somebody who writes much, so that there are snapshots
			ann.Close()
			time.Sleep(48 * time.Hour)
			ann = newPerson(t, m, "ann", client.Options{})
			for range 3 {
				insert(book(40 << 10))
				write(func(length int) text.ChangeSet { return text.Delete(length, length-len(book(40<<10)), length) })
			}
		}
		content := book(60 << 10)
		insert(content)
		for range 10 {
			day()
		}
		write(func(length int) text.ChangeSet { return text.Delete(length, 0, length) })
		cleared, err := Restore.Call(t.Context(), ann.Peer, at, 1)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 { // version 1 is 40 days old, its restoration 20
			day()
		}
		if _, err := Read.Call(t.Context(), ann.Peer, at, 1, 0); err != nil {
			t.Errorf("version 1: %v", err)
		}
		if _, err := Read.Call(t.Context(), ann.Peer, at, 2, 0); err == nil {
			t.Error("version 2 is still known")
		}
		missing, err := Changes.Call(t.Context(), ann.Peer, at, cleared-1)
		if err != nil || missing.Made[0].Changes[0].([]any)[1] != strings.Split(content, "\n")[0] {
			t.Errorf("the restoration: %.200v, %v", missing.Made, err)
		}
		for range 13 {
			day()
		}
		if _, err := Read.Call(t.Context(), ann.Peer, at, 1, 0); err == nil {
			t.Error("version 1 is kept for ever")
		}
		all, _, err := ReadAll(t.Context(), ann.Peer, "notes")
		if err != nil || all != content {
			t.Errorf("the text has %d bytes, %d wanted, %v", len(all), len(content), err)
		}
		if n := askInside(t, ann.Peer, astray, ""); n != 0 {
			t.Errorf("%d chunks are astray", n)
		}
		log, chunks := askInside(t, ann.Peer, rows, logPrefix), askInside(t, ann.Peer, rows, chunkPrefix)
		if log > 17*6 || chunks > 17*8 || askInside(t, ann.Peer, rows, editorPrefix) > 17*6 {
			t.Errorf("%d rows of the log and %d chunks are left", log, chunks)
		}
	})
}

func TestPaceOfSnapshotsAndSweeps(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		most := new(changed)
		registerOpen(m, most)
		ann := newPerson(t, m, "ann", client.Options{})
		at := lmz.At(DocumentBinding, "notes")
		if _, err := Subscribe.Call(t.Context(), ann.Peer, at); err != nil {
			t.Fatal(err)
		}
		old := make(map[string]any)
		for i := range 3000 {
			old[fmt.Sprint(editorPrefix, "old", i)] = lastEdit{Number: 1, Version: 1, At: 1}
		}
		askInside(t, ann.Peer, seed, old)
		ann.open(t, "notes", OpenOptions{})
		ann.typeAt(t, 0, book(2<<20))
		ann.saved(t)
		time.Sleep(time.Second)
		if most.chunks > maxWrites || most.editors > maxSwept || most.chunks == 0 || most.editors == 0 {
			t.Errorf("one turn changed %+v rows", *most)
		}
		if n := askInside(t, ann.Peer, rows, editorPrefix); n > 5 {
			t.Errorf("%d editors are left", n)
		}
		// All of it changes, and the document is closed in the middle.
		all := text.NewText(ann.screen)
		var changes []text.Change
		for i := range 200 {
			changes = append(changes, text.Change{From: i * all.Len() / 200, To: i*all.Len()/200 + 1, Insert: strings.Repeat("x", 300)})
		}
		for range 25 {
			c, err := text.New(all.Len(), changes...)
			if err != nil {
				t.Fatal(err)
			}
			if err := all.Apply(c); err != nil {
				t.Fatal(err)
			}
			ann.edit(t, c)
			ann.saved(t)
			if all.String() != ann.screen {
				t.Fatal("another text")
			}
		}
		m.CrashGateway()
		m.RestartGateway()
		ann.saved(t)
		content, _, err := ReadAll(t.Context(), ann.Peer, "notes")
		if err != nil || content != ann.screen {
			t.Errorf("%d bytes, %d wanted, %v", len(content), len(ann.screen), err)
		}
		if most.chunks > maxWrites {
			t.Errorf("one turn changed %+v rows", *most)
		}
	})
}

// TestCrashWhileASnapshotIsWritten crashes after each of several pushes that make a
// snapshot, on a slow disk.
func TestCrashWhileASnapshotIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := meshtest.StartWith(t, meshtest.Options{
			Disk: &object.MemoryDisk{Latency: func(lmz.Address) time.Duration { return 5 * time.Millisecond }},
		})
		registerOpen(m, nil)
		ann := newPerson(t, m, "ann", client.Options{})
		ann.open(t, "notes", OpenOptions{})
		ann.typeAt(t, 0, book(1<<20))
		ann.saved(t)
		unfinished, at := 0, lmz.At(DocumentBinding, "notes")
		for i := range 4 {
			var edits []text.Edit
			all := text.NewText(ann.screen)
			for n := range 40 { // of 30 KB each, all over the text
				var changes []text.Change
				for j := range 300 {
					from := (2*j + 1) * all.Len() / 600
					changes = append(changes, text.Change{From: from, To: from + 20, Insert: strings.Repeat("x", 100)})
				}
				c, err := text.New(all.Len(), changes...)
				if err != nil {
					t.Fatal(err)
				}
				if err := all.Apply(c); err != nil {
					t.Fatal(err)
				}
				edits = append(edits, text.Edit{Editor: fmt.Sprint("bot", i), Number: n + 1, Changes: c})
			}
			for base := ann.doc.Version(); len(edits) > 0; base++ {
				if _, err := Push.Call(t.Context(), ann.Peer, at, base, text.Updates(edits[:1])); err != nil {
					t.Fatal(err)
				}
				if edits = edits[1:]; askInside(t, ann.Peer, writes, "") > 0 {
					unfinished++
					break
				}
			}
			if i%3 == 2 {
				if _, err := Restore.Call(t.Context(), ann.Peer, at, ann.doc.Version()); err != nil {
					t.Fatal(err)
				}
			}
			m.CrashGateway()
			m.RestartGateway()
			content, version, err := ReadAll(t.Context(), ann.Peer, "notes")
			if err != nil {
				t.Fatal(err)
			}
			ann.until(t, "the same text", func() bool { return ann.doc.Version() == version && ann.screen == content })
		}
		time.Sleep(time.Minute)
		if n := askInside(t, ann.Peer, astray, ""); n != 0 {
			t.Errorf("%d chunks are astray", n)
		}
		if askInside(t, ann.Peer, writes, "") != 0 {
			t.Error("a snapshot is never finished")
		}
		if unfinished == 0 {
			t.Error("no crash came while a snapshot was written")
		}
	})
}

// TestDocumentsOfEarlierPrograms reads a document as version 1 of this program wrote it,
// with the text of each snapshot in separate rows.
func TestDocumentsOfEarlierPrograms(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerOpen(m, nil)
		ann := newPerson(t, m, "ann", client.Options{})
		at := lmz.At(DocumentBinding, "notes")
		content := book(PartLength + 1000)
		was := []*text.Text{text.NewText("")}
		now := time.Now().UnixMilli()
		old := map[string]any{}
		add := func(c text.ChangeSet) {
			next := was[len(was)-1].Clone()
			if err := next.Apply(c); err != nil {
				t.Fatal(err)
			}
			was = append(was, next)
			update := text.Edit{Editor: "old", Number: len(was) - 1, Changes: c}.Update()
			old[logKey(len(was)-1)] = map[string]any{"clientID": update.ClientID, "number": update.Number, "changes": update.Changes, "at": now, "by": "ann"}
		}
		add(text.Insert(0, 0, content[:30_000]))
		add(text.Insert(30_000, 30_000, content[30_000:]))
		old[snapshotKey(2)] = map[string]any{"parts": 2, "at": now}
		old[partKey(2, 0)], old[partKey(2, 1)] = content[:PartLength], content[PartLength:]
		add(text.Delete(len(content), 10, 20))
		add(text.Insert(len(content)-10, 5, "🦊"))
		old[headKey] = map[string]any{"version": 4, "snapshot": 2, "logged": 300, "oldest": 0}
		old[editorPrefix+"old"] = map[string]any{"number": 4, "version": 4, "at": now, "owner": ""}
		askInside(t, ann.Peer, seed, old)
		m.CrashGateway()
		m.RestartGateway()

		compareVersions(t, rand.New(rand.NewPCG(1, 1)), ann, was)
		ann.open(t, "notes", OpenOptions{})
		ann.shows(t, was[4].String())
		for _, version := range []int{2, 4, 1} {
			if _, err := Restore.Call(t.Context(), ann.Peer, at, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := Restore.Call(t.Context(), ann.Peer, at, version); err != nil {
				t.Fatal(err)
			}
			ann.shows(t, was[version].String())
		}
		revisions, err := History.Call(t.Context(), ann.Peer, at, 0)
		if err != nil || revisions[len(revisions)-1].First != 1 || revisions[0].By != "ann" {
			t.Errorf("%+v, %v", revisions, err)
		}
		if n := askInside(t, ann.Peer, rows, partPrefix); n != 0 {
			t.Errorf("%d old parts are left", n)
		}
		compareVersions(t, rand.New(rand.NewPCG(2, 1)), ann, was)
	})
}
