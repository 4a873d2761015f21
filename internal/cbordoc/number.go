package cbordoc

import (
	"math"
	"math/big"
	"strconv"
)

// A Number is a number in a document before its Go type is known. JavaScript has one type for
// integers and floats, so each converts to the other if nothing is lost.
type Number struct {
	IsFloat   bool
	Negative  bool // the integer is -1 - Magnitude
	Magnitude uint64
	Float     float64
	big       *big.Int // if not nil, used instead of Magnitude
}

func integer(i int64) Number {
	if i < 0 {
		return Number{Negative: true, Magnitude: uint64(^i)}
	}
	return Number{Magnitude: uint64(i)}
}

// Dynamic returns the number as the Go type that an any receives: int64, uint64, *big.Int or
// float64.
func (n Number) Dynamic() any {
	switch {
	case n.big != nil:
		return n.big
	case n.IsFloat:
		return n.Float
	case n.Magnitude <= math.MaxInt64:
		return n.Int64()
	case n.Negative:
		return n.BigInt()
	}
	return n.Magnitude
}

// Int64 returns an integer whose magnitude fits.
func (n Number) Int64() int64 {
	if n.Negative {
		return ^int64(n.Magnitude)
	}
	return int64(n.Magnitude)
}

// BigInt returns an integer of any size, or nil for a float with a fraction.
func (n Number) BigInt() *big.Int {
	switch {
	case n.big != nil:
		return n.big
	case n.IsFloat:
		if n.Float != math.Trunc(n.Float) || math.IsInf(n.Float, 0) {
			return nil
		}
		i, _ := big.NewFloat(n.Float).Int(nil)
		return i
	}
	i := new(big.Int).SetUint64(n.Magnitude)
	if n.Negative {
		i.Not(i)
	}
	return i
}

// Whole returns n as a 64-bit integer, signed or unsigned, and whether it is one.
func (n Number) Whole() (Number, bool) {
	switch {
	case n.big != nil:
		if n.big.IsInt64() {
			return integer(n.big.Int64()), true
		}
		return Number{Magnitude: n.big.Uint64()}, n.big.IsUint64()
	case !n.IsFloat:
		return n, true
	case n.Float != math.Trunc(n.Float) || n.Float < math.MinInt64 || n.Float >= 1<<64:
		return n, false
	case n.Float < 0:
		return integer(int64(n.Float)), true
	}
	return Number{Magnitude: uint64(n.Float)}, true
}

// AsFloat returns n as a float, and whether that is exact.
func (n Number) AsFloat() (float64, bool) {
	switch {
	case n.IsFloat:
		return n.Float, true
	case n.big != nil:
		f, accuracy := new(big.Float).SetInt(n.big).Float64()
		return f, accuracy == big.Exact
	}
	f := float64(n.Magnitude)
	if n.Negative {
		f = -1 - f
	}
	w, ok := Number{IsFloat: true, Float: f}.Whole()
	return f, ok && w == n
}

// String returns the number for an error message.
func (n Number) String() string {
	switch {
	case n.IsFloat:
		return strconv.FormatFloat(n.Float, 'g', -1, 64)
	case n.big != nil && n.big.BitLen() > 128:
		return "of " + strconv.Itoa(n.big.BitLen()) + " bits"
	}
	return n.BigInt().String()
}
