package text

import (
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// alphabet has the hard cases: characters of one to four bytes, of two units, combining
// ones, line breaks of both kinds, a family emoji.
var alphabet = []string{
	"a", "b", " ", "\n", "\r\n", "\r", "é", "e\u0301", "ß", "漢", "\u200d", "😀", "👨‍👩‍👧‍👦", "🇩🇪", "\U0010FFFF", "\uFFFD", "word ", "a longer piece of text",
}

func drawString(t *rapid.T, label string, most int) string {
	s := ""
	for _, part := range rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, most).Draw(t, label) {
		s += part
	}
	return s
}

// boundaries returns the positions of s that are not inside a character.
func boundaries(s string) []int {
	all, pos := []int{0}, 0
	for _, r := range s {
		pos += Units(string(r))
		all = append(all, pos)
	}
	return all
}

// drawChanges draws a change set for a text.
func drawChanges(t *rapid.T, label, doc string) ChangeSet {
	at := boundaries(doc)
	var changes []Change
	i := 0
	for n := rapid.IntRange(0, 4).Draw(t, label+" changes"); n > 0 && i < len(at); n-- {
		i += rapid.IntRange(0, (len(at)-1-i)/2).Draw(t, "gap")
		from := at[i]
		i += rapid.IntRange(0, min(6, len(at)-1-i)).Draw(t, "deleted")
		changes = append(changes, Change{from, at[i], drawString(t, "insert", 3)})
	}
	return must(New(Units(doc), changes...))
}

func applied(t rapid.TB, doc string, c ChangeSet) string {
	t.Helper()
	text := NewText(doc)
	if err := text.Apply(c); err != nil {
		t.Fatalf("apply %v to %q: %v", c.Wire(), doc, err)
	}
	return text.String()
}
