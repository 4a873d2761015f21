package proto

import (
	"github.com/lumenize/lmz/internal/cbordoc"
	"slices"
)

// Features is a set of extensions of the first version that a peer understands. Each peer lists
// its own in its greeting, by name. A numbered frame of a newer kind is sent only to peers with
// the feature: others would miss a number and have to end the link.
type Features uint64

// The features. A name never changes its meaning.
const (
	FeatureMissed Features = 1 << iota // KindMissed
)

// AllFeatures are the features of this version.
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

// features reads a list of names. It ignores unknown ones, which later versions may send.
func (r *frameReader) features() (f Features) {
	for n := r.head(cbordoc.MajorArray); n > 0 && r.err == nil; n-- {
		if i := slices.Index(featureNames, string(r.text())); i >= 0 {
			f |= 1 << i
		}
	}
	return f
}
