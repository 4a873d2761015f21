package value

import (
	"encoding/binary"
	"math"
	"reflect"
)

// slice encodes a slice: bytes and the other numbers of fixed size packed, all
// else as an array. Named number types, such as a duration, are no typed arrays.
func (e *encoder) slice(v reflect.Value) error {
	elem := v.Type().Elem()
	if elem.Kind() == reflect.Uint8 && classOf(elem) == byKind {
		e.Dst = AppendBytes(e.Dst, v.Bytes())
		return nil
	}
	if elem.PkgPath() != "" {
		return e.list(v)
	}
	if v.Type().PkgPath() != "" && elem.PkgPath() == "" {
		v = v.Convert(reflect.SliceOf(elem))
	}
	return e.numbers(v)
}

// numbers encodes the slices that are typed arrays.
func (e *encoder) numbers(v reflect.Value) error {
	switch s := v.Interface().(type) {
	case []int8:
		return e.typedArray(TagInt8, len(s), 1, func(b []byte, i int) { b[0] = byte(s[i]) })
	case []int16:
		return e.typedArray(TagInt16, len(s), 2, func(b []byte, i int) { binary.LittleEndian.PutUint16(b, uint16(s[i])) })
	case []uint16:
		return e.typedArray(TagUint16, len(s), 2, func(b []byte, i int) { binary.LittleEndian.PutUint16(b, s[i]) })
	case []int32:
		return e.typedArray(TagInt32, len(s), 4, func(b []byte, i int) { binary.LittleEndian.PutUint32(b, uint32(s[i])) })
	case []uint32:
		return e.typedArray(TagUint32, len(s), 4, func(b []byte, i int) { binary.LittleEndian.PutUint32(b, s[i]) })
	case []int64:
		return e.typedArray(TagInt64, len(s), 8, func(b []byte, i int) { binary.LittleEndian.PutUint64(b, uint64(s[i])) })
	case []uint64:
		return e.typedArray(TagUint64, len(s), 8, func(b []byte, i int) { binary.LittleEndian.PutUint64(b, s[i]) })
	case []float32:
		return e.typedArray(TagFloat32, len(s), 4, func(b []byte, i int) {
			binary.LittleEndian.PutUint32(b, math.Float32bits(s[i]))
		})
	case []float64:
		return e.typedArray(TagFloat64, len(s), 8, func(b []byte, i int) {
			binary.LittleEndian.PutUint64(b, math.Float64bits(s[i]))
		})
	}
	return e.list(v)
}

func (e *encoder) typedArray(tag uint64, n, size int, put func(b []byte, i int)) error {
	return e.Tagged(tag, func() {
		e.Dst = AppendHead(e.Dst, MajorBytes, uint64(n*size))
		start := len(e.Dst)
		e.Dst = append(e.Dst, make([]byte, n*size)...)
		for i := range n {
			put(e.Dst[start+i*size:], i)
		}
	})
}

// sliceType is the Go type that a typed array becomes when nobody asks for
// another.
func sliceType(a TypedArray) reflect.Type {
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

// fill stores the elements in v, a slice or an array of the same length. The two
// types that carry most data take the short way.
func fill(a TypedArray, v reflect.Value) error {
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
			return At(err, Index(i))
		}
	}
	return nil
}
