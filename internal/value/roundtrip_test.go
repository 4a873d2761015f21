package value

import (
	"bytes"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/value/valuetest"
	"pgregory.net/rapid"
)

func TestRandomValuesComeBackTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := valuetest.Draw(t)
		data, err := Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := cbor.Wellformed(data); err != nil {
			t.Fatalf("%x: another library finds it malformed: %v", data, err)
		}
		var back any
		if err := Unmarshal(data, &back); err != nil {
			t.Fatalf("%x: %v", data, err)
		}
		// Equal graphs have equal bytes. Comparing bytes also compares sharing, and works with
		// cycles and NaN.
		again, err := Marshal(back)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("wrote %x\nthen  %x (%v)", data, again, err)
		}
		// Documents survive being forwarded, alone and inside another.
		item, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		passed, err := Marshal([]any{item})
		if err != nil || !bytes.Equal(passed[1:], data) {
			t.Fatalf("passed on as %x (%v), was %x", passed, err, data)
		}
	})
}

func TestPartsOfRandomValuesStandAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := valuetest.NewPool(t, 30)
		data, err := Marshal([]any{p.Value(), p.Value(), p.Value()})
		if err != nil {
			t.Fatal(err)
		}
		root, _ := Parse(data)
		parts, ok := root.Elements()
		if !ok {
			t.Fatalf("%x has no elements", data)
		}
		for i, part := range parts {
			alone, err := part.SelfContained()
			if err != nil {
				t.Fatal(err)
			}
			var direct, copied any
			if err := part.Decode(&direct); err != nil {
				t.Fatalf("part %d of %x: %v", i, data, err)
			}
			if err := Unmarshal(alone, &copied); err != nil {
				t.Fatalf("part %d of %x alone, %x: %v", i, data, alone, err)
			}
			a, _ := Marshal(direct)
			b, _ := Marshal(copied)
			if !bytes.Equal(a, b) {
				t.Fatalf("part %d of %x is %x, and alone %x", i, data, a, b)
			}
		}
	})
}

type everything struct {
	Bool    bool
	Int     int
	Small   int8
	Uint    uint64
	Float   float64
	Single  float32
	Text    string
	Bytes   []byte
	Fixed   [3]byte
	Pair    [2]string
	Strings []string
	Ints    []int
	Shorts  []int16
	Floats  []float64
	ByName  map[string]int
	ByID    map[uint16]string
	Date    time.Time
	Big     *big.Int
	Pointer *point
	Value   point
	Renamed string `lmz:"other,omitempty"`
	JSON    string `json:"asJSON"`
	Hidden  string `lmz:"-"`
	Ordered lmz.Map
	Set     lmz.Set
	Err     error
	Any     any
	Length  time.Duration
	Lengths []time.Duration
	point2
}

type point2 struct{ Z int }

func TestStructsComeBackAsTheyWere(t *testing.T) {
	in := everything{
		Bool: true, Int: -5, Small: -128, Uint: 1 << 63, Float: 1, Single: 0.1, Text: "t",
		Bytes: []byte{1}, Fixed: [3]byte{1, 2, 3}, Pair: [2]string{"a", "b"}, Strings: []string{"s"},
		Ints: []int{1}, Shorts: []int16{-1}, Floats: []float64{1}, ByName: map[string]int{"a": 1},
		ByID: map[uint16]string{7: "x"}, Date: time.Unix(1, 2).UTC(), Big: big.NewInt(-7),
		Pointer: &point{1, 2}, Value: point{3, 4}, Renamed: "r", JSON: "j",
		Ordered: lmz.Map{{Key: "k", Value: true}}, Set: lmz.Set{"s"}, Err: &lmz.Error{Name: "E", Message: "m"},
		Any: "any", Length: time.Second, Lengths: []time.Duration{1, 2}, point2: point2{5},
	}
	var out everything
	roundTrip(t, in, &out)
	if !reflect.DeepEqual(in, out) {
		t.Errorf("got  %+v\nwant %+v", out, in)
	}
}

func TestFieldNamesAreSpelledAsInJavaScript(t *testing.T) {
	for name, want := range map[string]string{
		"Name": "name", "DocumentID": "documentID", "ID": "id", "URL": "url", "URLPath": "urlPath", "X": "x", "HTTPPort": "httpPort",
	} {
		if got := lowerCamel(name); got != want {
			t.Errorf("%s became %s, want %s", name, got, want)
		}
	}
}

func TestNumbersFitEachOtherWhereNothingIsLost(t *testing.T) {
	for _, test := range []struct {
		v    any
		into any
		want any
	}{
		{3.0, new(int), 3},
		{-3.0, new(int8), int8(-3)},
		{3, new(float64), 3.0},
		{-3, new(float32), float32(-3)},
		{0.1, new(float32), float32(0.1)},
		{uint64(1) << 63, new(float64), float64(1 << 63)},
		{big.NewInt(9), new(uint8), uint8(9)},
		{big.NewInt(-9), new(float64), -9.0},
		{[]any{1, 2.0}, new([]byte), []byte{1, 2}},
		{[]any{1, 2.5}, new([]float32), []float32{1, 2.5}},
		{[]int16{-1, 2}, new([]int), []int{-1, 2}},
		{[]byte{1, 2}, new([]int), []int{1, 2}},
		{lmz.ArrayBuffer{Bytes: []byte{1}}, new([]byte), []byte{1}},
		{lmz.Uint8Clamped{1}, new([]byte), []byte{1}},
		{[]float64{1, 2}, new([2]int), [2]int{1, 2}},
		{lmz.Set{"a"}, new([]string), []string{"a"}},
		{lmz.Map{{Key: "x", Value: 1}}, new(point), point{X: 1}},
		{lmz.Map{{Key: "x", Value: 1}}, new(map[string]int), map[string]int{"x": 1}},
		{map[string]any{"X": 9, "y": lmz.Undefined{}, "z": nil}, new(point), point{}},
		{[]any{lmz.Undefined{}, nil}, new([]*int), []*int{nil, nil}},
	} {
		data, err := Marshal(test.v)
		if err != nil {
			t.Fatal(err)
		}
		if err := Unmarshal(data, test.into); err != nil {
			t.Errorf("%#v into %T: %v", test.v, test.into, err)
		} else if got := reflect.ValueOf(test.into).Elem().Interface(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%#v into %T: got %#v, want %#v", test.v, test.into, got, test.want)
		}
	}
}

func TestHalfFloatsAgreeWithAnotherLibrary(t *testing.T) {
	for bits := range 1 << 16 {
		data := []byte{0xf9, byte(bits >> 8), byte(bits)}
		var ours, theirs float64
		if err := Unmarshal(data, &ours); err != nil {
			t.Fatal(err)
		}
		if err := cbor.Unmarshal(data, &theirs); err != nil {
			t.Fatal(err)
		}
		if ours != theirs && (ours == ours || theirs == theirs) {
			t.Fatalf("%x is %v, not %v", data, ours, theirs)
		}
		if back := cbordoc.AppendFloat(nil, ours); ours == ours && !bytes.Equal(back, data) {
			t.Fatalf("%v is written as %x, not %x", ours, back, data)
		}
	}
}

func TestAZeroItemIsUndefined(t *testing.T) {
	var it Item
	v := any("kept")
	if err := it.Decode(&v); err != nil || v != any(lmz.Undefined{}) {
		t.Errorf("got %v, %v", v, err)
	}
	if data, err := Marshal([]any{it}); err != nil || !bytes.Equal(data, []byte{0x81, 0xf7}) {
		t.Errorf("got %x, %v", data, err)
	}
	if _, ok := it.Text(); ok || !it.IsUndefined() || it.IsNull() {
		t.Error("it is something")
	}
}

func TestValuesKeptInAStructStayUndecoded(t *testing.T) {
	var out struct {
		A lmz.Value
		B Item
		C map[string]lmz.Value
	}
	roundTrip(t, map[string]any{"a": []any{1}, "b": "b", "c": map[string]any{"d": 2}}, &out)
	var a []int
	if err := out.A.Decode(&a); err != nil || a[0] != 1 {
		t.Errorf("got %v, %v", a, err)
	}
	if text, _ := out.B.Text(); text != "b" {
		t.Errorf("got %q", text)
	}
	data, err := Marshal(out)
	if got, _ := cbor.Diagnose(data); err != nil || got != `{"a": [1], "b": "b", "c": {"d": 2}}` {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestDatesBeyondTextComeBackTheSame checks that dates outside the years of RFC 3339 are rounded
// to milliseconds: finer ones came back as a different date.
func TestDatesBeyondTextComeBackTheSame(t *testing.T) {
	for _, date := range []time.Time{
		time.Date(-4, time.July, 9, 2, 10, 7, 268435455, time.UTC),
		time.Date(-4000, time.July, 9, 2, 10, 7, 999_999_999, time.UTC),
		time.Date(12000, time.July, 9, 2, 10, 7, 1_500_000, time.UTC),
	} {
		data, err := Marshal(date)
		if err != nil {
			t.Fatal(err)
		}
		var back time.Time
		if err := Unmarshal(data, &back); err != nil || !back.Equal(date.Round(time.Millisecond)) {
			t.Errorf("%v came back as %v, %v", date, back, err)
		}
		if again, err := Marshal(back); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%v was written as %x, and then as %x", date, data, again)
		}
	}
}
