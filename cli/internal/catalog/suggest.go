package catalog

import (
	"slices"
	"strings"
)

// DidYouMean suggests the one or two names most similar to a word, or returns "".
func DidYouMean(word string, names []string) string {
	var near []string
	for _, name := range names {
		if isNear(squeezed(word), squeezed(name)) {
			near = append(near, name)
		}
	}
	switch slices.SortFunc(near, func(a, b string) int {
		return distance(squeezed(word), squeezed(a)) - distance(squeezed(word), squeezed(b))
	}); len(near) {
	case 0:
		return ""
	case 1:
		return ". Did you mean " + near[0] + "?"
	}
	return ". Did you mean " + near[0] + " or " + near[1] + "?"
}

// squeezed returns a name without what people forget: case and word separators.
func squeezed(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

// isNear reports whether word may be a mistyped name.
func isNear(word, name string) bool {
	if len(word) >= 3 && (strings.HasPrefix(name, word) || strings.HasPrefix(word, name)) {
		return true
	}
	return distance(word, name) <= min(2, len(word)/2)
}

// distance returns the Levenshtein distance of the beginnings of two words.
func distance(a, b string) int {
	const enough = 64
	a, b = a[:min(len(a), enough)], b[:min(len(b), enough)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
