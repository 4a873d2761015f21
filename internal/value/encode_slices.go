package value

import (
	"encoding/binary"
	"math"
	"reflect"

	"github.com/lumenize/lmz/internal/cbordoc"
)

// slice encodes a slice: fixed-size numbers as a typed array, all others as an array. Named
// number types, such as a duration, are not packed.
func (e *encoder) slice(v reflect.Value) error {
	elem := v.Type().Elem()
	if elem.Kind() == reflect.Uint8 && classOf(elem) == byKind {
		e.Dst = cbordoc.AppendBytes(e.Dst, v.Bytes())
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

// numbers encodes slices as typed arrays.
func (e *encoder) numbers(v reflect.Value) error {
	switch s := v.Interface().(type) {
	case []int8:
		return e.typedArray(cbordoc.TagInt8, len(s), 1, func(b []byte, i int) { b[0] = byte(s[i]) })
	case []int16:
		return e.typedArray(cbordoc.TagInt16, len(s), 2, func(b []byte, i int) { binary.LittleEndian.PutUint16(b, uint16(s[i])) })
	case []uint16:
		return e.typedArray(cbordoc.TagUint16, len(s), 2, func(b []byte, i int) { binary.LittleEndian.PutUint16(b, s[i]) })
	case []int32:
		return e.typedArray(cbordoc.TagInt32, len(s), 4, func(b []byte, i int) { binary.LittleEndian.PutUint32(b, uint32(s[i])) })
	case []uint32:
		return e.typedArray(cbordoc.TagUint32, len(s), 4, func(b []byte, i int) { binary.LittleEndian.PutUint32(b, s[i]) })
	case []int64:
		return e.typedArray(cbordoc.TagInt64, len(s), 8, func(b []byte, i int) { binary.LittleEndian.PutUint64(b, uint64(s[i])) })
	case []uint64:
		return e.typedArray(cbordoc.TagUint64, len(s), 8, func(b []byte, i int) { binary.LittleEndian.PutUint64(b, s[i]) })
	case []float32:
		return e.typedArray(cbordoc.TagFloat32, len(s), 4, func(b []byte, i int) {
			binary.LittleEndian.PutUint32(b, math.Float32bits(s[i]))
		})
	case []float64:
		return e.typedArray(cbordoc.TagFloat64, len(s), 8, func(b []byte, i int) {
			binary.LittleEndian.PutUint64(b, math.Float64bits(s[i]))
		})
	}
	return e.list(v)
}

func (e *encoder) typedArray(tag uint64, n, size int, put func(b []byte, i int)) error {
	return e.Tagged(tag, func() {
		e.Dst = cbordoc.AppendHead(e.Dst, cbordoc.MajorBytes, uint64(n*size))
		start := len(e.Dst)
		e.Dst = append(e.Dst, make([]byte, n*size)...)
		for i := range n {
			put(e.Dst[start+i*size:], i)
		}
	})
}
