package jsonvalue

import (
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
)

func TestExactArguments(t *testing.T) {
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	for text, want := range map[string]any{
		`9007199254740993`:                  int64(9007199254740993),
		`9223372036854775808`:               new(big.Int).SetUint64(1 << 63),
		`[-123456789012345678901234567890]`: []any{huge},
		`1.5`:                               1.5,
		`"\ud83d\ude00 \\ud800"`:            "😀 \\ud800",
		`{"a":{"b":[]},"c":{}}`:             map[string]any{"a": map[string]any{"b": []any{}}, "c": map[string]any{}},
		`null`:                              nil,
	} {
		if got, err := Parse(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %#v, %v", text, got, err)
		}
	}
	for text, why := range map[string]string{
		`{"a":1,"a":2}`:                             "a occurs twice",
		`{"x":[{},{"y":1,"y":1}]}`:                  "x[1].y occurs twice",
		`{"x":"` + "\xff" + `"}`:                    "x is not valid UTF-8",
		`["` + "\xff" + `"]`:                        "[0] is not valid UTF-8",
		`{"x":["\ud83d"]}`:                          "x[0] contains half of a surrogate pair",
		`"\ude00\ud83d"`:                            "the string contains half of a surrogate pair",
		strings.Repeat("[", 1<<20):                  "nested too deeply",
		`{"json":{"n":9007199254740993},"meta":{}}`: "json: n: 9007199254740993 is beyond 2^53",
		`{"json":9223372036854775808,"meta":{}}`:    "json: 9223372036854775808 is beyond 2^53",
		`1e999`:                                     "is out of range",
	} {
		if got, err := ParseRich(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.40s became %#v, %v; want an error with %q", text, got, err, why)
		}
	}
}

func TestGoValuesOfJSON(t *testing.T) {
	v, err := Parse(` {"a": [1, -0, 2.0, 1e2, "t", null, false]} `)
	if err != nil {
		t.Fatal(err)
	}
	got := v.(map[string]any)["a"].([]any)
	want := []any{int64(1), math.Copysign(0, -1), 2.0, 100.0, "t", nil, false}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("element %d: %T %v, want %T %v", i, got[i], got[i], want[i], want[i])
		}
	}
	if !math.Signbit(got[1].(float64)) {
		t.Error("-0 has lost its sign")
	}
}
