package proto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/lumenize/lmz"
)

// heapLimit is how much the hostile documents, of at most 1 KiB, may make the heap
// grow: four frames of the default size.
const heapLimit = 4 << 20

// pair is a Go type without identity of its own: a reference to one is a copy.
type pair struct{ A, B any }

type wide struct {
	Space [4096]byte
	Name  string
}

// doubling is a document in which every shared value refers twice to the one
// before it: 2^n values once copied.
func doubling(n int) []byte {
	doc := appendHead(nil, majorArray, uint64(n+1))
	doc = append(doc, 0xd8, tagShared, 0x61, 'x')
	for i := range n {
		doc = append(doc, 0xd8, tagShared, 0xa2, 0x61, 'a', 0xd8, tagReference)
		doc = appendHead(doc, majorUint, uint64(i))
		doc = append(doc, 0x61, 'b', 0xd8, tagReference)
		doc = appendHead(doc, majorUint, uint64(i))
	}
	return doc
}

// manyCopies refers n times to one long text.
func manyCopies(n int) []byte {
	doc := appendHead(nil, majorArray, uint64(n+1))
	doc = append(doc, 0xd8, tagShared)
	doc = appendText(doc, strings.Repeat("x", 400))
	for range n {
		doc = append(doc, 0xd8, tagReference, 0)
	}
	return doc
}

func declared(major byte, size int, n uint64) []byte {
	b := []byte{major<<5 | byte(23+size)}
	switch size {
	case 3:
		return binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b[:0], major<<5|27), n)
}

func TestHostileDocumentsAreRefusedCheaply(t *testing.T) {
	deep := bytes.Repeat([]byte{0x81}, 1000)
	for _, test := range []struct {
		name string
		data []byte
		into func() any
		want string // part of the error; "" means that it is harmless
	}{
		{"nothing", nil, newAny, "ends early"},
		{"half a head", unhex("19 00"), newAny, "ends early"},
		{"two values", unhex("00 00"), newAny, "bytes after the end"},
		{"reserved length", unhex("1c"), newAny, "reserved length"},
		{"indefinite array", unhex("9f ff"), newAny, "indefinite lengths"},
		{"indefinite text", unhex("7f 61 61 ff"), newAny, "indefinite lengths"},
		{"break alone", unhex("ff"), newAny, "indefinite lengths"},
		{"unknown simple value", unhex("e0"), newAny, "unknown simple value"},
		{"simple value of two bytes", unhex("f8 20"), newAny, "unknown simple value"},
		{"2^31 elements", declared(majorArray, 3, 1<<31), newAny, "more elements than bytes"},
		{"2^63 elements", declared(majorArray, 4, 1<<63), newAny, "more elements than bytes"},
		{"2^64-1 entries", declared(majorMap, 4, 1<<64-1), newAny, "more elements than bytes"},
		{"2^31 bytes", declared(majorBytes, 3, 1<<31), newAny, "longer than the data"},
		{"2^64-1 characters", declared(majorText, 4, 1<<64-1), newAny, "longer than the data"},
		{"depth 1000", deep, newAny, "nested deeper than 192"},
		{"tags 1000 deep", bytes.Repeat([]byte{0xc1}, 1000), newAny, "nested deeper than 192"},
		{"text that is not UTF-8", unhex("61 ff"), newAny, "not valid UTF-8"},
		{"surrogate in text", unhex("63 eda080"), newAny, "not valid UTF-8"},
		{"reference to nothing", unhex("d81d 00"), newAny, "refers to nothing"},
		{"reference forward", unhex("82 d81d 00 d81c 80"), newAny, "refers to nothing"},
		{"reference to text", unhex("82 d81c 80 d81d 60"), newAny, "refers to nothing"},
		{"mark around a mark", unhex("d81c d81c 80"), newAny, "tag 28 around"},
		{"mark around a reference to itself", unhex("d81c d81d 00"), newAny, "tag 28 around"},
		{"duplicate key", unhex("a2 6161 01 6161 02"), newAny, "a: the key occurs twice"},
		{"duplicate key in a struct", unhex("a2 6161 01 6161 02"), func() any { return new(pair) }, "a: the key occurs twice"},
		{"duplicate key in a Go map", unhex("a2 6161 01 6161 02"), func() any { return new(map[string]int) }, "a: the key occurs twice"},
		{"duplicate key in a Map", unhex("d90103 a2 01 01 f93c00 02"), newAny, "[1]: the key occurs twice"},
		{"duplicate NaN in a Map", unhex("d90103 a2 f97e00 01 fb7ff8000000000000 02"), newAny, "[1]: the key occurs twice"},
		{"duplicate name of an error", unhex("d81b 82 654572726f72 a2 646e616d65 61 61 646e616d65 61 61"), newAny, "the key occurs twice"},
		{"mixed keys", unhex("a2 6161 01 01 02"), newAny, "expected a string as key, got integer"},
		{"unknown tag", unhex("d9ffff 00"), newAny, "unknown tag 65535"},
		{"unknown type", unhex("d81b 82 6158 a0"), newAny, `unknown type "X"`},
		{"type without a name", unhex("d81b 80"), newAny, "tag 27 is around"},
		{"Set of a map", unhex("d90102 a0"), newAny, "cannot read Set"},
		{"Map of an array", unhex("d90103 80"), newAny, "cannot read Map"},
		{"date without a form", unhex("c0 6178"), newAny, "RFC 3339"},
		{"date at infinity", unhex("c1 f97c00"), newAny, "out of range"},
		{"big integer of text", unhex("c2 6178"), newAny, "tag 2 is around"},
		{"half an element", unhex("d84d 41 00"), newAny, "end within an element"},
		{"half-precision array", unhex("d854 42 0000"), newAny, "cannot be read"},
		{"big integer of 1000 bytes", append(unhex("c2 5903e8"), make([]byte, 1000)...), newAny, ""},
		{"cyclic continuation", unhex("d81c d81b 82 6c 436f6e74696e756174696f6e 82 61 61 81 d81d00"), newAny, "cycle"},
		{"cyclic request", unhex("d81c d81b 82 67 52657175657374 a1 64 626f6479 82 d81d00 d81d00"), newAny, ""},
		{"cyclic boxed value", unhex("d81c d81b 82 66 4e756d626572 a1 65 76616c7565 d81d00"), newAny, "cycle"},
		{"doubling into any", doubling(60), newAny, ""},
		{"doubling into structs", doubling(60), func() any { return new([]pair) }, "expected object, got string"},
		{"many copies of a text", manyCopies(200), newAny, ""},
		{"many copies of a text into strings", manyCopies(200), func() any { return new([]string) }, ""},
		{"tiny elements of a wide type", append(declared(majorArray, 3, 900), bytes.Repeat([]byte{0xa0}, 900)...),
			func() any { return new([]wide) }, "grows too large"},
		{"null pointers of a wide type", append(declared(majorArray, 3, 900), bytes.Repeat([]byte{0xa0}, 900)...),
			func() any { return new([]*wide) }, "grows too large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if len(test.data) > 1024 {
				t.Fatalf("%d bytes are not a small document", len(test.data))
			}
			err := measured(t, func() error { return Unmarshal(test.data, test.into()) })
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
			if cbor.Wellformed(test.data) != nil && !errors.Is(err, ErrMalformed) {
				t.Errorf("another library finds it malformed, we say %v", err)
			}
		})
	}
}

func newAny() any { return new(any) }

func TestADocumentOfADeepMillionIsRefused(t *testing.T) {
	_, err := Parse(bytes.Repeat([]byte{0x81}, 1_000_000))
	if !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

func TestNestingIsCountedAlikeOnBothSides(t *testing.T) {
	v := any(lmz.Set{})
	for range (MaxNesting - 2) / 2 { // a Set is a tag and an array
		v = lmz.Set{v}
	}
	data, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if depth := depthOf(data); depth != MaxNesting {
		t.Fatalf("depth %d", depth)
	}
	var back any
	if err := Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if _, err := Marshal([]any{v}); err == nil {
		t.Error("one level more was written")
	}
	item, _ := Parse(data)
	if _, err := Marshal([]any{item}); err == nil {
		t.Error("one level more around an item was written")
	}
}

func TestMaxElementsIsALimit(t *testing.T) {
	doc := appendHead(nil, majorArray, MaxElements)
	doc = append(doc, make([]byte, MaxElements)...)
	if _, err := Parse(doc); err == nil || !strings.Contains(err.Error(), "elements") {
		t.Errorf("got %v", err)
	}
}
