package value

import (
	"math"
	"reflect"

	"github.com/lumenize/lmz/internal/cbordoc"
)

// sliceType returns the Go type of a typed array whose target type is not given.
func sliceType(a cbordoc.TypedArray) reflect.Type {
	switch a.Kind {
	case reflect.Int8:
		return reflect.TypeFor[[]int8]()
	case reflect.Int16:
		return reflect.TypeFor[[]int16]()
	case reflect.Uint16:
		return reflect.TypeFor[[]uint16]()
	case reflect.Int32:
		return reflect.TypeFor[[]int32]()
	case reflect.Uint32:
		return reflect.TypeFor[[]uint32]()
	case reflect.Int64:
		return reflect.TypeFor[[]int64]()
	case reflect.Uint64:
		return reflect.TypeFor[[]uint64]()
	case reflect.Float32:
		return reflect.TypeFor[[]float32]()
	case reflect.Float64:
		return reflect.TypeFor[[]float64]()
	}
	return reflect.TypeFor[[]byte]()
}

// fill stores the elements in v, a slice or an array of the same length. The two types that carry
// most data have a fast path.
func fill(a cbordoc.TypedArray, v reflect.Value) error {
	if a.Kind == reflect.Uint8 && v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		copy(v.Bytes(), a.Bytes)
		return nil
	}
	if v.Kind() == reflect.Slice && a.Kind == reflect.Float64 && v.Type() == reflect.TypeFor[[]float64]() {
		for i, s := 0, v.Interface().([]float64); i < len(s); i++ {
			s[i] = math.Float64frombits(a.Bits(i))
		}
		return nil
	}
	for i := range a.Len() {
		if err := storeNumber(a.Number(i), v.Index(i)); err != nil {
			return cbordoc.At(err, cbordoc.Index(i))
		}
	}
	return nil
}
