package jsonwire

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/cost"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value/valuetest"
)

// jsonDoubling returns n aliases, each of which refers twice to the next.
func jsonDoubling(n int, form string) string {
	var b strings.Builder
	b.WriteString(`{"json":{"$ref":0},"meta":{"aliases":{`)
	for i := range n {
		fmt.Fprintf(&b, `"%d":`+form+`,`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, `"%d":[]}}}`, n)
	return b.String()
}

const (
	plainForm  = `[{"$ref":%d},{"$ref":%d}]`
	chainForm  = `[{"type":"get","key":"a"},{"type":"apply","args":[{"__isNestedOperation":true,"__operationChain":{"$ref":%d}},{"__isNestedOperation":true,"__operationChain":{"$ref":%d}}]}]`
	markerForm = `{"__isNestedOperation":true,"__operationChain":[{"type":"apply","args":{"$ref":%d}},{"type":"apply","args":[{"$ref":%d}]}]}`
)

func TestHostileJSONIsRefusedCheaply(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       string // part of the error; "" if the input is harmless
	}{
		{"nothing", "", "expected a value"},
		{"two values", "{} {}", "something follows"},
		{"depth 1000", strings.Repeat("[", 1000), "nested deeper than 384"},
		{"objects 170 deep", strings.Repeat(`{"a":`, 170) + "1" + strings.Repeat("}", 170), ""},
		{"sets 45 deep", `{"json":` + strings.Repeat(`{"$type":"set","values":[`, 38) + strings.Repeat("]}", 38) + "}", ""},
		{"text that is not UTF-8", "{\"json\":\"\xff\"}", "not valid UTF-8"},
		{"NUL in a text", "{\"json\":\"\x00\"}", "control character"},
		{"unfinished escape", `{"json":"\u12`, "four hexadecimal digits"},
		{"unfinished text", `{"json":"\`, "unknown escape"},
		{"long number", `{"json":` + strings.Repeat("9", 1000) + `}`, ""},
		{"long exponent", `{"json":1e` + strings.Repeat("9", 1000) + `}`, ""},
		{"long big integer", `{"json":{"$type":"bigint","value":"` + strings.Repeat("9", 900) + `"}}`, ""},
		{"doubling", jsonDoubling(20, plainForm), ""},
		{"doubling chains", jsonDoubling(5, chainForm), ""},
		{"alias of itself", `{"json":{"$ref":0},"meta":{"aliases":{"0":{"$ref":0}}}}`, ""},
		{"cyclic arguments", `{"json":{"$ref":0},"meta":{"aliases":{"0":{"__isNestedOperation":true,"__operationChain":[{"type":"apply","args":[{"$ref":0}]}]}}}}`, "nested"},
		{"cyclic chain", `{"json":{"__isNestedOperation":true,"__operationChain":{"$ref":0}},"meta":{"aliases":{"0":[{"type":"apply","args":[{"__isNestedOperation":true,"__operationChain":{"$ref":0}}]}]}}}`, "nested"},
		{"cyclic chain that doubles", `{"json":{"__isNestedOperation":true,"__operationChain":{"$ref":0}},"meta":{"aliases":{"0":[{"type":"apply","args":[` +
			strings.Repeat(`{"__isNestedOperation":true,"__operationChain":{"$ref":0}},`, 9) + `1]}]}}}`, "nested"},
		{"huge alias number", `{"json":{"$ref":1e300},"meta":{"aliases":{"4294967295":[],"99999999999999999999":[]}}}`, ""},
		{"same member 100 times", `{"json":{` + strings.Repeat(`"a":1,`, 100) + `"a":2}}`, ""},
		{"empty arrays", `{"json":[` + strings.Repeat(`[],`, 300) + `[]]}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if len(test.text) > 1200 {
				t.Fatalf("%d bytes are not a small document", len(test.text))
			}
			err := cost.Check(t, 2*honestFrame(), valuetest.HeapLimit, func() error {
				doc, err := FromJSON([]byte(test.text))
				if err == nil {
					_, err = ToJSON(doc)
				}
				return err
			})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
}

func TestChainsThatDoubleEndAtTheLimit(t *testing.T) {
	for _, form := range []string{chainForm, markerForm} {
		text := strings.Replace(jsonDoubling(40, form), `{"json":{"$ref":0}`, `{"json":[{"type":"apply","args":[{"__isNestedOperation":true,"__operationChain":{"$ref":0}}]}]`, 1)
		var err error
		work, _ := cost.Of(func() { _, err = ChainFromJSON([]byte(text)) })
		if most := mostFrames * honestFrame(); err == nil || work > most {
			t.Errorf("%v after %v of the processor, want at most %v", err, work, most)
		}
	}
}

func TestHostileCBORToJSON(t *testing.T) {
	bytesInBodies := cbordoc.AppendHead(nil, cbordoc.MajorArray, 100) // requests with the same shared body
	request := valuetest.Unhex("d81b 82 67 52657175657374 a1 64 626f6479")
	bytesInBodies = append(bytesInBodies, request...)
	bytesInBodies = cbordoc.AppendText(append(bytesInBodies, 0xd8, cbordoc.TagShared), strings.Repeat("x", 300))
	for range 99 {
		if len(bytesInBodies) < 1000 {
			bytesInBodies = append(append(bytesInBodies, request...), 0xd8, cbordoc.TagReference, 0)
		}
	}
	bytesInBodies[1] = byte(bytes.Count(bytesInBodies, []byte("Request")))
	doublingBody := append(bytes.Clone(request), valuetest.Doubling(60)...)
	for _, test := range []struct {
		name string
		doc  []byte
		want string
	}{
		{"doubling", valuetest.Doubling(60), ""},
		{"many copies of a text", valuetest.ManyCopies(200), ""},
		{"many copies of a text in bodies", bytesInBodies, ""},
		{"doubling in a body", doublingBody, "too large"},
		{"cyclic body", append(bytes.Clone(request), valuetest.Unhex("d81c 82 d81d00 d81d00")...), "nested too deeply"},
		{"cyclic continuation", valuetest.Unhex("81 d81b 82 6c 436f6e74696e756174696f6e d81c 82 61 61 81 d81b 82 6c 436f6e74696e756174696f6e d81d00"), "nested too deeply"},
		{"mixed keys in a body", append(bytes.Clone(request), valuetest.Unhex("a2 6161 01 1861 02")...), "expected a string as key"},
		{"duplicate key in a body", append(bytes.Clone(request), valuetest.Unhex("a2 6161 01 6161 02")...), "body.a: the key occurs twice"},
		{"doubling continuations", valuetest.DoublingContinuations(30), "too large"},
		{"2^31 elements", valuetest.Declared(valuetest.Array, 3, 1<<31), "more elements than bytes"},
		{"unknown type", valuetest.Unhex("d81b 82 6158 a0"), `unknown type "X"`},
		{"error of an array", valuetest.Unhex("d81b 82 654572726f72 80"), "tag 27 is around"},
		{"boxed nothing", valuetest.Unhex("d81b 82 66 4e756d626572 a0"), "holds nothing"},
		{"boxed itself", valuetest.Unhex("d81c d81b 82 66 4e756d626572 a1 65 76616c7565 d81d00"), "holds Number"},
		{"duplicate key", valuetest.Unhex("a2 6161 01 6161 02"), "a: the key occurs twice"},
		{"marker behind a tag", valuetest.Unhex("a1 73 5f5f69734e65737465644f7065726174696f6e d81c f5"), "taken for a continuation"},
		{"undefined", valuetest.Unhex("99 0190" + strings.Repeat("f7", 400)), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := cost.Check(t, 2*honestFrame(), valuetest.HeapLimit, func() error {
				_, err := ToJSON(test.doc)
				return err
			})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
}

// mostFrames bounds the work that a hostile frame may cause, in multiples of the work of a full
// frame of ordinary objects.
const mostFrames = 20

func TestLargeHostileFramesTakeLittleWork(t *testing.T) {
	inner := strings.Repeat("[],", proto.MaxFrame/4)
	for name, text := range map[string]string{
		"wide at the bottom": `{"json":` + strings.Repeat(`{"a":`, 180) + "[" + inner + "0]" + strings.Repeat("}", 180) + "}",
		"many members":       `{"json":{` + manyMembers(proto.MaxFrame/12) + `"x":0}}`,
		"one long text":      `{"json":"` + strings.Repeat("\\u0001", proto.MaxFrame/6) + `"}`,
		"tiny elements":      `{"json":[` + strings.Repeat("0,", proto.MaxFrame/2) + "0]}",
		"digits":             `{"json":` + strings.Repeat("9", proto.MaxFrame) + "}",
	} {
		var err error
		work, _ := cost.Of(func() {
			var doc []byte
			if doc, err = FromJSON([]byte(text)); err == nil {
				_, err = ToJSON(doc)
			}
		})
		if most := mostFrames * honestFrame(); work > most {
			t.Errorf("%s: %v after %v of the processor, want at most %v", name, err, work, most)
		} else {
			t.Logf("%s: %v after %v of the processor; a full frame of ordinary objects takes %v", name, err, work, honestFrame())
		}
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":0,`, i)
	}
	return b.String()
}

// honestFrame is the processor time for reading and writing a full JSON frame of ordinary
// objects, the baseline for hostile documents.
var honestFrame = sync.OnceValue(func() time.Duration {
	const one = `{"name":"Ann","age":34,"tags":["a","b"],"at":1.5,"ok":true},`
	text := []byte(`{"json":[` + strings.Repeat(one, proto.MaxPayload/len(one)-1) + `0]}`)
	return cost.Least(5, func() {
		doc, err := FromJSON(text)
		if err == nil {
			_, err = ToJSON(doc)
		}
		if err != nil {
			panic(err)
		}
	})
})
