package session

import (
	"cmp"
	"maps"
	"slices"
)

// sortedKeys makes what is done for every entry of a map happen in one order, so
// that a schedule can be replayed.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
