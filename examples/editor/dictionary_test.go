package editor

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDictionary(t *testing.T) {
	d := english()
	for _, right := range []string{
		"the", "The", "house's", "don't", "don’t", "colour", "color", "naïve", "London", "walked", "children", "I'm",
		"café", "Café", "cafés", "café's", "cliché", "fiancée", "entrées", "éclair", "Éclair", "séance", "soupçon", "voilà", "château",
		"jalapeño", "doppelgänger", "smörgåsbord", "crêpe", "Düsseldorf", "Gödel's",
		"cafe", "cafes", "cliche", "fiancee", "jalapeno", "seance", "smorgasbord", // English does without the accents
	} {
		if !d.knows(right) {
			t.Errorf("%q is not known", right)
		}
	}
	for wrong, want := range map[string]string{
		"teh": "the", "Teh": "The", "recieve": "receive", "wrold": "world", "helo": "hello", "definately": "definitely",
		"caffé": "café", "jalapenio": "jalapeño", "càfe": "café", "éclaire": "éclair",
		"alot": "a lot", "hosue": "house", "becuase": "because", "tomorow": "tomorrow", "wich": "which", "keybaord": "keyboard",
	} {
		if d.knows(wrong) {
			t.Errorf("%q is known", wrong)
		}
		if got := d.suggest(wrong); !slices.Contains(got[:min(3, len(got))], want) {
			t.Errorf("%q: %q, want %q among the first", wrong, got, want)
		}
	}
}

func TestForeignWords(t *testing.T) {
	var got []string
	at := 0
	for _, w := range words("A 😀word, don't! x@example.com https://wrog.example camelCase NATO v2 snake_case漢字 end's.") {
		got = append(got, w.text)
		at = w.from
	}
	if diff := cmp.Diff([]string{"word", "don't", "end's"}, got); diff != "" {
		t.Error(diff)
	}
	if at != 83 {
		t.Errorf("the last word is at %d", at)
	}
}
