// Package valuetest has inputs shared by the tests of several codecs: random values, and
// documents that cost a careless decoder far more than their length suggests.
package valuetest

import (
	"math/big"
	"time"

	"github.com/lumenize/lmz"
	"pgregory.net/rapid"
)

// A Pool draws random values of the types that documents decode to, so that a value is equal
// after encoding and decoding. It sometimes returns a container again, even while that is being
// filled: shared values and cycles.
type Pool struct {
	t          *rapid.T
	containers []any
	left       int
}

// NewPool returns a pool for values of about size parts.
func NewPool(t *rapid.T, size int) *Pool { return &Pool{t: t, left: size} }

// Draw returns a random value of at most about 40 parts.
func Draw(t *rapid.T) any {
	p := NewPool(t, rapid.IntRange(0, 40).Draw(t, "size"))
	return p.Value()
}

// Value draws the next value.
func (p *Pool) Value() any {
	p.left--
	kind := rapid.IntRange(0, 9).Draw(p.t, "kind")
	switch {
	case p.left > 0 && kind >= 6:
		return p.container(kind)
	case kind == 5 && len(p.containers) > 0:
		return rapid.SampledFrom(p.containers).Draw(p.t, "again")
	}
	return drawScalar(p.t)
}

func (p *Pool) container(kind int) any {
	n := rapid.IntRange(1, 4).Draw(p.t, "length")
	switch kind {
	case 6:
		m := make(map[string]any)
		p.containers = append(p.containers, m)
		for range n {
			m[rapid.StringN(0, 5, -1).Draw(p.t, "key")] = p.Value()
		}
		return m
	case 7:
		m := make(lmz.Map, n)
		p.containers = append(p.containers, m)
		for i := range m {
			m[i] = lmz.MapEntry{Key: int64(i), Value: p.Value()}
		}
		return m
	case 8:
		s := make(lmz.Set, n)
		p.containers = append(p.containers, s)
		for i := range s {
			s[i] = []any{int64(i), p.Value()} // no two are the same
		}
		return s
	}
	s := make([]any, n)
	p.containers = append(p.containers, s)
	for i := range s {
		s[i] = p.Value()
	}
	return s
}

func drawScalar(t *rapid.T) any {
	return rapid.OneOf(
		rapid.Just[any](nil),
		rapid.Just[any](lmz.Undefined{}),
		rapid.Bool().AsAny(),
		rapid.Int64().AsAny(),
		rapid.Float64().AsAny(),
		rapid.Map(rapid.Float32(), func(f float32) float64 { return float64(f) }).AsAny(),
		rapid.String().AsAny(),
		rapid.SliceOfN(rapid.Byte(), 0, 10).AsAny(),
		rapid.SliceOfN(rapid.Int16(), 0, 5).AsAny(),
		rapid.SliceOfN(rapid.Float32(), 0, 5).AsAny(),
		rapid.SliceOfN(rapid.Uint64(), 0, 5).AsAny(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 20), func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }).AsAny(),
		rapid.Map(rapid.Int64Range(-1<<36, 1<<36), func(s int64) time.Time { return time.Unix(s, s&0xfffffff).UTC() }).AsAny(),
		rapid.Map(rapid.String(), func(s string) lmz.RegExp { return lmz.RegExp{Source: s, Flags: "g"} }).AsAny(),
		rapid.Map(rapid.String(), func(s string) *lmz.Error { return &lmz.Error{Name: "E", Message: s} }).AsAny(),
	).Draw(t, "scalar")
}
