// Package cbordoc reads and writes the CBOR documents of the wire, item by item.
//
// A document that a peer sends must be checked before it is used, and must not cost more than its
// length allows: [Scan] does that without building anything, and bounds nesting and the number of
// items. A [Reader] then walks the items of a checked document, and a [Writer] writes one. Both
// preserve the identity of values that occur several times (tags 28 and 29). They know what the
// wire can hold, such as dates, big integers and typed arrays, but no Go types: internal/value
// builds on them for those, and internal/jsonwire for JSON. Frames are read and written with
// heads alone.
package cbordoc

import (
	"encoding/binary"
	"math"
)

// The major types of CBOR (RFC 8949, section 3.1).
const (
	MajorUint   = 0
	MajorNegint = 1
	MajorBytes  = 2
	MajorText   = 3
	MajorArray  = 4
	MajorMap    = 5
	MajorTag    = 6
	MajorSimple = 7
)

// Simple values and floats, by the low five bits of their first byte.
const (
	InfoFalse     = 20
	InfoTrue      = 21
	InfoNull      = 22
	InfoUndefined = 23
	infoFloat16   = 25
	infoFloat32   = 26
	infoFloat64   = 27
)

// The simple values, which are one byte each.
const (
	ByteFalse     = MajorSimple<<5 | InfoFalse
	ByteTrue      = MajorSimple<<5 | InfoTrue
	ByteNull      = MajorSimple<<5 | InfoNull
	ByteUndefined = MajorSimple<<5 | InfoUndefined
)

// The tags that lmz writes or reads (PROTOCOL.md, "Values").
const (
	TagDateText    = 0
	TagDateEpoch   = 1
	TagBigPositive = 2
	TagBigNegative = 3
	TagObject      = 27    // [type name, members]
	TagShared      = 28    // around a value that other places refer to; numbered in order
	TagReference   = 29    // the number of a tag 28
	TagURL         = 32    // text
	TagTypedFirst  = 64    // typed arrays, RFC 8746
	TagClamped     = 68    // among them: Uint8ClampedArray
	TagTypedLast   = 87    //
	TagSet         = 258   // array
	TagMap         = 259   // map with keys of any type, in order
	TagRegExp      = 21066 // [source, flags]
)

// Head is the first part of an item: its type, and a number that is a value, a length, a tag or
// the bits of a float.
type Head struct {
	Major byte
	Info  byte // the low five bits of the first byte
	Arg   uint64
}

// ReadHead reads the head at pos of data from a peer and returns where it ends. It refuses forms
// that this wire does not use: indefinite lengths and reserved forms.
func ReadHead(data []byte, pos int) (h Head, next int, err error) {
	if pos >= len(data) {
		return h, pos, Malformed(pos, "the data ends early")
	}
	first := data[pos]
	h.Major, h.Info = first>>5, first&31
	pos++
	switch {
	case h.Info < 24:
		h.Arg = uint64(h.Info)
		return h, pos, nil
	case h.Info == 31:
		return h, pos, Malformed(pos-1, "indefinite lengths are not accepted")
	case h.Info > 27:
		return h, pos, Malformed(pos-1, "reserved length")
	}
	size := 1 << (h.Info - 24)
	if len(data)-pos < size {
		return h, pos, Malformed(pos, "the data ends early")
	}
	h.Arg = bigEndian(data[pos:], size)
	return h, pos + size, nil
}

func bigEndian(b []byte, size int) uint64 {
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	}
	return binary.BigEndian.Uint64(b)
}

// HeadAt is [ReadHead] for a scanned document, where it cannot fail.
func HeadAt(data []byte, pos int) (Head, int) {
	h, next, _ := ReadHead(data, pos)
	return h, next
}

// AppendHead appends the shortest head of this type and number.
func AppendHead(dst []byte, major byte, arg uint64) []byte {
	major <<= 5
	switch {
	case arg < 24:
		return append(dst, major|byte(arg))
	case arg <= math.MaxUint8:
		return append(dst, major|24, byte(arg))
	case arg <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(arg))
	case arg <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), arg)
}

// AppendText appends a text string, which must be valid UTF-8.
func AppendText(dst []byte, s string) []byte {
	return append(AppendHead(dst, MajorText, uint64(len(s))), s...)
}

// AppendBytes appends a byte string.
func AppendBytes(dst, b []byte) []byte {
	return append(AppendHead(dst, MajorBytes, uint64(len(b))), b...)
}

// AppendInt appends an integer.
func AppendInt(dst []byte, i int64) []byte {
	if i < 0 {
		return AppendHead(dst, MajorNegint, uint64(^i))
	}
	return AppendHead(dst, MajorUint, uint64(i))
}

// AppendBool appends true or false.
func AppendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, ByteTrue)
	}
	return append(dst, ByteFalse)
}

// AppendFloat appends f in the shortest of the three sizes that represents it exactly. All NaNs
// become the same one.
func AppendFloat(dst []byte, f float64) []byte {
	if f != f {
		return append(dst, MajorSimple<<5|infoFloat16, 0x7e, 0x00)
	}
	single := float32(f)
	if float64(single) != f {
		return binary.BigEndian.AppendUint64(append(dst, MajorSimple<<5|infoFloat64), math.Float64bits(f))
	}
	if half, ok := toHalf(single); ok {
		return binary.BigEndian.AppendUint16(append(dst, MajorSimple<<5|infoFloat16), half)
	}
	return binary.BigEndian.AppendUint32(append(dst, MajorSimple<<5|infoFloat32), math.Float32bits(single))
}

// toHalf returns f, which is not NaN, as a 16-bit float, and whether that is exact.
func toHalf(f float32) (uint16, bool) {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	exponent := int(bits>>23&0xff) - 127
	fraction := bits & 0x7fffff
	switch {
	case bits<<1 == 0:
		return sign, true
	case exponent == 128:
		return sign | 0x7c00, true
	case exponent > 15 || exponent < -24:
		return 0, false
	case exponent >= -14:
		return sign | uint16(exponent+15)<<10 | uint16(fraction>>13), fraction&0x1fff == 0
	}
	// Subnormal: the implicit leading bit becomes explicit.
	shift := uint(-exponent - 1)
	fraction |= 0x800000
	return sign | uint16(fraction>>shift), fraction&(1<<shift-1) == 0
}

// Float returns the value of a head for which [Head.IsFloat] is true.
func (h Head) Float() float64 {
	switch h.Info {
	case infoFloat16:
		return fromHalf(uint16(h.Arg))
	case infoFloat32:
		return float64(math.Float32frombits(uint32(h.Arg)))
	}
	return math.Float64frombits(h.Arg)
}

func fromHalf(bits uint16) float64 {
	exponent, fraction := int(bits>>10&31), float64(bits&0x3ff)
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 31:
		f = math.Inf(1)
		if fraction != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(fraction+1024, exponent-25)
	}
	if bits&0x8000 != 0 {
		f = math.Copysign(f, -1)
	}
	return f
}

// IsFloat reports whether the item is a float.
func (h Head) IsFloat() bool {
	return h.Major == MajorSimple && h.Info >= infoFloat16
}
