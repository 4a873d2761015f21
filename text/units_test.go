package text

import (
	"math/rand/v2"
	"testing"
	"time"
	"unicode/utf16"
)

// TestUnitsAsUTF16 compares Units with the standard library at every alignment.
func TestUnitsAsUTF16(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("a\x00\x7f\u0080ü\u07ff\u0800€\ud7ff\ue000\uffff\U00010000🦊\U0010ffff")
	for range 2000 {
		s := make([]rune, r.IntN(40))
		for i := range s {
			s[i] = alphabet[r.IntN(len(alphabet))]
			if r.IntN(3) > 0 {
				s[i] = 'x'
			}
		}
		if got, want := Units(string(s)), len(utf16.Encode(s)); got != want {
			t.Fatalf("%q has %d units, not %d", string(s), got, want)
		}
	}
}

// TestCommitOfPushedText pushes several edits at once.
func TestCommitOfPushedText(t *testing.T) {
	a, log := new(Authority), new(MemoryLog)
	var edits []Edit
	for i := range 3 {
		edits = append(edits, Edit{"ann", i + 1, Insert(i, i, "a")})
	}
	before := a.Text().Clone()
	p, err := a.Push(log, 0, edits, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	if a.Text().String() != "" || before.String() != "" {
		t.Fatal("Push changed the text")
	}
	a.Commit(p)
	log.Add(p.New...)
	if got := a.Text().String(); got != "aaa" || a.Version() != 3 {
		t.Errorf("got %q at version %d", got, a.Version())
	}
}

// TestBetween compares texts of several pieces that have much in common.
func TestBetween(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	some := func(n int) string {
		alphabet := []rune("ab\nüéè©€🦊🦋")
		s := make([]rune, r.IntN(n+1))
		for i := range s {
			s[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(s)
	}
	for range 500 {
		begin, end := some(3000), some(3000)
		a, b := NewText(begin+some(3)+end), new(Text)
		for _, part := range []string{begin, some(3), end} {
			b.Append(part)
		}
		changes := Between(a, b)
		if n := len(changes.Inserted()); n > 3*4 && len(a.String()) > 0 {
			t.Fatalf("%d bytes are inserted for at most three characters", n)
		}
		got := a.Clone()
		if err := got.Apply(changes); err != nil || got.String() != b.String() {
			t.Fatalf("Between makes another text: %v", err)
		}
	}
	if c := Between(new(Text), NewText("new")); c.Inserted() != "new" {
		t.Errorf("the empty text becomes %q", c.Inserted())
	}
}
