package text

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lumenize/lmz/internal/oracle"
)

type oracleCase struct {
	Doc       string `json:"doc"`
	A         []any  `json:"a"`
	B         []any  `json:"b"`
	C         []any  `json:"c"`
	Positions []int  `json:"positions"`
}

type oracleAnswer struct {
	Applied  string
	Composed json.RawMessage
	Over     [2]json.RawMessage
	Inverse  json.RawMessage
	Mapped   [][2]int
	Again    json.RawMessage
}

// randomChanges is drawChanges without rapid, fast enough for thousands.
func randomChanges(r *rand.Rand, doc string) ChangeSet {
	at := boundaries(doc)
	var changes []Change
	for i, n := 0, r.IntN(6); n > 0 && i < len(at); n-- {
		i += r.IntN((len(at)-i+1)/2 + 1)
		if i >= len(at) {
			break
		}
		from := at[i]
		if r.IntN(3) > 0 {
			i += r.IntN(min(7, len(at)-i))
		}
		insert := ""
		if r.IntN(3) > 0 {
			insert = randomString(r, 3)
		}
		changes = append(changes, Change{from, at[i], insert})
	}
	return must(New(Units(doc), changes...))
}

func randomString(r *rand.Rand, most int) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		b.WriteString(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

func TestChangeSetsAgainstCodeMirror(t *testing.T) {
	const n = 5000
	cases := make([]oracleCase, n)
	for seed := range cases {
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		doc := randomString(r, 1+seed%25)
		a, c := randomChanges(r, doc), randomChanges(r, doc)
		b := randomChanges(r, applied(t, doc, a))
		cases[seed] = oracleCase{doc, a.Wire(), b.Wire(), c.Wire(), boundaries(doc)}
	}
	for seed, answer := range oracle.Ask[oracleAnswer](t, "@codemirror", cases) {
		compareCase(t, seed, cases[seed], answer)
	}
}

func compareCase(t *testing.T, seed int, c oracleCase, answer oracleAnswer) {
	t.Helper()
	a, b, other := must(Parse(c.A)), must(Parse(c.B)), must(Parse(c.C))
	if got := applied(t, c.Doc, a); got != answer.Applied {
		t.Errorf("seed %d: %v makes %q, there %q", seed, c.A, got, answer.Applied)
	}
	same := func(what string, got ChangeSet, want json.RawMessage) {
		t.Helper()
		wire, err := json.Marshal(got.Wire())
		if err != nil {
			t.Fatal(err)
		}
		var parts []any
		if err := json.Unmarshal(want, &parts); err != nil {
			t.Fatal(err)
		}
		wanted, err := json.Marshal(parts)
		if err != nil || !bytes.Equal(wire, wanted) {
			t.Errorf("seed %d: %s %s, there %s (%v)", seed, what, wire, wanted, err)
		}
		if read, err := Parse(parts); err != nil || !read.Equal(got) {
			t.Errorf("seed %d: %s is read as %v, %v", seed, want, read.Wire(), err)
		}
	}
	same("composed", must(a.Compose(b)), answer.Composed)
	same("over", must(other.Map(a, false)), answer.Over[0])
	same("before", must(other.Map(a, true)), answer.Over[1])
	same("inverse", a.Invert(NewText(c.Doc)), answer.Inverse)
	same("again", a, answer.Again)
	for i, pos := range c.Positions {
		if got := [2]int{a.MapPos(pos, -1), a.MapPos(pos, 1)}; got != answer.Mapped[i] {
			t.Errorf("seed %d: %v takes %d to %v, there to %v", seed, c.A, pos, got, answer.Mapped[i])
		}
	}
}
