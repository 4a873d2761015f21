package tui

import (
	"image/color"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"pgregory.net/rapid"

	"github.com/lumenize/lmz/text"
)

// Compares with package text: after others' changes, the area shows the resulting text, and
// the cursor is at its mapped position.
func TestRemoteChangesAroundCursor(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", "word ", "\n", "日本", "👍", "e\u0301", "👨‍👩‍👧", "\r\n"})
	rapid.Check(t, func(t *rapid.T) {
		a := newTextArea()
		want := text.NewText("")
		t.Repeat(map[string]func(*rapid.T){
			"type": func(t *rapid.T) {
				s := piece.Draw(t, "piece")
				c, err := a.change(want.Len(), a.cursor, a.cursor, s)
				if err != nil {
					t.Fatal(err)
				}
				if err := want.Apply(c); err != nil {
					t.Fatal(err)
				}
				a.insert(s)
			},
			"left":  func(*rapid.T) { a.moveTo(a.previous()) },
			"start": func(*rapid.T) { a.moveTo(0) },
			"others": func(t *rapid.T) {
				c := drawChanges(t, want, piece)
				side, after := -1, rapid.Bool().Draw(t, "after")
				if after {
					side = 1
				}
				cursor := a.units(a.cursor)
				if err := want.Apply(c); err != nil {
					t.Fatal(err)
				}
				a.apply(c, after)
				if got, exact := a.units(a.cursor), c.MapPos(cursor, side); got != exact && got != a.units(a.snap(a.at(exact))) {
					t.Fatalf("the cursor is at %d, want %d: %v in %q", got, exact, c.Wire(), a.text)
				}
			},
			"": func(t *rapid.T) {
				if a.text != want.String() {
					t.Fatalf("text %q, want %q", a.text, want)
				}
				at := rapid.IntRange(0, len(a.text)).Draw(t, "at")
				for at > 0 && at < len(a.text) && a.text[at]&0xc0 == 0x80 {
					at--
				}
				if got, exact := a.units(at), text.Units(a.text[:at]); got != exact {
					t.Fatalf("%d bytes of %q are %d units, want %d", at, a.text, got, exact)
				}
				if got := a.at(text.Units(a.text[:at])); got != at {
					t.Fatalf("%d units of %q are %d bytes, want %d", text.Units(a.text[:at]), a.text, got, at)
				}
			},
		})
	})
}

// drawChanges draws one or two replacements in order.
func drawChanges(t *rapid.T, of *text.Text, piece *rapid.Generator[string]) text.ChangeSet {
	place := func(from int) int {
		at := rapid.IntRange(from, of.Len()).Draw(t, "place")
		if !of.Boundary(at) {
			at++
		}
		return at
	}
	var changes []text.Change
	from := 0
	for range rapid.IntRange(1, 2).Draw(t, "changes") {
		start := place(from)
		end := place(start)
		changes = append(changes, text.Change{From: start, To: end, Insert: piece.Draw(t, "insert")})
		from = end
	}
	c, err := text.New(of.Len(), changes...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestForeignNamesOnScreen(t *testing.T) {
	for given, want := range map[string]string{
		"ann": "ann", "\x1b[31mann\x07": `\u001b[31mann\u0007`, "\u009b31mann": `\u009b31mann`, "nna\u202egpj.exe": `nna\u202egpj.exe`,
		"\u2066ann\u2069": `\u2066ann\u2069`, "\u200b": "somebody", "👩\u200d🚀": "👩\u200d🚀", "عنا": "عنا",
	} {
		if got := someone(given); got != want {
			t.Errorf("%q is shown as %q, want %q", given, got, want)
		}
	}
}

func TestColorsOnLightBackground(t *testing.T) {
	yellow := func(background color.Color) (n int) {
		m := newModel(Options{Getenv: func(string) string { return "" }})
		m.Update(tea.BackgroundColorMsg{Color: background})
		for i := range 20 {
			if strings.Contains(m.styles.peer(i+1).name.Styled("x"), "33m") {
				n++
			}
		}
		return n
	}
	if yellow(color.Black) == 0 || yellow(color.White) != 0 {
		t.Errorf("%d of 20 on black, %d on white", yellow(color.Black), yellow(color.White))
	}
}
