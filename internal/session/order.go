package session

import (
	"cmp"
	"maps"
	"slices"
)

// sortedKeys returns the keys of m in a fixed order, so that a schedule can be replayed.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
