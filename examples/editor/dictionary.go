//go:build !js

package editor

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/lumenize/lmz/text"
)

// englishWords is SCOWL's English words (dictionary/LICENSE), gzipped: sorted, one a line,
// each a letter that says how many bytes it shares with the one before ('A' none), the
// rest, and a digit that says how rare it is. dictionary/make.go makes it.
//
//go:embed dictionary/english.gz
var englishWords []byte

// dictionary is the words of a language.
type dictionary struct {
	rarity   map[string]int
	bare     map[string]bool // words that have accents, without them
	byLength [][]string      // by number of characters

	mu    sync.Mutex // guards the following field
	known map[string][]string
}

// english is read when it is first needed.
var english = sync.OnceValue(func() *dictionary {
	r, err := gzip.NewReader(bytes.NewReader(englishWords))
	if err != nil {
		panic(err) // it is a part of the program
	}
	lines, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	d := &dictionary{rarity: make(map[string]int), bare: make(map[string]bool), known: make(map[string][]string)}
	last := ""
	for line := range strings.Lines(string(lines)) {
		line = strings.TrimSuffix(line, "\n")
		word := last[:line[0]-'A'] + line[1:len(line)-1]
		d.rarity[word] = int(line[len(line)-1] - '0')
		if without := withoutAccents(word); without != word {
			d.bare[without] = true
		}
		n := utf8.RuneCountInString(word)
		for len(d.byLength) <= n {
			d.byLength = append(d.byLength, nil)
		}
		d.byLength[n] = append(d.byLength[n], word)
		last = word
	}
	return d
})

// word is a word of a text.
type word struct {
	text string
	from int // units
}

// words returns the words of a text that can be checked: not those with digits or
// capitals inside, of other scripts, or in addresses.
func words(s string) []word {
	var all []word
	pos := 0
	for _, token := range strings.FieldsFunc(s, unicode.IsSpace) {
		at := strings.Index(s, token)
		pos += text.Units(s[:at])
		if !strings.ContainsAny(token, "@/\\_0123456789<>{}") {
			all = append(all, wordsOf(token, pos)...)
		}
		pos += text.Units(token)
		s = s[at+len(token):]
	}
	return all
}

func wordsOf(token string, pos int) []word {
	var all []word
	for token != "" {
		start := strings.IndexFunc(token, unicode.IsLetter)
		if start < 0 {
			break
		}
		end := strings.IndexFunc(token[start:], func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) && r != '\'' && r != '’'
		})
		if end < 0 {
			end = len(token) - start
		}
		w := strings.TrimRight(token[start:start+end], "'’")
		if checkable(w) {
			all = append(all, word{w, pos + text.Units(token[:start])})
		}
		pos += text.Units(token[:start+end])
		token = token[start+end:]
	}
	return all
}

// checkable reports whether a word is one of natural English, apart from its spelling.
func checkable(w string) bool {
	n, upper := 0, 0
	for _, r := range w {
		if r > unicode.MaxLatin1 && r != '’' {
			return false
		}
		if unicode.IsUpper(r) {
			upper++
		}
		n++
	}
	first, _ := utf8.DecodeRuneInString(w)
	return n > 1 && n < 30 && (upper == 0 || upper == 1 && unicode.IsUpper(first))
}

// accented are the letters with accents that words of the dictionary have, and those without.
var accented = map[rune]rune{
	'à': 'a', 'á': 'a', 'â': 'a', 'ã': 'a', 'ä': 'a', 'å': 'a', 'ç': 'c', 'è': 'e', 'é': 'e', 'ê': 'e', 'ë': 'e', 'ì': 'i', 'í': 'i', 'î': 'i', 'ï': 'i',
	'ñ': 'n', 'ò': 'o', 'ó': 'o', 'ô': 'o', 'õ': 'o', 'ö': 'o', 'ø': 'o', 'ù': 'u', 'ú': 'u', 'û': 'u', 'ü': 'u', 'ý': 'y', 'ÿ': 'y',
}

// bare returns a letter without its accent.
func bare(r rune) rune {
	switch {
	case r < unicode.MaxASCII:
		return r
	case unicode.IsUpper(r):
		return unicode.ToUpper(bare(unicode.ToLower(r)))
	}
	if without, ok := accented[r]; ok {
		return without
	}
	return r
}

func withoutAccents(w string) string { return strings.Map(bare, w) }

// knows reports whether a word is spelled right: as the dictionary has it, without the
// accents that it has there, or with accents that it can do without ("naïve").
func (d *dictionary) knows(w string) bool {
	w = strings.ReplaceAll(w, "’", "'")
	for _, form := range []string{w, strings.TrimSuffix(w, "'s")} {
		if d.has(form) || d.has(strings.ToLower(form)) {
			return true
		}
	}
	return false
}

func (d *dictionary) has(w string) bool {
	if _, ok := d.rarity[w]; ok || d.bare[w] {
		return true
	}
	_, ok := d.rarity[withoutAccents(w)]
	return ok
}

// Limits of suggestions.
const (
	maxSuggestions = 5
	maxDistance    = 2
	maxKnown       = 10_000 // remembered
)

// suggest returns what may have been meant, best first, with a capital if w has one.
func (d *dictionary) suggest(w string) []string {
	lower := strings.ToLower(strings.ReplaceAll(w, "’", "'"))
	d.mu.Lock()
	found, ok := d.known[lower]
	d.mu.Unlock()
	if !ok {
		found = d.search(lower)
		d.mu.Lock()
		if len(d.known) >= maxKnown {
			clear(d.known)
		}
		d.known[lower] = found
		d.mu.Unlock()
	}
	suggestions := append([]string{}, found...)
	if first, _ := utf8.DecodeRuneInString(w); unicode.IsUpper(first) {
		for i, s := range suggestions {
			r, n := utf8.DecodeRuneInString(s)
			suggestions[i] = string(unicode.ToUpper(r)) + s[n:]
		}
	}
	return suggestions
}

// search looks through the words of about the same length.
func (d *dictionary) search(lower string) []string {
	type candidate struct {
		word string
		cost int
	}
	var all []candidate
	w := []rune(lower)
	for n := max(1, len(w)-maxDistance); n <= len(w)+maxDistance && n < len(d.byLength); n++ {
		for _, other := range d.byLength[n] {
			if cost, near := distance(w, []rune(strings.ToLower(other))); near {
				cost = 10*cost + 4*d.rarity[other]
				if r, _ := utf8.DecodeRuneInString(other); unicode.ToLower(r) != w[0] {
					cost += 15 // the first letter is rarely wrong
				}
				all = append(all, candidate{other, cost})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return a.cost - b.cost })
	var found []string
	if right, ok := corrections[lower]; ok {
		found = append(found, right)
	}
	for _, c := range all {
		if len(found) == maxSuggestions {
			break
		}
		if !slices.Contains(found, c.word) {
			found = append(found, c.word)
		}
	}
	return found
}

// distance returns how many letters are inserted, deleted, replaced or exchanged with
// the next one between a and b, if it is at most maxDistance. It counts an exchange, a
// doubled letter and a key beside the right one 2, an accent 1, any other 3.
func distance(a, b []rune) (cost int, near bool) {
	const limit = 3 * maxDistance
	var rows [3][40]int
	if len(a) >= len(rows[0]) || len(b) >= len(rows[0]) {
		return 0, false
	}
	for j := range len(b) + 1 {
		rows[0][j] = 3 * j
	}
	before, last, now := &rows[2], &rows[0], &rows[1]
	for i := 1; i <= len(a); i++ {
		now[0] = 3 * i
		least := now[0]
		for j := 1; j <= len(b); j++ {
			now[j] = min(last[j]+single(a, i-1), now[j-1]+single(b, j-1), last[j-1]+replaced(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+2)
			}
			least = min(least, now[j])
		}
		if least > limit {
			return 0, false
		}
		before, last, now = last, now, before
	}
	return last[len(b)], last[len(b)] <= limit
}

// single is what one letter too many or too few costs.
func single(w []rune, i int) int {
	if i > 0 && w[i] == w[i-1] {
		return 2
	}
	return 3
}

// keyboard is the rows of keys, to find out which are beside each other.
var keyboard = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm"}

func replaced(a, b rune) int {
	switch {
	case a == b:
		return 0
	case bare(a) == bare(b):
		return 1
	}
	for _, row := range keyboard {
		i, j := strings.IndexRune(row, a), strings.IndexRune(row, b)
		if i >= 0 && j >= 0 && (i-j == 1 || j-i == 1) {
			return 2
		}
	}
	return 3
}
