//go:build !js

package editor

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of suggestions.
const (
	maxSuggestions = 5
	maxDistance    = 2
	maxKnown       = 10_000 // remembered
)

// suggest returns corrections of w, best first, capitalized like w.
func (d *dictionary) suggest(w string) []string {
	lower := strings.ToLower(strings.ReplaceAll(w, "’", "'"))
	d.mu.Lock()
	found, ok := d.known[lower]
	d.mu.Unlock()
	if !ok {
		found, _ = d.search(lower)
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

// search finds the words nearest to a lower-case one. compared is the number of words that
// it compared, at most maxCompared.
func (d *dictionary) search(lower string) (found []string, compared int) {
	near := d.near().of(lower)
	return d.suggestions(lower, near), len(near)
}

// suggestions returns the words of from nearest to a lower-case one, best first.
func (d *dictionary) suggestions(lower string, from []string) (found []string) {
	type candidate struct {
		word string
		cost int
	}
	var all []candidate
	w := []rune(lower)
	var buffer [40]rune
	for _, other := range from {
		cost, ok := distance(w, appendLower(buffer[:0], other))
		if !ok {
			continue
		}
		cost = 10*cost + 4*d.rarity[other]
		if r, _ := utf8.DecodeRuneInString(other); unicode.ToLower(r) != w[0] {
			cost += 15 // the first letter is rarely wrong
		}
		all = append(all, candidate{other, cost})
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(a.cost-b.cost, utf8.RuneCountInString(a.word)-utf8.RuneCountInString(b.word), strings.Compare(a.word, b.word))
	})
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

func appendLower(to []rune, s string) []rune {
	for _, r := range s {
		to = append(to, unicode.ToLower(r))
	}
	return to
}

// distance returns the cost of turning a into b by inserting, deleting, replacing and
// swapping letters, if there are at most maxDistance of these. A swap, a doubled letter and
// a neighboring key cost 2, an accent 1, anything else 3.
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

// single is the cost of a letter too many or too few.
func single(w []rune, i int) int {
	if i > 0 && w[i] == w[i-1] {
		return 2
	}
	return 3
}

// keyboard holds the rows of keys, to find neighbors.
var keyboard = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm"}

// beside has, for each key from a to z, a bit for each neighbor.
var beside = func() (all ['z' + 1]uint32) {
	for _, row := range keyboard {
		for i := range row[1:] {
			left, right := row[i], row[i+1]
			all[left] |= 1 << (right - 'a')
			all[right] |= 1 << (left - 'a')
		}
	}
	return all
}()

func replaced(a, b rune) int {
	switch {
	case a == b:
		return 0
	case bare(a) == bare(b):
		return 1
	}
	if 'a' <= a && a <= 'z' && 'a' <= b && b <= 'z' && beside[a]>>(b-'a')&1 == 1 {
		return 2
	}
	return 3
}
