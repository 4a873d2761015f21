package valuetest

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// HeapLimit is the number of bytes that the small hostile documents of the tests, of about 1 KiB,
// may make a decoder allocate: four frames of the default size.
const HeapLimit = 4 << 20

// The major types of CBOR, for [Head].
const (
	Uint  = 0
	Bytes = 2
	Text  = 3
	Array = 4
	Map   = 5
)

// Unhex decodes hexadecimal digits, which may have spaces between them. It panics on anything
// else.
func Unhex(digits string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// Head appends a head with an argument of two bytes, which is not the shortest form but a
// valid one, to a document.
func Head(doc []byte, major byte, n int) []byte {
	return binary.BigEndian.AppendUint16(append(doc, major<<5|25), uint16(n))
}

// Declared returns a head that declares n elements or bytes, none of which follow. Its
// argument has 4 bytes if size is 3, or else 8.
func Declared(major byte, size int, n uint64) []byte {
	if size == 3 {
		return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, n)
}

// Doubling returns a document in which each of n shared values refers twice to the previous one:
// 2^n values once copied.
func Doubling(n int) []byte {
	doc := append(Head(nil, Array, n+1), mark("61 78")...)
	for i := range n {
		doc = append(doc, mark("a2 61 61")...)
		doc = append(Reference(doc, i), Unhex("61 62")...)
		doc = Reference(doc, i)
	}
	return doc
}

// ManyCopies returns a document that refers n times to one long text.
func ManyCopies(n int) []byte {
	doc := append(Head(nil, Array, n+1), mark("")...)
	doc = append(Head(doc, Text, 400), strings.Repeat("x", 400)...)
	for range n {
		doc = Reference(doc, 0)
	}
	return doc
}

// DoublingContinuations returns a document of n continuations, each of which has the previous one
// twice among its arguments.
func DoublingContinuations(n int) []byte {
	head := mark("d81b 82 6c 436f6e74696e756174696f6e 82 61 61")
	doc := append(append(Head(nil, Array, n+1), head...), 0x80)
	for i := range n {
		doc = append(append(doc, head...), 0x82)
		doc = Reference(Reference(doc, i), i)
	}
	return doc
}

// mark returns tag 28 followed by digits.
func mark(digits string) []byte { return Unhex("d81c" + digits) }

// Reference appends a reference to the shared value with this number.
func Reference(doc []byte, number int) []byte {
	doc = append(doc, 0xd8, 29)
	if number < 24 {
		return append(doc, byte(number))
	}
	return append(doc, 24, byte(number))
}
