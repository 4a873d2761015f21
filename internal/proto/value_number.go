package proto

import (
	"math"
	"math/big"
	"reflect"
	"strconv"
)

// number is a number of a document before it is known which Go type it becomes.
// JavaScript has one type for integers and floats, so each fits the other where
// nothing is lost.
type number struct {
	isFloat   bool
	negative  bool   // the integer is -1 - magnitude
	magnitude uint64 //
	float     float64
	big       *big.Int // instead, if it came as a big integer
}

func integer(i int64) number {
	if i < 0 {
		return number{negative: true, magnitude: uint64(^i)}
	}
	return number{magnitude: uint64(i)}
}

// dynamic returns the number as the Go type that it has when nobody asks for
// another.
func (n number) dynamic() any {
	switch {
	case n.big != nil:
		return n.big
	case n.isFloat:
		return n.float
	case n.magnitude <= math.MaxInt64:
		return n.int64()
	case n.negative:
		return n.bigInt()
	}
	return n.magnitude
}

// int64 returns an integer whose magnitude fits.
func (n number) int64() int64 {
	if n.negative {
		return ^int64(n.magnitude)
	}
	return int64(n.magnitude)
}

// bigInt returns an integer of any size; of a float only if it has no fraction.
func (n number) bigInt() *big.Int {
	switch {
	case n.big != nil:
		return n.big
	case n.isFloat:
		if n.float != math.Trunc(n.float) || math.IsInf(n.float, 0) {
			return nil
		}
		i, _ := big.NewFloat(n.float).Int(nil)
		return i
	}
	i := new(big.Int).SetUint64(n.magnitude)
	if n.negative {
		i.Not(i)
	}
	return i
}

// whole returns n as an integer that fits in 64 bits, with or without a sign.
func (n number) whole() (number, bool) {
	switch {
	case n.big != nil:
		if n.big.IsInt64() {
			return integer(n.big.Int64()), true
		}
		return number{magnitude: n.big.Uint64()}, n.big.IsUint64()
	case !n.isFloat:
		return n, true
	case n.float != math.Trunc(n.float) || n.float < math.MinInt64 || n.float >= 1<<64:
		return n, false
	case n.float < 0:
		return integer(int64(n.float)), true
	}
	return number{magnitude: uint64(n.float)}, true
}

// store puts the number into v, whose kind is that of a number, if it fits.
func (n number) store(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if w, ok := n.whole(); ok && w.magnitude <= math.MaxInt64 && !v.OverflowInt(w.int64()) {
			v.SetInt(w.int64())
			return nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if w, ok := n.whole(); ok && !w.negative && !v.OverflowUint(w.magnitude) {
			v.SetUint(w.magnitude)
			return nil
		}
	case reflect.Float32, reflect.Float64:
		f, ok := n.asFloat()
		if ok && !n.isFloat && v.Kind() == reflect.Float32 {
			ok = float64(float32(f)) == f // an integer keeps its digits; a fraction is rounded, as the type asks
		}
		if ok && !v.OverflowFloat(f) {
			v.SetFloat(f)
			return nil
		}
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf(n.dynamic()))
			return nil
		}
	default:
		return mismatch(v.Type(), "number")
	}
	return &valueError{what: "the number " + n.String() + " does not fit " + v.Type().String()}
}

// asFloat returns n as a float if that keeps it.
func (n number) asFloat() (float64, bool) {
	switch {
	case n.isFloat:
		return n.float, true
	case n.big != nil:
		f, accuracy := new(big.Float).SetInt(n.big).Float64()
		return f, accuracy == big.Exact
	}
	f := float64(n.magnitude)
	if n.negative {
		f = -1 - f
	}
	w, ok := number{isFloat: true, float: f}.whole()
	return f, ok && w == n
}

// String is for messages.
func (n number) String() string {
	switch {
	case n.isFloat:
		return strconv.FormatFloat(n.float, 'g', -1, 64)
	case n.big != nil && n.big.BitLen() > 128:
		return "of " + strconv.Itoa(n.big.BitLen()) + " bits"
	}
	return n.bigInt().String()
}
