package tui

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

// pieces are what the property test types: letters, line breaks, wide characters, and
// characters of several code points.
var pieces = []string{
	"a", "word", " ", "  ", "\n", "\t", "teh", "日本", "é", "e\u0301", "👍", "👨‍👩‍👧‍👦", "🇩🇪", "-", "long-word-without-end", "\x1b", "\u200b",
}

// reference is a text as a slice of characters, which another library finds.
type reference struct {
	characters []string
	cursor     int
}

func (r *reference) text() string   { return strings.Join(r.characters, "") }
func (r *reference) before() string { return strings.Join(r.characters[:r.cursor], "") }

// set puts the cursor at the first character that starts at or after the byte at.
func (r *reference) set(text string, at int) {
	r.characters, r.cursor = nil, 0
	n := 0
	for g := uniseg.NewGraphemes(text); g.Next(); {
		if n < at {
			r.cursor++
		}
		n += len(g.Str())
		r.characters = append(r.characters, g.Str())
	}
}

func (r *reference) insert(s string) {
	after := strings.Join(r.characters[r.cursor:], "")
	r.set(r.before()+s+after, len(r.before())+len(s))
}

func (r *reference) remove(from, to int) {
	at := len(strings.Join(r.characters[:from], ""))
	r.set(strings.Join(slices.Delete(r.characters, from, to), ""), at)
}

func TestTextAreaAsCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newTextArea()
		a.method = rapid.SampledFrom([]ansi.Method{ansi.WcWidth, ansi.GraphemeWidth}).Draw(t, "method")
		var want reference
		edit := func(s string) { a.insert(s); want.insert(s) }
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) { edit(rapid.SampledFrom(pieces).Draw(t, "piece")) },
			"backspace": func(*rapid.T) {
				a.splice(a.previous(), a.cursor, "")
				if want.cursor > 0 {
					want.remove(want.cursor-1, want.cursor)
				}
			},
			"delete": func(*rapid.T) {
				a.splice(a.cursor, a.next(), "")
				if want.cursor < len(want.characters) {
					want.remove(want.cursor, want.cursor+1)
				}
			},
			"left": func(*rapid.T) {
				a.moveTo(a.previous())
				want.cursor = max(want.cursor-1, 0)
			},
			"right": func(*rapid.T) {
				a.moveTo(a.next())
				want.cursor = min(want.cursor+1, len(want.characters))
			},
			"rows": func(t *rapid.T) {
				a.moveRows(rapid.IntRange(-3, 3).Draw(t, "rows"))
				want.set(a.text, a.cursor)
			},
			"wheel": func(t *rapid.T) {
				a.wheel(rapid.IntRange(-4, 4).Draw(t, "rows"))
				want.set(a.text, a.cursor)
			},
			"click": func(t *rapid.T) {
				x, y := rapid.IntRange(-1, 30).Draw(t, "x"), rapid.IntRange(-1, 7).Draw(t, "y")
				a.moveTo(a.placeAt(x, y))
				want.set(a.text, a.cursor)
			},
			"page": func(t *rapid.T) {
				a.movePage(rapid.SampledFrom([]int{-1, 1}).Draw(t, "pages"))
				want.set(a.text, a.cursor)
			},
			"resize": func(t *rapid.T) {
				a.resize(rapid.IntRange(10, 30).Draw(t, "width"), rapid.IntRange(1, 6).Draw(t, "height"))
			},
			"": func(t *rapid.T) { check(t, &a, &want) },
		})
	})
}

func check(t *rapid.T, a *textArea, want *reference) {
	if a.text != want.text() || a.cursor != len(want.before()) {
		t.Fatalf("text %q, cursor at %d; want %q, %d", a.text, a.cursor, want.text(), len(want.before()))
	}
	x, y := a.cursorXY()
	if x < 0 || x >= a.width || y < 0 || y >= a.height {
		t.Fatalf("cursor %d,%d is outside of %dx%d in %q", x, y, a.width, a.height, a.text)
	}
	lines := a.render(nil, func(_ look, s string) string { return s })
	if len(lines) > a.height || len(lines) <= y {
		t.Fatalf("%d rows for a height of %d, cursor in %d", len(lines), a.height, y)
	}
	for _, l := range lines {
		if a.method.StringWidth(l) > a.width || strings.ContainsAny(l, "\n\t\x1b") {
			t.Fatalf("row %q does not fit in %d", l, a.width)
		}
	}
	var rows strings.Builder
	a.rowsDown(0, len(a.text)+1, func(r row) bool {
		rows.WriteString(a.text[r.start:r.end])
		return true
	})
	if got, want := rows.String(), strings.ReplaceAll(a.text, "\n", ""); got != want {
		t.Fatalf("the rows have %q, want %q", got, want)
	}
}

func rowsOf(text string, width int) []string {
	var got []string
	for _, r := range wrap(text, 0, len(text), width, ansi.WcWidth) {
		got = append(got, text[r.start:r.end])
	}
	return got
}

func TestWrap(t *testing.T) {
	for text, want := range map[string][]string{
		"":                 {""},
		"nine char":        {"nine char"},
		"hello big world":  {"hello big ", "world"},
		"hello world":      {"hello ", "world"},
		"ninechars!":       {"ninechars", "!"},
		"a ninechars":      {"a ", "ninechars"},
		"日本語日本語":           {"日本語日", "本語"},
		"ninechars x":      {"ninechars ", "x"},
		"ninechars ":       {"ninechars ", ""},
		"tab\tbed\tby\tme": {"tab\tbed\t", "by\tme"},
	} {
		if got := rowsOf(text, 10); !slices.Equal(got, want) {
			t.Errorf("%q: rows %q, want %q", text, got, want)
		}
	}
}

func TestWordSteps(t *testing.T) {
	a := newTextArea()
	a.insert("don't (stop) 日本 now")
	var stops []int
	for a.moveTo(0); a.cursor < len(a.text); a.moveTo(a.nextWord()) {
		stops = append(stops, a.cursor)
	}
	if want := []int{0, 5, 11, 19}; !slices.Equal(stops, want) {
		t.Errorf("forward: %v, want %v", stops, want)
	}
	stops = nil
	for a.cursor > 0 {
		a.moveTo(a.previousWord())
		stops = append(stops, a.cursor)
	}
	if want := []int{20, 13, 7, 0}; !slices.Equal(stops, want) {
		t.Errorf("back: %v, want %v", stops, want)
	}
}

func TestCarriageReturn(t *testing.T) {
	a := newTextArea()
	a.insert("one\r\ntwo")
	a.moveTo(3)
	if a.next() != 5 {
		t.Errorf("next is %d", a.next())
	}
	a.moveTo(5)
	a.splice(a.previous(), a.cursor, "")
	if a.text != "onetwo" {
		t.Errorf("text %q", a.text)
	}
}
