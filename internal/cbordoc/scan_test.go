package cbordoc

import (
	"errors"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/lumenize/lmz/internal/value/valuetest"
)

// FuzzScan checks that whatever Scan accepts is well-formed according to another library, and
// that a Reader stays within its bounds.
func FuzzScan(f *testing.F) {
	for _, doc := range [][]byte{valuetest.Doubling(8), valuetest.ManyCopies(20), valuetest.DoublingContinuations(3), {0xa1, 0x61, 'a', 0xf9, 0x3c, 0}} {
		f.Add(doc)
	}
	theirs, err := cbor.DecOptions{MaxNestedLevels: 4 * MaxNesting, MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		refs, err := Scan(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if err := theirs.Wellformed(data); err != nil {
			t.Fatalf("%x: we accept what is malformed: %v", data, err)
		}
		if end := Skip(data, 0); end != len(data) {
			t.Fatalf("%x: Skip ends at %d", data, end)
		}
		r := NewReader(data, refs, Budget(len(data)))
		r.Describe(r.Token(0))
		if Depth(data) > MaxNesting {
			t.Fatalf("%x is nested %d deep", data, Depth(data))
		}
	})
}
