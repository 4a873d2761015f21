package editor

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// misspelled returns words of the dictionary with one or two wrong letters.
func misspelled(d *dictionary, n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	all := d.near().words
	var wrong []string
	for len(wrong) < n {
		w := []rune(strings.ToLower(all[r.IntN(len(all))]))
		for range 1 + r.IntN(2) {
			i, letter := r.IntN(len(w)), 'a'+rune(r.IntN(26))
			switch r.IntN(4) {
			case 0:
				w[i] = letter
			case 1:
				w = slices.Insert(w, i, letter)
			case 2:
				w = slices.Delete(w, i, i+1)
			default:
				w[i], w[max(0, i-1)] = w[max(0, i-1)], w[i]
			}
			if len(w) == 0 {
				w = []rune{letter}
			}
		}
		if s := string(w); checkable(s) && !d.knows(s) {
			wrong = append(wrong, s)
		}
	}
	return wrong
}

// TestWordsComparedPerMisspelling counts the words that a search compares: some 50,000
// before there was an index, when 220 words in one frame took 10 seconds.
func TestWordsComparedPerMisspelling(t *testing.T) {
	d, sum := english(), 0
	words := misspelled(d, 1000)
	for _, w := range words {
		_, compared := d.search(w)
		if compared > maxCompared {
			t.Errorf("%q was compared with %d words", w, compared)
		}
		sum += compared
	}
	if mean := sum / len(words); mean > 300 {
		t.Errorf("a word was compared with %d on average", mean)
	}
	index := d.near()
	visited := 0 // at most, in all buckets of a word
	for i := range len(index.starts) - 1 {
		visited = max(visited, maxRests*int(index.starts[i+1]-index.starts[i]))
	}
	size := 4 * (len(index.member) + len(index.starts))
	if visited > 15_000 || size > 16<<20 {
		t.Errorf("a search looks at up to %d members, the index has %d bytes", visited, size)
	}
}

func TestIndexAgainstFullSearch(t *testing.T) {
	d := english()
	n := 5
	if os.Getenv("LMZ_SOAK") != "" {
		n = 200
	}
	for _, w := range misspelled(d, n) {
		got, _ := d.search(w)
		want := d.suggestions(w, d.near().words)
		if len(got) < min(3, len(want)) || len(want) > 0 && got[0] != want[0] {
			t.Errorf("%q: %q, a search of all words gives %q", w, got, want)
		}
	}
}

func TestSpellingOfCanceledCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found, err := spellingOf(ctx, Parts{Parts: []Part{{Text: "right wrnog"}}}); !errors.Is(err, context.Canceled) || len(found.Found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
}

func TestCallersOfSpellCheck(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		registerNodes(m)
		mallory := newPerson(t, m, "mallory", client.Options{})
		_, err := CheckParts.Call(t.Context(), mallory.Peer, lmz.Worker(SpellCheckBinding), Parts{Parts: []Part{{Text: "wrnog"}}})
		if lmz.CodeOf(err) != lmz.CodeGuard {
			t.Errorf("a client: %v", err)
		}
	})
}

func TestSpellingOfLongPaste(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, _ := twoPeople(t, m)
		ann.typeAt(t, 0, strings.Repeat("wrnog "+strings.Repeat("right ", 2000)+"\n", 15)) // 180 KB
		ann.until(t, "findings", func() bool { return len(ann.doc.Findings()) == 15 })
	})
	if _, err := new(SpellCheck).checkParts(t.Context(), Parts{Parts: []Part{{Text: strings.Repeat("x", MaxChecked+1)}}}); err == nil {
		t.Error("too much was checked at once")
	}
}

// TestGuardsOfDesk calls a desk from every kind of node.
func TestGuardsOfDesk(t *testing.T) {
	node := func(kind lmz.NodeType, binding, instance string) lmz.Identity {
		return lmz.Identity{Type: kind, Address: lmz.At(binding, instance)}
	}
	me, mallory := node(lmz.TypeClient, lmz.DefaultGateway, "me.tab"), node(lmz.TypeClient, lmz.DefaultGateway, "mallory.tab")
	document, checker := node(lmz.TypeObject, DocumentBinding, "notes"), node(lmz.TypeWorker, SpellCheckBinding, "")
	for _, c := range []struct {
		name                          string
		chain                         []lmz.Identity
		edits, presence, spellingOkay bool
	}{
		{"the document", []lmz.Identity{document}, true, true, false},
		{"the checker, asked", []lmz.Identity{me, document, checker}, false, false, true},
		{"the checker, asked by another", []lmz.Identity{mallory, document, checker}, false, false, false},
		{"the checker, past the document", []lmz.Identity{me, checker}, false, false, false},
		{"the checker alone", []lmz.Identity{checker}, false, false, false},
		{"the document for another", []lmz.Identity{mallory, document}, false, false, false},
		{"another", []lmz.Identity{mallory}, false, false, false},
		{"a client of that binding", []lmz.Identity{node(lmz.TypeClient, DocumentBinding, "notes")}, false, false, false},
		{"another object", []lmz.Identity{node(lmz.TypeObject, "OTHER_DO", "notes")}, false, false, false},
		{"nobody", nil, false, false, false},
	} {
		desk := NewDesk()
		ctx := meshtest.WithCallContext(t.Context(), lmz.CallContext{Self: me, Chain: c.chain})
		for method, want := range map[string]bool{
			string(HandleEdits): c.edits, string(HandlePresence): c.presence, string(HandleSpelling): c.spellingOkay,
		} {
			if v := desk.CheckCall(ctx, &lmz.Request{Method: method}); (v.Err == nil) != want {
				t.Errorf("%s: %s: %+v", c.name, method, v)
			}
		}
	}
}

// relay is an object that edits documents on behalf of its callers.
type relay struct {
	*object.Object
	lmz.Mux
}

func newRelay(o *object.Object) lmz.Handler {
	r := &relay{Object: o}
	lmz.Method1[string, int]("relay").Expose(&r.Mux, lmz.Anyone, func(ctx context.Context, content string) (int, error) {
		return Update.Call(ctx, r, lmz.At(DocumentBinding, "notes"), content)
	})
	return r
}

func TestObjectAsSubscriber(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject("RELAY_DO", object.Kind{New: newRelay})
		ann, bob := twoPeople(t, m)
		relay := lmz.Method1[string, int]("relay")
		if _, err := relay.Call(t.Context(), bob.Peer, lmz.At("RELAY_DO", ann.Identity().Instance), "forged"); lmz.CodeOf(err) != lmz.CodeCallee {
			t.Errorf("%v", err)
		}
		if content, version, err := ReadAll(t.Context(), ann.Peer, "notes"); content != "" || version != 0 || err != nil {
			t.Errorf("the document has %q, %v", content, err)
		}
	})
}
