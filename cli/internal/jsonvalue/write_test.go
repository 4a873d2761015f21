package jsonvalue

import (
	"encoding/json"
	"math"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
)

func TestJSONFormOfValues(t *testing.T) {
	address, err := url.Parse("https://example.com/a?b=c")
	if err != nil {
		t.Fatal(err)
	}
	big1, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	when := time.Date(2026, 1, 2, 3, 4, 5, 600e6, time.UTC)
	circle := map[string]any{"a": int64(1)}
	circle["self"] = circle
	row := []any{int64(1)}
	for _, test := range []struct {
		v    any
		want string
	}{
		{nil, `null`},
		{true, `true`},
		{int64(-1), `-1`},
		{int64(math.MaxInt64), `9223372036854775807`},
		{uint64(math.MaxUint64), `18446744073709551615`},
		{big1, `123456789012345678901234567890`},
		{1.5, `1.5`},
		{math.NaN(), `"NaN"`},
		{math.Inf(-1), `"-Infinity"`},
		{`a"<b>`, `"a\"<b>"`},
		{[]byte{1, 2}, `"AQI="`},
		{lmz.ArrayBuffer{Bytes: []byte{1, 2}}, `"AQI="`},
		{lmz.Uint8Clamped{1, 2}, `"AQI="`},
		{lmz.DataView{Buffer: []byte{0, 1, 2, 3}, ByteOffset: 1, ByteLength: 2}, `"AQI="`},
		{[]int16{1, -2}, `[1,-2]`},
		{[]float32{0.5, float32(math.Inf(1))}, `[0.5,"Infinity"]`},
		{when, `"2026-01-02T03:04:05.6Z"`},
		{address, `"https://example.com/a?b=c"`},
		{lmz.RegExp{Source: "a+", Flags: "i"}, `"/a+/i"`},
		{lmz.Boxed{Value: int64(3)}, `3`},
		{[]any{}, `[]`},
		{[]any{nil, lmz.Undefined{}}, `[null,null]`},
		{map[string]any{"b": int64(1), "a": []any{"x"}, "none": lmz.Undefined{}}, `{"a":["x"],"b":1}`},
		{lmz.Set{int64(1), "b"}, `[1,"b"]`},
		{lmz.Map{{Key: "k", Value: int64(1)}, {Key: when, Value: nil}}, `[["k",1],["2026-01-02T03:04:05.6Z",null]]`},
		{&lmz.Error{Name: "TypeError", Message: "no", Fields: map[string]any{"at": int64(2)}, Cause: &lmz.Error{Message: "why"}},
			`{"at":2,"cause":{"message":"why","name":"Error"},"message":"no","name":"TypeError"}`},
		{lmz.HTTPResponse{Status: 200, StatusText: "OK", Headers: lmz.Headers{{"A", "b"}}},
			`{"body":null,"headers":[["A","b"]],"status":200,"statusText":"OK"}`},
		{circle, `{"a":1,"self":"[circular]"}`},
		{[]any{row, row}, `[[1],[1]]`},
	} {
		got, err := Append(nil, test.v)
		if string(got) != test.want || err != nil {
			t.Errorf("%#v: %s, %v; want %s", test.v, got, err, test.want)
		}
		if !json.Valid(got) {
			t.Errorf("%s is not JSON", got)
		}
	}
}

func TestOversizedJSONResult(t *testing.T) {
	v := any(strings.Repeat("x", 1<<20))
	for range 40 {
		v = []any{v, v}
	}
	if _, err := Append(nil, v); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("error %v", err)
	}
}
