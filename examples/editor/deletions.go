//go:build !js

package editor

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// deletions finds the dictionary words that are similar to a given one without comparing
// all of them: two words that differ in at most two letters become equal when one or two
// letters are left out of each. It indexes every word under each such remainder, like
// W. Garbe's SymSpell. To stay small it uses only the beginnings of words, without capitals
// and accents.
type deletions struct {
	words  []string // common ones first
	sizes  []uint8  // their lengths in characters
	starts []uint32 // of each bucket, in members; one more at the end
	member []uint32 // indices of words
}

const (
	beginning   = 7    // characters of a word that are used: they fit in a number
	bucketBits  = 19   // so that few words share a bucket by accident
	maxCompared = 3000 // the most words that one search compares: the most common ones
	maxRests    = 1 + beginning + beginning*(beginning-1)/2
)

// newDeletions indexes words by their rarity.
func newDeletions(rarity map[string]int) *deletions {
	d := &deletions{words: slices.Collect(maps.Keys(rarity)), starts: make([]uint32, 1<<bucketBits+1)}
	slices.SortFunc(d.words, func(a, b string) int {
		return cmp.Or(rarity[a]-rarity[b], strings.Compare(a, b))
	})
	d.sizes = make([]uint8, len(d.words))
	var rests [maxRests]uint64
	for i, w := range d.words {
		b, size := plain(w)
		d.sizes[i] = uint8(size)
		for _, rest := range restsOf(b, rests[:0]) {
			d.starts[bucket(rest)+1]++
		}
	}
	for i := range len(d.starts) - 1 {
		d.starts[i+1] += d.starts[i]
	}
	d.member = make([]uint32, d.starts[len(d.starts)-1])
	next := slices.Clone(d.starts)
	for i, w := range d.words {
		b, _ := plain(w)
		for _, rest := range restsOf(b, rests[:0]) {
			at := &next[bucket(rest)]
			d.member[*at] = uint32(i)
			*at++
		}
	}
	return d
}

// of returns the words that may be similar to w, and few others; if there are very many,
// only the most common ones.
func (d *deletions) of(w string) []string {
	var buffer [maxRests]uint64
	b, size := plain(w)
	var all []uint32
	for _, rest := range restsOf(b, buffer[:0]) {
		i := bucket(rest)
		for _, word := range d.member[d.starts[i]:d.starts[i+1]] {
			if more := int(d.sizes[word]) - size; -maxDistance <= more && more <= maxDistance {
				all = append(all, word)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	near := make([]string, 0, min(len(all), maxCompared))
	for _, word := range all[:min(len(all), maxCompared)] {
		near = append(near, d.words[word])
	}
	return near
}

// plain returns the beginning of a word in lower case without accents, one byte for each
// character, and the number of characters of the word.
func plain(w string) (b []byte, size int) {
	b = make([]byte, 0, beginning)
	for _, r := range strings.ToLower(w) {
		if size++; len(b) < beginning {
			b = append(b, byte(bare(r)))
		}
	}
	return b, size
}

// restsOf appends, as numbers, the distinct remainders of b when up to maxDistance of its
// bytes are left out.
func restsOf(b []byte, to []uint64) []uint64 {
	for i := -1; i < len(b); i++ {
		for j := -1; j < max(i, 0); j++ {
			var rest uint64
			for k, c := range b {
				if k != i && k != j {
					rest = rest<<8 | uint64(c)
				}
			}
			if !slices.Contains(to, rest) {
				to = append(to, rest)
			}
		}
	}
	return to
}

// bucket returns the index of a remainder in starts.
func bucket(rest uint64) uint64 { return rest * 0x9E3779B97F4A7C15 >> (64 - bucketBits) }
