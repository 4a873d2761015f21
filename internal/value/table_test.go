package value

import (
	"encoding/hex"
	"math"
	"math/big"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/value/valuetest"
)

func decimal(s string) *big.Int {
	i, _ := new(big.Int).SetString(s, 10)
	return i
}

func parseURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

type point struct {
	X, Y int
}

// values has every kind of value with its bytes and diagnostic notation. back is what an any
// receives if that differs from v.
var values = []struct {
	name string
	v    any
	hex  string
	diag string
	back any
}{
	{"null", nil, "f6", "null", nil},
	{"undefined", lmz.Undefined{}, "f7", "undefined", nil},
	{"true", true, "f5", "true", nil},
	{"false", false, "f4", "false", nil},

	// RFC 8949, appendix A.
	{"0", int64(0), "00", "0", nil},
	{"23", int64(23), "17", "23", nil},
	{"24", int64(24), "1818", "24", nil},
	{"1000", int64(1000), "1903e8", "1000", nil},
	{"1000000", int64(1000000), "1a000f4240", "1000000", nil},
	{"1000000000000", int64(1000000000000), "1b000000e8d4a51000", "1000000000000", nil},
	{"largest uint64", uint64(math.MaxUint64), "1bffffffffffffffff", "18446744073709551615", nil},
	{"smallest int64", int64(math.MinInt64), "3b7fffffffffffffff", "-9223372036854775808", nil},
	{"-1", int64(-1), "20", "-1", nil},
	{"-1000", int64(-1000), "3903e7", "-1000", nil},
	{"2^64", decimal("18446744073709551616"), "c249010000000000000000", "18446744073709551616", nil},
	{"-2^64-1", decimal("-18446744073709551617"), "c349010000000000000000", "-18446744073709551617", nil},
	{"small big integer", big.NewInt(5), "c24105", "5", nil},
	{"big zero", new(big.Int), "c240", "0", nil},
	{"0.0", 0.0, "f90000", "0.0", nil},
	{"-0.0", math.Copysign(0, -1), "f98000", "-0.0", nil},
	{"1.0", 1.0, "f93c00", "1.0", nil},
	{"1.1", 1.1, "fb3ff199999999999a", "1.1", nil},
	{"1.5", 1.5, "f93e00", "1.5", nil},
	{"65504.0", 65504.0, "f97bff", "65504.0", nil},
	{"65536.0", 65536.0, "fa47800000", "65536.0", nil},
	{"100000.0", 100000.0, "fa47c35000", "100000.0", nil},
	{"3.4028234663852886e+38", 3.4028234663852886e+38, "fa7f7fffff", "3.4028234663852886e+38", nil},
	{"1e300", 1.0e+300, "fb7e37e43c8800759c", "1.0e+300", nil},
	{"smallest half", 5.960464477539063e-8, "f90001", "5.960464477539063e-8", nil},
	{"smallest normal half", 0.00006103515625, "f90400", "0.00006103515625", nil},
	{"-4.0", -4.0, "f9c400", "-4.0", nil},
	{"infinity", math.Inf(1), "f97c00", "Infinity", nil},
	{"-infinity", math.Inf(-1), "f9fc00", "-Infinity", nil},
	{"NaN", math.NaN(), "f97e00", "NaN", nil},
	{"empty text", "", "60", `""`, nil},
	{"text", "IETF", "6449455446", `"IETF"`, nil},
	{"text beyond ASCII", "\u00fc\u6c34\U00010151", "69c3bce6b0b4f0908591", "", nil},
	{"bytes", []byte{1, 2, 3, 4}, "4401020304", "h'01020304'", nil},
	{"nested arrays", []any{int64(1), []any{int64(2), int64(3)}}, "8201820203", "[1, [2, 3]]", nil},
	{"plain object", map[string]any{"b": []any{int64(2)}, "a": int64(1)}, "a26161016162" + "8102", `{"a": 1, "b": [2]}`, nil},
	{"date", time.Date(2013, 3, 21, 20, 4, 0, 0, time.UTC), "c074323031332d30332d32315432303a30343a30305a", `0("2013-03-21T20:04:00Z")`, nil},
	{"date to the nanosecond", time.Date(2025, 1, 30, 12, 0, 0, 123456789, time.UTC),
		"c0781e323032352d30312d33305431323a30303a30302e3132333435363738395a", `0("2025-01-30T12:00:00.123456789Z")`, nil},
	{"date after the year 9999", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "c11b0000003afff44180", "1(253402300800)", nil},
	{"URL", parseURL("http://www.example.com"), "d82076687474703a2f2f7777772e6578616d706c652e636f6d", `32("http://www.example.com")`, nil},

	// RFC 8746, little endian.
	{"Int8Array", []int8{-1, 2}, "d84842ff02", "72(h'ff02')", nil},
	{"Int16Array", []int16{-100, 256}, "d84d449cff0001", "77(h'9cff0001')", nil},
	{"Uint16Array", []uint16{2, 4, 8}, "d84546020004000800", "69(h'020004000800')", nil},
	{"Int32Array", []int32{-2}, "d84e44feffffff", "78(h'feffffff')", nil},
	{"Uint32Array", []uint32{1}, "d8464401000000", "70(h'01000000')", nil},
	{"BigInt64Array", []int64{-1}, "d84f48ffffffffffffffff", "79(h'ffffffffffffffff')", nil},
	{"BigUint64Array", []uint64{1}, "d847480100000000000000", "71(h'0100000000000000')", nil},
	{"Float32Array", []float32{1.5}, "d855440000c03f", "85(h'0000c03f')", nil},
	{"Float64Array", []float64{1.5}, "d85648000000000000f83f", "86(h'000000000000f83f')", nil},
	{"Uint8ClampedArray", lmz.Uint8Clamped{0, 255}, "d8444200ff", "68(h'00ff')", nil},
	{"ArrayBuffer", lmz.ArrayBuffer{Bytes: []byte{1, 2}}, "d81b826b4172726179427566666572a1656279746573420102",
		`27(["ArrayBuffer", {"bytes": h'0102'}])`, nil},
	{"DataView", lmz.DataView{Buffer: []byte{1, 2}, ByteOffset: 1, ByteLength: 1}, "",
		`27(["DataView", {"buffer": h'0102', "byteOffset": 1, "byteLength": 1}])`, nil},

	{"Set", lmz.Set{int64(1), "a"}, "d9010282016161", `258([1, "a"])`, nil},
	{"Map", lmz.Map{{Key: "k", Value: int64(1)}, {Key: map[string]any{}, Value: nil}}, "d90103a2616b01a0f6", `259({"k": 1, {}: null})`, nil},
	{"Go map with number keys", map[int]string{2: "b", 1: "a"}, "d90103a2016161026162", `259({1: "a", 2: "b"})`,
		lmz.Map{{Key: int64(1), Value: "a"}, {Key: int64(2), Value: "b"}}},
	{"RegExp", lmz.RegExp{Source: `a\/b`, Flags: "gi"}, "d9524a8264615c2f62626769", `21066(["a\\/b", "gi"])`, nil},
	{"boxed boolean", lmz.Boxed{Value: false}, "", `27(["Boolean", {"value": false}])`, nil},
	{"boxed number", lmz.Boxed{Value: 1.5}, "", `27(["Number", {"value": 1.5}])`, nil},
	{"boxed string", lmz.Boxed{Value: "s"}, "", `27(["String", {"value": "s"}])`, nil},
	{"boxed big integer", lmz.Boxed{Value: big.NewInt(1)}, "", `27(["BigInt", {"value": 1}])`, nil},
	{"headers", lmz.Headers{{"a", "1"}, {"set-cookie", "x"}}, "", `27(["Headers", {"entries": [["a", "1"], ["set-cookie", "x"]]}])`, nil},
	{"request", &lmz.HTTPRequest{URL: "https://example.com/", Method: "POST", Headers: lmz.Headers{{"a", "1"}}, Body: "x"}, "",
		`27(["Request", {"url": "https://example.com/", "method": "POST", "headers": 27(["Headers", {"entries": [["a", "1"]]}]), "body": "x"}])`, nil},
	{"response", &lmz.HTTPResponse{Status: 201, StatusText: "Created", Headers: lmz.Headers{{"a", "1"}}}, "",
		`27(["Response", {"status": 201, "statusText": "Created", "headers": 27(["Headers", {"entries": [["a", "1"]]}]), "body": null}])`, nil},

	{"error", &lmz.Error{Name: "TypeError", Message: "t", Fields: map[string]any{"field": "email"}, Cause: &lmz.Error{Name: "Error", Message: "why"}}, "",
		`27(["Error", {"name": "TypeError", "message": "t", "cause": 27(["Error", {"name": "Error", "message": "why"}]), "field": "email"}])`, nil},
	{"error whose cause is a text", &lmz.Error{Name: "Error", Message: "t", Fields: map[string]any{"cause": "why"}}, "",
		`27(["Error", {"name": "Error", "message": "t", "cause": "why"}])`, nil},
	{"continuation", lmz.Ctn("admin").Then("add", lmz.Ctn("get", int64(1)), lmz.Result), "",
		`27(["Continuation", ["admin", [], "add", [27(["Continuation", ["get", [1]]]), 27(["Result"])]]])`, nil},
	{"struct", point{1, 2}, "a2617801617902", `{"x": 1, "y": 2}`, map[string]any{"x": int64(1), "y": int64(2)}},
	{"list of int", []int{1, -1}, "820120", "[1, -1]", []any{int64(1), int64(-1)}},
	{"nil slice", []string(nil), "80", "[]", []any{}},
	{"nil pointer", (*point)(nil), "f6", "null", nil},
}

func TestEveryKindOfValueHasItsBytesAndComesBack(t *testing.T) {
	for _, test := range values {
		t.Run(test.name, func(t *testing.T) {
			data, err := Marshal(test.v)
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(data); test.hex != "" && got != test.hex {
				t.Errorf("bytes %s, want %s", got, test.hex)
			}
			if err := cbor.Wellformed(data); err != nil {
				t.Errorf("another library finds it malformed: %v", err)
			}
			if got, err := cbor.Diagnose(data); test.diag != "" && (err != nil || got != test.diag) {
				t.Errorf("diagnostic notation %s (%v), want %s", got, err, test.diag)
			}
			var back any
			if err := Unmarshal(data, &back); err != nil {
				t.Fatal(err)
			}
			want := test.v
			if test.back != nil {
				want = test.back
			}
			if test.name == "nil pointer" {
				want = nil
			}
			if f, ok := want.(float64); ok && f != f {
				if g, ok := back.(float64); !ok || g == g {
					t.Errorf("got %v, want NaN", back)
				}
				return
			}
			if !reflect.DeepEqual(back, want) {
				t.Errorf("came back as %#v, want %#v", back, want)
			}
		})
	}
}

func TestWhatOtherLibrariesWriteIsRead(t *testing.T) {
	for _, test := range []struct {
		name, hex string
		want      any
	}{
		{"seconds", "c11a514b67b0", time.Date(2013, 3, 21, 20, 4, 0, 0, time.UTC)},
		{"seconds as a float", "c1fb41d452d9ec200000", time.Date(2013, 3, 21, 20, 4, 0, 500e6, time.UTC)},
		{"date with an offset", "c0781932303133" + hex.EncodeToString([]byte("-03-21T22:04:00+02:00")), time.Date(2013, 3, 21, 20, 4, 0, 0, time.UTC)},
		{"big endian Uint16Array", "d84144000100ff", []uint16{1, 255}},
		{"tagged Uint8Array", "d840420102", []byte{1, 2}},
		{"longer heads than needed", "9900021800fa3f800000", []any{int64(0), 1.0}},
		{"map with number keys and no tag", "a10102", lmz.Map{{Key: int64(1), Value: int64(2)}}},
		{"integer below int64", "3bffffffffffffffff", decimal("-18446744073709551616")},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got any
			if err := Unmarshal(valuetest.Unhex(test.hex), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

func TestMillisecondsAsFloatSecondsAreExact(t *testing.T) {
	for ms := int64(1735689600000); ms < 1735689602000; ms++ {
		data, err := cbor.Marshal(cbor.Tag{Number: 1, Content: float64(ms) / 1000})
		if err != nil {
			t.Fatal(err)
		}
		var got time.Time
		if err := Unmarshal(data, &got); err != nil || !got.Equal(time.UnixMilli(ms)) {
			t.Fatalf("%d ms came back as %v (%v)", ms, got, err)
		}
	}
}
