package value

import (
	"bytes"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/value/valuetest"
)

func seed(f *testing.F) {
	for _, test := range values {
		data, err := Marshal(test.v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	shared := map[string]any{"n": 1}
	shared["self"] = shared
	data, err := Marshal([]any{shared, shared})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(valuetest.Doubling(8))
	f.Add(valuetest.ManyCopies(20))
}

// FuzzParse checks that whatever Parse accepts is well-formed according to another decoder.
func FuzzParse(f *testing.F) {
	seed(f)
	theirs, err := cbor.DecOptions{MaxNestedLevels: 4 * cbordoc.MaxNesting, MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		it, err := Parse(data)
		if err != nil {
			return
		}
		if err := theirs.Wellformed(data); err != nil {
			t.Fatalf("%x: we accept what is malformed: %v", data, err)
		}
		if end := cbordoc.Skip(data, 0); end != len(data) {
			t.Fatalf("%x: skip ends at %d", data, end)
		}
		it.Elements()
		it.Text()
		it.Object()
		it.IsNull()
	})
}

// FuzzDecodeAny checks that decoded values can be encoded again, and that further round trips do
// not change them.
func FuzzDecodeAny(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if Unmarshal(data, &v) != nil {
			return
		}
		again, err := Marshal(v)
		if err != nil {
			return // deeper through references, for instance
		}
		var w any
		if err := Unmarshal(again, &w); err != nil {
			t.Fatalf("%x became %x, which cannot be read: %v", data, again, err)
		}
		third, err := Marshal(w)
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("%x became %x and then %x (%v)", data, again, third, err)
		}
	})
}

// FuzzRoundTrip checks typed decoding, and that a document keeps its meaning when it is copied
// into another.
func FuzzRoundTrip(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		it, err := Parse(data)
		if err != nil {
			return
		}
		var struct1 everything
		var struct2 linked
		var list []pair
		_, _, _ = it.Decode(&struct1), it.Decode(&struct2), it.Decode(&list)
		if parts, ok := it.Elements(); ok && len(parts) > 0 {
			it = parts[len(parts)-1]
		}
		alone, err := it.SelfContained()
		if err != nil {
			return
		}
		var direct, copied any
		errDirect, errCopied := it.Decode(&direct), Unmarshal(alone, &copied)
		if errDirect != nil || errCopied != nil {
			return
		}
		a, errA := Marshal(direct)
		b, errB := Marshal(copied)
		if errA == nil && errB == nil && !bytes.Equal(a, b) {
			t.Fatalf("%x is %x, and alone %x", it.Raw(), a, b)
		}
	})
}
