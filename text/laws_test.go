package text

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestMapInBothOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawString(t, "doc", 20)
		a, b := drawChanges(t, "a", doc), drawChanges(t, "b", doc)
		overA, err := b.Map(a, false)
		overB, err2 := a.Map(b, true)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		ab := applied(t, applied(t, doc, a), overA)
		ba := applied(t, applied(t, doc, b), overB)
		if ab != ba {
			t.Fatalf("%q: %v, %v: %q or %q", doc, a.Wire(), b.Wire(), ab, ba)
		}
	})
}

func TestCompose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawString(t, "doc", 20)
		a := drawChanges(t, "a", doc)
		middle := applied(t, doc, a)
		b := drawChanges(t, "b", middle)
		end := applied(t, middle, b)
		c := drawChanges(t, "c", end)
		ab := must(a.Compose(b))
		if got := applied(t, doc, ab); got != end {
			t.Fatalf("%q: %v and %v: %q, want %q", doc, a.Wire(), b.Wire(), got, end)
		}
		left, right := must(ab.Compose(c)), must(a.Compose(must(b.Compose(c))))
		if applied(t, doc, left) != applied(t, doc, right) {
			t.Fatalf("not associative: %v, %v", left.Wire(), right.Wire())
		}
		if same := must(Identity(Units(doc)).Compose(a)); !same.Equal(a) {
			t.Fatalf("identity before %v: %v", a.Wire(), same.Wire())
		}
		if same := must(a.Compose(Identity(a.NewLength()))); !same.Equal(a) {
			t.Fatalf("identity after %v: %v", a.Wire(), same.Wire())
		}
	})
}

func TestMapOfIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawString(t, "doc", 20)
		a := drawChanges(t, "a", doc)
		if same := must(a.Map(Identity(Units(doc)), false)); !same.Equal(a) {
			t.Fatalf("%v over nothing: %v", a.Wire(), same.Wire())
		}
		if none := must(Identity(Units(doc)).Map(a, true)); !none.Empty() || none.Length() != a.NewLength() {
			t.Fatalf("nothing over %v: %v", a.Wire(), none.Wire())
		}
	})
}

func TestInvert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawString(t, "doc", 20)
		a := drawChanges(t, "a", doc)
		back := applied(t, applied(t, doc, a), a.Invert(NewText(doc)))
		if back != doc {
			t.Fatalf("%v on %q: %q", a.Wire(), doc, back)
		}
	})
}

func TestMapPosAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawString(t, "doc", 20)
		a := drawChanges(t, "a", doc)
		last := [2]int{}
		for _, pos := range boundaries(doc) {
			for i, side := range []int{-1, 1} {
				to := a.MapPos(pos, side)
				if to < last[i] || to > a.NewLength() || !NewText(applied(t, doc, a)).Boundary(to) {
					t.Fatalf("%v: %d goes to %d", a.Wire(), pos, to)
				}
				last[i] = to
			}
			if before, after := a.MapPos(pos, -1), a.MapPos(pos, 1); before > after {
				t.Fatalf("%v: %d goes to %d and %d", a.Wire(), pos, before, after)
			}
		}
		at := 0
		for _, s := range a.sections {
			if s.ins == kept {
				for pos := at; pos < at+s.n; pos++ {
					if back := a.UnmapPos(a.MapPos(pos, 1)); back != pos {
						t.Fatalf("%v: %d comes back as %d", a.Wire(), pos, back)
					}
				}
			}
			at += s.n
		}
	})
}

func TestChangeSetOnWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawString(t, "doc", 20)
		a := drawChanges(t, "a", doc)
		again, err := Parse(a.Wire())
		if err != nil || !again.Equal(a) {
			t.Fatalf("%v: %v, %v", a.Wire(), again.Wire(), err)
		}
	})
}

func TestHostileChangeSets(t *testing.T) {
	for _, parts := range [][]any{
		{-1}, {1.5}, {"a"}, {[]any{}}, {[]any{"a"}}, {[]any{1, 2}}, {[]any{1, "\xed\xa0\x80"}}, {nil}, {MaxLength + 1},
		{MaxLength, MaxLength, MaxLength}, {[]any{-1, "a"}},
	} {
		if c, err := Parse(parts); err == nil {
			t.Errorf("%v: %v", parts, c)
		}
	}
}

func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawString(t, "doc", 20)
		a := drawChanges(t, "a", doc)
		limit := rapid.IntRange(4, 30).Draw(t, "limit")
		got := doc
		for _, part := range Split(a, limit) {
			if part.size() > limit {
				t.Fatalf("%d bytes in %v, limit %d", part.size(), part.Wire(), limit)
			}
			got = applied(t, got, part)
		}
		if want := applied(t, doc, a); got != want {
			t.Fatalf("%v in parts of %d: %q, want %q", a.Wire(), limit, got, want)
		}
	})
}

func TestDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawString(t, "a", 30), drawString(t, "b", 30)
		if rapid.Bool().Draw(t, "near") {
			b = applied(t, a, drawChanges(t, "changes", a))
		}
		c := Diff(a, b)
		if got := applied(t, a, c); got != b {
			t.Fatalf("%q to %q: %v makes %q", a, b, c.Wire(), got)
		}
	})
}

func TestDiffOfSharedLines(t *testing.T) {
	c := Diff("one\ntwo\nthree\nfour\n", "one!\ntwo\nthree\nand four\n")
	count := 0
	for change := range c.Changes() {
		count++
		if change.Insert != "!" && change.Insert != "and " || change.From != change.To {
			t.Errorf("%+v", change)
		}
	}
	if count != 2 {
		t.Errorf("%v", c.Wire())
	}
}

// TestLargeDiff compares texts of equally many lines that have almost none in common: line
// by line, the change set would be many times as large as the texts.
func TestLargeDiff(t *testing.T) {
	var a, b strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&a, "%x\n", i%97)
		fmt.Fprintf(&b, "%x\n", (7+2*i)%97)
	}
	c := Diff(a.String(), b.String())
	if got := applied(t, a.String(), c); got != b.String() {
		t.Error("it makes another text")
	}
	if n := len(c.Wire()); n > 4*maxDiff {
		t.Errorf("%d sections", n)
	}
}

// TestTextAsString compares a Text with the same text in UTF-16.
func TestTextAsString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := strings.Repeat(drawString(t, "doc", 10), rapid.IntRange(0, 200).Draw(t, "times"))
		text := NewText(model)
		for range rapid.IntRange(0, 8).Draw(t, "edits") {
			c := drawChanges(t, "edit", model)
			units := utf16.Encode([]rune(model))
			var want []uint16
			pos := 0
			for change := range c.Changes() {
				want = append(append(want, units[pos:change.From]...), utf16.Encode([]rune(change.Insert))...)
				pos = change.To
			}
			model = string(utf16.Decode(append(want, units[pos:]...)))
			other := text.Clone()
			if err := text.Apply(c); err != nil {
				t.Fatal(err)
			}
			if other.Len() != len(units) || other.String() != string(utf16.Decode(units)) {
				t.Fatal("the clone has changed")
			}
			compareText(t, text, model)
		}
	})
}

func compareText(t *rapid.T, text *Text, model string) {
	units := utf16.Encode([]rune(model))
	lines := strings.Split(model, "\n")
	if text.String() != model || text.Len() != len(units) || text.Size() != len(model) || text.Lines() != len(lines) {
		t.Fatalf("got %q, want %q", text, model)
	}
	at := boundaries(model)
	a := rapid.SampledFrom(at).Draw(t, "from")
	b := rapid.SampledFrom(at).Draw(t, "to")
	if a <= b && text.Slice(a, b) != string(utf16.Decode(units[a:b])) {
		t.Fatalf("slice %d to %d: %q", a, b, text.Slice(a, b))
	}
	before := string(utf16.Decode(units[:a]))
	line := strings.Count(before, "\n")
	if got := text.LineAt(a); got != line {
		t.Fatalf("%d is in line %d, got %d", a, line, got)
	}
	from, to := text.Line(line)
	if text.Slice(from, to) != lines[line] || a < from || a > to {
		t.Fatalf("line %d from %d to %d: %q, want %q", line, from, to, text.Slice(from, to), lines[line])
	}
}

func TestPositionsInsideCharacters(t *testing.T) {
	text := NewText("a😀b")
	for _, c := range []ChangeSet{Insert(4, 2, "x"), Delete(4, 1, 2), Delete(4, 2, 3)} {
		if err := text.Apply(c); err != ErrSplit || text.String() != "a😀b" {
			t.Errorf("%v: %v, %q", c.Wire(), err, text)
		}
	}
	if _, err := Insert(0, 0, "😀").Compose(Insert(2, 1, "x")); err != ErrSplit {
		t.Errorf("composed: %v", err)
	}
	if err := text.Apply(Delete(4, 1, 3)); err != nil || text.String() != "ab" {
		t.Errorf("%v, %q", err, text)
	}
}
