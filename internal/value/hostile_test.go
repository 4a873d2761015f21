package value

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/cost"
	"github.com/lumenize/lmz/internal/value/valuetest"
)

// pair is a Go type without an identity: a reference to one becomes a copy.
type pair struct{ A, B any }

type wide struct {
	Space [4096]byte
	Name  string
}

func TestHostileDocumentsAreRefusedCheaply(t *testing.T) {
	deep := bytes.Repeat([]byte{0x81}, 1000)
	for _, test := range []struct {
		name string
		data []byte
		into func() any
		want string // part of the error; "" if the input is harmless
	}{
		{"nothing", nil, newAny, "ends early"},
		{"half a head", valuetest.Unhex("19 00"), newAny, "ends early"},
		{"two values", valuetest.Unhex("00 00"), newAny, "bytes after the end"},
		{"reserved length", valuetest.Unhex("1c"), newAny, "reserved length"},
		{"indefinite array", valuetest.Unhex("9f ff"), newAny, "indefinite lengths"},
		{"indefinite text", valuetest.Unhex("7f 61 61 ff"), newAny, "indefinite lengths"},
		{"break alone", valuetest.Unhex("ff"), newAny, "indefinite lengths"},
		{"unknown simple value", valuetest.Unhex("e0"), newAny, "unknown simple value"},
		{"simple value of two bytes", valuetest.Unhex("f8 20"), newAny, "unknown simple value"},
		{"2^31 elements", valuetest.Declared(valuetest.Array, 3, 1<<31), newAny, "more elements than bytes"},
		{"2^63 elements", valuetest.Declared(valuetest.Array, 4, 1<<63), newAny, "more elements than bytes"},
		{"2^64-1 entries", valuetest.Declared(valuetest.Map, 4, 1<<64-1), newAny, "more elements than bytes"},
		{"2^31 bytes", valuetest.Declared(valuetest.Bytes, 3, 1<<31), newAny, "longer than the data"},
		{"2^64-1 characters", valuetest.Declared(valuetest.Text, 4, 1<<64-1), newAny, "longer than the data"},
		{"depth 1000", deep, newAny, "nested deeper than 192"},
		{"tags 1000 deep", bytes.Repeat([]byte{0xc1}, 1000), newAny, "nested deeper than 192"},
		{"text that is not UTF-8", valuetest.Unhex("61 ff"), newAny, "not valid UTF-8"},
		{"surrogate in text", valuetest.Unhex("63 eda080"), newAny, "not valid UTF-8"},
		{"reference to nothing", valuetest.Unhex("d81d 00"), newAny, "refers to nothing"},
		{"reference forward", valuetest.Unhex("82 d81d 00 d81c 80"), newAny, "refers to nothing"},
		{"reference to text", valuetest.Unhex("82 d81c 80 d81d 60"), newAny, "refers to nothing"},
		{"mark around a mark", valuetest.Unhex("d81c d81c 80"), newAny, "tag 28 around"},
		{"mark around a reference to itself", valuetest.Unhex("d81c d81d 00"), newAny, "tag 28 around"},
		{"duplicate key", valuetest.Unhex("a2 6161 01 6161 02"), newAny, "a: the key occurs twice"},
		{"duplicate key in a struct", valuetest.Unhex("a2 6161 01 6161 02"), func() any { return new(pair) }, "a: the key occurs twice"},
		{"duplicate key in a Go map", valuetest.Unhex("a2 6161 01 6161 02"), func() any { return new(map[string]int) }, "a: the key occurs twice"},
		{"duplicate key in a Map", valuetest.Unhex("d90103 a2 01 01 f93c00 02"), newAny, "[1]: the key occurs twice"},
		{"duplicate NaN in a Map", valuetest.Unhex("d90103 a2 f97e00 01 fb7ff8000000000000 02"), newAny, "[1]: the key occurs twice"},
		{"duplicate name of an error", valuetest.Unhex("d81b 82 654572726f72 a2 646e616d65 61 61 646e616d65 61 61"), newAny, "the key occurs twice"},
		{"mixed keys", valuetest.Unhex("a2 6161 01 01 02"), newAny, "expected a string as key, got integer"},
		{"unknown tag", valuetest.Unhex("d9ffff 00"), newAny, "unknown tag 65535"},
		{"unknown type", valuetest.Unhex("d81b 82 6158 a0"), newAny, `unknown type "X"`},
		{"type without a name", valuetest.Unhex("d81b 80"), newAny, "tag 27 is around"},
		{"Set of a map", valuetest.Unhex("d90102 a0"), newAny, "cannot read Set"},
		{"Map of an array", valuetest.Unhex("d90103 80"), newAny, "cannot read Map"},
		{"date without a form", valuetest.Unhex("c0 6178"), newAny, "RFC 3339"},
		{"date at infinity", valuetest.Unhex("c1 f97c00"), newAny, "out of range"},
		{"big integer of text", valuetest.Unhex("c2 6178"), newAny, "tag 2 is around"},
		{"half an element", valuetest.Unhex("d84d 41 00"), newAny, "end within an element"},
		{"half-precision array", valuetest.Unhex("d854 42 0000"), newAny, "cannot be read"},
		{"big integer of 1000 bytes", append(valuetest.Unhex("c2 5903e8"), make([]byte, 1000)...), newAny, ""},
		{"cyclic continuation", valuetest.Unhex("d81c d81b 82 6c 436f6e74696e756174696f6e 82 61 61 81 d81d00"), newAny, "cycle"},
		{"cyclic request", valuetest.Unhex("d81c d81b 82 67 52657175657374 a1 64 626f6479 82 d81d00 d81d00"), newAny, ""},
		{"cyclic boxed value", valuetest.Unhex("d81c d81b 82 66 4e756d626572 a1 65 76616c7565 d81d00"), newAny, "cycle"},
		{"doubling into any", valuetest.Doubling(60), newAny, ""},
		{"doubling into structs", valuetest.Doubling(60), func() any { return new([]pair) }, "expected object, got string"},
		{"many copies of a text", valuetest.ManyCopies(200), newAny, ""},
		{"many copies of a text into strings", valuetest.ManyCopies(200), func() any { return new([]string) }, ""},
		{"tiny elements of a wide type", append(valuetest.Declared(valuetest.Array, 3, 900), bytes.Repeat([]byte{0xa0}, 900)...),
			func() any { return new([]wide) }, "grows too large"},
		{"null pointers of a wide type", append(valuetest.Declared(valuetest.Array, 3, 900), bytes.Repeat([]byte{0xa0}, 900)...),
			func() any { return new([]*wide) }, "grows too large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if len(test.data) > 1024 {
				t.Fatalf("%d bytes are not a small document", len(test.data))
			}
			err := cost.Check(t, 2*honestDocument(), valuetest.HeapLimit, func() error { return Unmarshal(test.data, test.into()) })
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
			if cbor.Wellformed(test.data) != nil && !errors.Is(err, cbordoc.ErrMalformed) {
				t.Errorf("another library finds it malformed, we say %v", err)
			}
		})
	}
}

func newAny() any { return new(any) }

func TestMillionLevelsDeep(t *testing.T) {
	_, err := Parse(bytes.Repeat([]byte{0x81}, 1_000_000))
	if !errors.Is(err, cbordoc.ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

func TestNestingIsCountedAlikeOnBothSides(t *testing.T) {
	v := any(lmz.Set{})
	for range (cbordoc.MaxNesting - 2) / 2 { // a Set is a tag and an array
		v = lmz.Set{v}
	}
	data, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if depth := cbordoc.Depth(data); depth != cbordoc.MaxNesting {
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
	doc := cbordoc.AppendHead(nil, cbordoc.MajorArray, cbordoc.MaxElements)
	doc = append(doc, make([]byte, cbordoc.MaxElements)...)
	if _, err := Parse(doc); err == nil || !strings.Contains(err.Error(), "elements") {
		t.Errorf("got %v", err)
	}
}

// honestDocument is the processor time for decoding and encoding a full frame of ordinary
// objects, the baseline for hostile documents.
var honestDocument = sync.OnceValue(func() time.Duration {
	objects := make([]any, 17_000)
	for i := range objects {
		objects[i] = map[string]any{"name": "Ann", "age": 34, "tags": []any{"a", "b"}, "at": 1.5, "ok": true}
	}
	doc, err := Marshal(objects)
	if err != nil {
		panic(err)
	}
	return cost.Least(5, func() {
		var v any
		err := Unmarshal(doc, &v)
		if err == nil {
			_, err = Marshal(v)
		}
		if err != nil {
			panic(err)
		}
	})
})

func TestDecodedValueIsBoundedWhenEncoded(t *testing.T) {
	texts := append(cbordoc.AppendHead(nil, cbordoc.MajorArray, 2001), 0xd8, cbordoc.TagShared)
	texts = cbordoc.AppendText(texts, strings.Repeat("x", 1<<20))
	texts = append(texts, bytes.Repeat([]byte{0xd8, cbordoc.TagReference, 0}, 2000)...)
	for name, doc := range map[string][]byte{"continuations": valuetest.DoublingContinuations(40), "texts": texts} {
		var v any
		if err := Unmarshal(doc, &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if data, err := Marshal(v); !errors.Is(err, cbordoc.ErrTooLarge) {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
}
