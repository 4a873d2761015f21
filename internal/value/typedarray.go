package value

import (
	"encoding/binary"
	"math"
	"reflect"
)

// The tags of typed arrays, little endian (RFC 8746, section 2).
const (
	TagUint16  = 69
	TagUint32  = 70
	tagUint64  = 71
	TagInt8    = 72
	TagInt16   = 77
	TagInt32   = 78
	tagInt64   = 79
	TagFloat32 = 85
	TagFloat64 = 86
)

// slice encodes a slice: bytes and the other numbers of fixed size packed, all
// else as an array. Named number types, such as a duration, are no typed arrays.
func (e *Encoder) slice(v reflect.Value) error {
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
func (e *Encoder) numbers(v reflect.Value) error {
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
		return e.typedArray(tagInt64, len(s), 8, func(b []byte, i int) { binary.LittleEndian.PutUint64(b, uint64(s[i])) })
	case []uint64:
		return e.typedArray(tagUint64, len(s), 8, func(b []byte, i int) { binary.LittleEndian.PutUint64(b, s[i]) })
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

func (e *Encoder) typedArray(tag uint64, n, size int, put func(b []byte, i int)) error {
	return e.Tagged(tag, func() {
		e.Dst = AppendHead(e.Dst, MajorBytes, uint64(n*size))
		start := len(e.Dst)
		e.Dst = append(e.Dst, make([]byte, n*size)...)
		for i := range n {
			put(e.Dst[start+i*size:], i)
		}
	})
}

// typedArray is a typed array in a document: its elements are read one by one.
type TypedArray struct {
	kind  reflect.Kind // of the elements
	Size  int          // of one, in bytes
	big   bool         // big endian
	Bytes []byte
}

// typedArrayOf makes sense of a tag from RFC 8746. Half and quadruple precision
// floats have no counterpart in Go.
func typedArrayOf(tag uint64, data []byte) (TypedArray, error) {
	isFloat, isSigned, isLittle, width := tag>>4&1 == 1, tag>>3&1 == 1, tag>>2&1 == 1, tag&3
	a := TypedArray{Size: 1 << width, big: !isLittle, Bytes: data}
	switch {
	case isFloat && width == 1:
		a.kind, a.Size = reflect.Float32, 4
	case isFloat && width == 2:
		a.kind, a.Size = reflect.Float64, 8
	case isFloat, tag == 76:
		return a, &Error{What: "typed arrays of this kind cannot be read"}
	case isSigned:
		a.kind = [...]reflect.Kind{reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64}[width]
	default:
		a.kind = [...]reflect.Kind{reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64}[width]
	}
	if len(data)%a.Size != 0 {
		return a, &Error{What: "the bytes of a typed array end within an element"}
	}
	return a, nil
}

func (a TypedArray) Len() int { return len(a.Bytes) / a.Size }

func (a TypedArray) bits(i int) uint64 {
	b := a.Bytes[i*a.Size:]
	if a.big {
		return bigEndian(b, a.Size)
	}
	switch a.Size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// number returns element i.
func (a TypedArray) Number(i int) Number {
	bits := a.bits(i)
	switch a.kind {
	case reflect.Int8:
		return integer(int64(int8(bits)))
	case reflect.Int16:
		return integer(int64(int16(bits)))
	case reflect.Int32:
		return integer(int64(int32(bits)))
	case reflect.Int64:
		return integer(int64(bits))
	case reflect.Float32:
		return Number{IsFloat: true, Float: float64(math.Float32frombits(uint32(bits)))}
	case reflect.Float64:
		return Number{IsFloat: true, Float: math.Float64frombits(bits)}
	}
	return Number{Magnitude: bits}
}

// sliceType is the Go type that a typed array becomes when nobody asks for
// another.
func (a TypedArray) sliceType() reflect.Type {
	switch a.kind {
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
func (a TypedArray) fill(v reflect.Value) error {
	if a.kind == reflect.Uint8 && v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		copy(v.Bytes(), a.Bytes)
		return nil
	}
	if v.Kind() == reflect.Slice && a.kind == reflect.Float64 && v.Type() == reflect.TypeFor[[]float64]() {
		for i, s := 0, v.Interface().([]float64); i < len(s); i++ {
			s[i] = math.Float64frombits(a.bits(i))
		}
		return nil
	}
	for i := range a.Len() {
		if err := a.Number(i).store(v.Index(i)); err != nil {
			return At(err, Index(i))
		}
	}
	return nil
}
