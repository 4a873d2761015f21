package proto

import (
	"github.com/lumenize/lmz/internal/cbordoc"
	"slices"
)

// Features is a set of what a side understands beyond the frames of the first version.
// Each side lists its own in its greeting, by name; a numbered frame of a newer kind
// goes only to a side that named its feature, because who does not know a numbered kind
// misses a number and must end the link.
type Features uint64

// The features. A name, once it was given, keeps its meaning for ever.
const (
	FeatureMissed Features = 1 << iota // KindMissed
)

// AllFeatures is what this version understands.
const AllFeatures = FeatureMissed

// featureNames are the names of the features, in the order of their bits.
var featureNames = []string{"missed"}

// Has reports whether f has all of the features in wanted.
func (f Features) Has(wanted Features) bool { return f&wanted == wanted }

func (w *frameWriter) features(f Features) {
	var names []string
	for i, name := range featureNames {
		if f.Has(1 << i) {
			names = append(names, name)
		}
	}
	w.buf = cbordoc.AppendHead(w.buf, cbordoc.MajorArray, uint64(len(names)))
	for _, name := range names {
		w.text(name)
	}
}

// features reads a list of names. Those it does not know are of later versions.
func (r *frameReader) features() (f Features) {
	for n := r.head(cbordoc.MajorArray); n > 0 && r.err == nil; n-- {
		if i := slices.Index(featureNames, string(r.text())); i >= 0 {
			f |= 1 << i
		}
	}
	return f
}
