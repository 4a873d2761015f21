package text

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestBreakChanges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteString([]string{"\r", "\n", "\r\n", "a", "😀"}[random.IntN(5)])
		}
		s := b.String()
		before := NewText(s)
		c := BreakChanges(s)
		if err := before.Apply(c); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if got, want := before.String(), Breaks(s); got != want || strings.Contains(got, "\r") {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
		if c.HasCR() || c.Empty() != !strings.Contains(s, "\r") {
			t.Errorf("%q is changed by %v", s, c.Wire())
		}
	}
	if !Insert(0, 0, "a\r").HasCR() {
		t.Error("an inserted \\r is not found")
	}
}
