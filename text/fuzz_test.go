package text

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzParse parses untrusted change sets: a valid one survives a round trip, and can be
// applied, inverted, and mapped over another.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`[]`, `[3]`, `[1,[2,"a","b"],3]`, `[[0,"😀"],1,[1]]`, `[[1],[0,"x"],[1]]`, `[-1]`, `[[0,""]]`, `[1e9]`, `["a"]`, `[[]]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var parts []any
		if json.Unmarshal([]byte(s), &parts) != nil {
			return
		}
		c, err := Parse(parts)
		if err != nil || c.Length() > 1000 {
			return
		}
		again, err := Parse(c.Wire())
		if err != nil || !again.Equal(c) {
			t.Fatalf("%v is read back as %v, %v", c.Wire(), again.Wire(), err)
		}
		before := strings.Repeat("a", c.Length())
		doc := NewText(before)
		back := c.Invert(doc)
		if err := doc.Apply(c); err != nil || doc.Len() != c.NewLength() {
			t.Fatalf("%v makes a text of %d units, not %d: %v", c.Wire(), doc.Len(), c.NewLength(), err)
		}
		moved, err := Insert(len(before), 0, "b").Map(c, true)
		if err != nil || moved.Length() != doc.Len() || moved.NewLength() != doc.Len()+1 {
			t.Fatalf("an insertion is moved over %v to %v, %v", c.Wire(), moved.Wire(), err)
		}
		if err := doc.Apply(back); err != nil || doc.String() != before {
			t.Fatalf("%v is not taken back by %v: %q, %v", c.Wire(), back.Wire(), doc, err)
		}
	})
}
