package cbordoc

import (
	"encoding/binary"
	"math"
	"reflect"
)

// The tags of typed arrays, little endian (RFC 8746, section 2).
const (
	TagUint16  = 69
	TagUint32  = 70
	TagUint64  = 71
	TagInt8    = 72
	TagInt16   = 77
	TagInt32   = 78
	TagInt64   = 79
	TagFloat32 = 85
	TagFloat64 = 86
)

// A TypedArray is a typed array in a document. Its elements are read one by one.
type TypedArray struct {
	Kind  reflect.Kind // of the elements
	Size  int          // of an element, in bytes
	big   bool         // big endian
	Bytes []byte       // of the document, read-only
}

// typedArrayOf interprets a tag of RFC 8746. Go has no half or quadruple precision floats.
func typedArrayOf(tag uint64, data []byte) (TypedArray, error) {
	isFloat, isSigned, isLittle, width := tag>>4&1 == 1, tag>>3&1 == 1, tag>>2&1 == 1, tag&3
	a := TypedArray{Size: 1 << width, big: !isLittle, Bytes: data}
	switch {
	case isFloat && width == 1:
		a.Kind, a.Size = reflect.Float32, 4
	case isFloat && width == 2:
		a.Kind, a.Size = reflect.Float64, 8
	case isFloat, tag == 76:
		return a, &Error{What: "typed arrays of this kind cannot be read"}
	case isSigned:
		a.Kind = [...]reflect.Kind{reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64}[width]
	default:
		a.Kind = [...]reflect.Kind{reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64}[width]
	}
	if len(data)%a.Size != 0 {
		return a, &Error{What: "the bytes of a typed array end within an element"}
	}
	return a, nil
}

// Len returns the number of elements.
func (a TypedArray) Len() int { return len(a.Bytes) / a.Size }

// Bits returns the bits of element i.
func (a TypedArray) Bits(i int) uint64 {
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

// Number returns element i.
func (a TypedArray) Number(i int) Number {
	bits := a.Bits(i)
	switch a.Kind {
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
