//go:build !js

package editor

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/lumenize/lmz/text"
)

// englishWords is SCOWL's English words (dictionary/LICENSE), gzipped: sorted, one per line.
// Each is a letter for the number of bytes shared with the previous word ('A': none), the
// rest, and a digit for the rarity. dictionary/make.go generates it.
//
//go:embed dictionary/english.gz
var englishWords []byte

// dictionary holds the words of a language.
type dictionary struct {
	rarity map[string]int
	bare   map[string]bool // accented words, without their accents
	near   func() *deletions

	mu    sync.Mutex // guards the following field
	known map[string][]string
}

// english is read on first use.
var english = sync.OnceValue(func() *dictionary {
	r, err := gzip.NewReader(bytes.NewReader(englishWords))
	if err != nil {
		panic(err) // it is embedded in the program
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
		last = word
	}
	d.near = sync.OnceValue(func() *deletions { return newDeletions(d.rarity) })
	return d
})

// word is a word of a text.
type word struct {
	text string
	from int // units
}

// words returns the words of a text that can be checked: without digits or inner capitals,
// in Latin script, and not within addresses.
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

// checkable reports whether a word looks like natural English, apart from its spelling.
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

// accented maps the accented letters in the dictionary to plain ones.
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

// knows reports whether a word is spelled correctly: as in the dictionary, without its
// accents there, or with optional ones ("naïve").
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
