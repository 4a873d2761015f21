package value

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/lumenize/lmz"
)

// refusals checks that each value is refused with an error that contains its text.
func refusals(t *testing.T, cases map[string]any) {
	t.Helper()
	for want, v := range cases {
		if doc, err := Marshal(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%#v: %x, %v; want an error with %q", v, doc, err, want)
		}
	}
}

func TestKeysThatBecomeOneAreRefused(t *testing.T) {
	nan, shared := math.NaN(), &lmz.Error{Message: "m"}
	refusals(t, map[string]any{
		"a[1].key: it occurs twice":   map[string]any{"a": map[any]string{1: "int", int64(1): "int64"}},
		"[1].key: it occurs twice":    map[any]int{2: 1, 2.0: 2},
		"[2].key: it occurs twice":    lmz.Map{{Key: 1}, {Key: "1"}, {Key: uint8(1)}},
		"a[1].key: it occurs":         map[string]any{"a": map[float64]int{nan: 1, -nan: 2}},
		"b[1].key: it occurs":         map[string]any{"b": lmz.Map{{Key: big.NewInt(7)}, {Key: big.NewInt(7)}}},
		"[0][1].key: it occurs twice": []any{lmz.Map{{Key: shared}, {Key: shared}}, shared},
		"[0][1]: it occurs twice":     []any{lmz.Set{"x", "x"}},
		"s[2]: it occurs twice":       map[string]any{"s": lmz.Set{nil, lmz.Undefined{}, nil}},
	})
	for _, v := range []any{
		map[float64]string{nan: "one"}, map[any]int{1: 1, "1": 2, big.NewInt(1): 3, 1.5: 4, true: 5},
		lmz.Map{{Key: []any{}}, {Key: []any{}}}, lmz.Map{{Key: nil}, {Key: shared}, {Key: &lmz.Error{Message: "m"}}}, lmz.Set{1, 2.5, "1", nil},
	} {
		doc, err := Marshal(v)
		if err != nil {
			t.Errorf("%v: %v", v, err)
			continue
		}
		var back any
		if err := Unmarshal(doc, &back); err != nil {
			t.Errorf("%v: %v", v, err)
		}
	}
}

func TestStructsThatWouldLoseFieldsAreRefused(t *testing.T) {
	type twice struct{ URL, Url string }
	type tagged struct {
		A string `json:"x"`
		B string `lmz:"x"`
	}
	refusals(t, map[string]any{
		"m: sync.Mutex cannot be sent: it has no exported fields":       map[string]any{"m": &sync.Mutex{}},
		"[0]: struct { a int } cannot be sent":                          []any{struct{ a int }{1}},
		`twice cannot be sent: two of its fields are both called "url"`: twice{},
		`tagged cannot be sent: two of its fields are both called "x"`:  &tagged{},
	})
	type outer struct {
		Base
		Title string `json:"id"` // hides Base.ID
	}
	if got := diagnose(t, outer{Base{"inner", "k"}, "outer"}); got != `{"id": "outer", "kind": "k"}` {
		t.Error(got)
	}
	for _, v := range []any{struct{}{}, struct {
		a int `json:"-"`
	}{1}} {
		if got := diagnose(t, v); got != "{}" {
			t.Error(got)
		}
	}
}

func TestUnreadableValuesAreRefused(t *testing.T) {
	refusals(t, map[string]any{
		"at: the date is out of range":  map[string]any{"at": time.Unix(1<<50, 0)},
		"v: the window of the DataView": map[string]any{"v": lmz.DataView{Buffer: []byte{1}, ByteOffset: 5, ByteLength: 6}},
		`"\xff": the string is not`:     map[string]int{"\xff": 1},
		"too large: the value takes":    slices.Repeat([]string{strings.Repeat("x", 1<<20)}, 100),
	})
	_, err := Marshal(map[string]any{"k\xff": func() {}})
	if !utf8.ValidString(err.Error()) {
		t.Errorf("the error cannot be sent itself: %q", err)
	}
}

func TestIntegersThatAFloat32WouldRound(t *testing.T) {
	for _, into := range []any{new(float32), new([]float32), new([1]float32)} {
		v := any(int64(1<<24 + 1))
		if _, scalar := into.(*float32); !scalar {
			v = []any{v}
		}
		doc, err := Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := Unmarshal(doc, into); err == nil || !strings.Contains(err.Error(), "16777217 does not fit float32") {
			t.Errorf("%T: %v", into, err)
		}
	}
	var f float32
	if doc, _ := Marshal(0.1); Unmarshal(doc, &f) != nil || f != 0.1 {
		t.Errorf("0.1 is %v", f)
	}
}
