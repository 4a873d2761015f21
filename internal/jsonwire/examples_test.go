package jsonwire

import (
	"math"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/value/valuetest"
)

func cyclicMap() any {
	m := map[string]any{"name": "c"}
	m["self"] = m
	return m
}

func cyclicPair() any {
	a, b := map[string]any{"n": "a"}, map[string]any{"n": "b"}
	a["o"], b["o"] = b, a
	return a
}

func cyclicSet() any {
	s := make(lmz.Set, 1)
	s[0] = s
	return s
}

func cyclicError() any {
	e := &lmz.Error{Message: "c", Fields: map[string]any{"stack": "C"}}
	e.Cause = e
	return e
}

func sharedIn(names ...string) any {
	s, m := map[string]any{"n": 1}, map[string]any{}
	for _, name := range names {
		m[name] = s
	}
	return m
}

func nestedShared() any {
	i := map[string]any{"i": 1}
	o := map[string]any{"inner": i}
	return map[string]any{"x": o, "y": o, "z": i}
}

// jsonExamples are the examples of the original's description, by number. An example without a Go
// value is only read and written again.
var jsonExamples = []struct {
	number int
	v      any
	text   string
}{
	{1, nil, `null`},
	{2, lmz.Undefined{}, `{"$type":"undefined"}`},
	{3, true, `true`},
	{4, 42, `42`},
	{5, math.Copysign(0, -1), `-0`}, // 0 in the original, which reads -0 too
	{6, 1e21, `1e+21`},
	{7, "hi", `"hi"`},
	{8, math.NaN(), `{"$type":"number-special","value":"NaN"}`},
	{9, math.Inf(-1), `{"$type":"number-special","value":"-Infinity"}`},
	{10, big.NewInt(9007199254740993), `{"$type":"bigint","value":"9007199254740993"}`},
	{10, int64(9007199254740993), `{"$type":"bigint","value":"9007199254740993"}`},
	{11, []any{1, lmz.Undefined{}, nil}, `[1,{"$type":"undefined"},null]`},
	{12, []any{1, nil, 3}, `[1,null,3]`},
	{13, map[string]any{"a": lmz.Undefined{}}, `{"a":{"$type":"undefined"}}`},
	{14, nil, `{"$$type":"x","$$ref":1,"$$$a":2,"$$b":3}`},
	{14, map[string]any{"$type": "x", "$ref": 1, "$$a": 2, "$b": 3}, `{"$$$a":2,"$$b":3,"$$ref":1,"$$type":"x"}`},
	{15, time.Date(2025, 1, 30, 12, 0, 0, 0, time.UTC), `{"$type":"date","iso":"2025-01-30T12:00:00.000Z"}`},
	{16, lmz.RegExp{Source: `a\/b\d+`, Flags: "gi"}, `{"$type":"regexp","source":"a\\/b\\d+","flags":"gi"}`},
	{17, lmz.Map{{Key: "k", Value: 1}, {Key: map[string]any{"id": 1}, Value: lmz.Set{2}}},
		`{"$type":"map","entries":[["k",1],[{"id":1},{"$type":"set","values":[2]}]]}`},
	{18, lmz.Set{1, "a"}, `{"$type":"set","values":[1,"a"]}`},
	{19, &url.URL{Scheme: "http", Host: "example.com", Path: "/a b"}, `{"$type":"url","href":"http://example.com/a%20b"}`},
	{20, lmz.Headers{{"x-a", "2"}, {"x-b", "1, 3"}}, `{"$type":"headers","entries":[["x-a","2"],["x-b","1, 3"]]}`},
	{21, lmz.Headers{{"set-cookie", "a=1"}, {"set-cookie", "b=2"}}, `{"$type":"headers","entries":[["set-cookie","a=1"],["set-cookie","b=2"]]}`},
	{22, []byte{1, 2, 255}, `{"$type":"arraybuffer","subtype":"Uint8Array","data":[1,2,255]}`},
	{23, []int16{-100, 0, 100}, `{"$type":"arraybuffer","subtype":"Int16Array","data":[-100,0,100]}`},
	{24, []float32{1.5, 2.7}, `{"$type":"arraybuffer","subtype":"Float32Array","data":[1.5,2.700000047683716]}`},
	{26, lmz.ArrayBuffer{Bytes: []byte{1, 2}}, `{"$type":"arraybuffer","subtype":"ArrayBuffer","data":[1,2]}`},
	{27, lmz.DataView{Buffer: []byte{1, 2, 3, 4}, ByteOffset: 1, ByteLength: 2},
		`{"$type":"arraybuffer","subtype":"DataView","data":[1,2,3,4],"byteOffset":1,"byteLength":2}`},
	{28, []byte{1, 2, 3, 4}[1:3], `{"$type":"arraybuffer","subtype":"Uint8Array","data":[2,3]}`},
	{29, lmz.Boxed{Value: false}, `{"$type":"boolean-object","value":false}`},
	{30, lmz.Boxed{Value: math.NaN()}, `{"$type":"number-object","value":"NaN"}`},
	{31, lmz.Boxed{Value: "s"}, `{"$type":"string-object","value":"s"}`},
	{32, lmz.Boxed{Value: big.NewInt(1)}, `{"$type":"bigint-object","value":"1"}`},
	{35, &lmz.Error{Message: "boom", Fields: map[string]any{"stack": "S", "code": "E1", "$x": 1}},
		`{"$type":"error","name":"Error","message":"boom","stack":"S","$$x":1,"code":"E1"}`},
	{35, nil, `{"$type":"error","name":"Error","message":"boom","stack":"S","code":"E1","$$x":1}`},
	{36, &lmz.Error{Name: "TypeError", Message: "t", Fields: map[string]any{"stack": "S2", "cause": "why"}},
		`{"$type":"error","name":"TypeError","message":"t","stack":"S2","cause":"why"}`},
	{37, &lmz.Error{Message: "x"}, `{"$type":"error","name":"Error","message":"x"}`},
	{38, &lmz.Error{Name: "VE", Message: "bad", Fields: map[string]any{"stack": "S", "field": "email"}},
		`{"$type":"error","name":"VE","message":"bad","stack":"S","field":"email"}`},
	{39, &lmz.Error{Name: "AggregateError", Message: "agg", Fields: map[string]any{"stack": "S",
		"errors": []any{&lmz.Error{Message: "i", Fields: map[string]any{"stack": "I"}}}}},
		`{"$type":"error","name":"AggregateError","message":"agg","stack":"S","errors":[{"$type":"error","name":"Error","message":"i","stack":"I"}]}`},
	{40, sharedIn("a", "b"), `{"a":{"$ref":0},"b":{"$ref":0}},"meta":{"aliases":{"0":{"n":1}}}`},
	{41, cyclicMap(), `{"$ref":0},"meta":{"aliases":{"0":{"name":"c","self":{"$ref":0}}}}`},
	{42, nestedShared(), `{"x":{"$ref":0},"y":{"$ref":0},"z":{"$ref":1}},"meta":{"aliases":{"0":{"inner":{"$ref":1}},"1":{"i":1}}}`},
	{43, nil, `{"r":{"$type":"response-sync","data":{"status":200,"statusText":"","headers":{"$ref":0},"body":null}},"h":{"$ref":0}},` +
		`"meta":{"aliases":{"0":{"$type":"headers","entries":[["a","1"]]}}}`},
	{44, nil, `[{"$ref":0},{"$ref":0}],"meta":{"aliases":{"0":{"$type":"date","iso":"1970-01-01T00:00:00.000Z"}}}`},
	{45, cyclicPair(), `{"$ref":0},"meta":{"aliases":{"0":{"n":"a","o":{"n":"b","o":{"$ref":0}}}}}`},
	{46, nil, `{"$type":"request-sync","data":{"url":"https://example.com/","method":"POST",` +
		`"headers":{"$type":"headers","entries":[["content-type","application/json"]]},"body":{"a":1,"$b":"1970-01-01T00:00:00.000Z"}}}`},
	{46, &lmz.HTTPRequest{URL: "https://example.com/", Method: "POST", Headers: lmz.Headers{{"content-type", "application/json"}},
		Body: map[string]any{"$b": "1970-01-01T00:00:00.000Z", "a": 1}},
		`{"$type":"request-sync","data":{"url":"https://example.com/","method":"POST",` +
			`"headers":{"$type":"headers","entries":[["content-type","application/json"]]},"body":{"$b":"1970-01-01T00:00:00.000Z","a":1}}}`},
	{47, &lmz.HTTPResponse{Status: 201, StatusText: "Created", Body: "ok"},
		`{"$type":"response-sync","data":{"status":201,"statusText":"Created","headers":{"$type":"headers","entries":[]},"body":"ok"}}`},
	{48, nil, `{"m":{"$type":"map","entries":[[{"$ref":0},1]]},"k":{"$ref":0}},"meta":{"aliases":{"0":{"k":1}}}`},
	{49, nil, `{"2":2,"10":1,"b":3,"a":4}`},
	{49, map[string]any{"10": 1, "2": 2, "b": 3, "a": 4}, `{"2":2,"10":1,"a":4,"b":3}`},
	{50, cyclicSet(), `{"$ref":0},"meta":{"aliases":{"0":{"$type":"set","values":[{"$ref":0}]}}}`},
	{51, cyclicError(), `{"$ref":0},"meta":{"aliases":{"0":{"$type":"error","name":"Error","message":"c","stack":"C","cause":{"$ref":0}}}}`},
	{52, struct{ X, Y int }{1, 2}, `{"x":1,"y":2}`},
}

// encoded completes the text of an example.
func encoded(text string) string {
	if !strings.Contains(text, `"meta":`) {
		text += `,"meta":{}`
	}
	return `{"json":` + text + `}`
}

func TestTheExamplesOfTheOriginal(t *testing.T) {
	for _, test := range jsonExamples {
		want := encoded(test.text)
		if test.v != nil {
			if text, err := Encode(test.v); err != nil || string(text) != want {
				t.Errorf("example %d: wrote %s (%v), want %s", test.number, text, err, want)
			}
		}
		doc, err := FromJSON([]byte(want))
		if err != nil {
			t.Errorf("example %d: %v", test.number, err)
			continue
		}
		if text, err := ToJSON(doc); err != nil || string(text) != want {
			t.Errorf("example %d: %s became %x and then %s (%v)", test.number, want, doc, text, err)
		}
		item, err := Decode([]byte(want))
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := item.Decode(&v); err != nil {
			t.Errorf("example %d: %v", test.number, err)
		}
	}
}

func TestReadingWhatTheOriginalReads(t *testing.T) {
	for _, test := range []struct{ text, again string }{
		{`{"json":{"$type":"function","name":"foo"},"meta":{}}`, `{"name":"foo"}`},
		{`{"json":[{"$type":"function","name":"anonymous"}],"meta":{}}`, `[{"name":"anonymous"}]`},
		{`{"json":{"$type":"zzz","a":1,"$$b":2},"meta":{}}`, `{"$$type":"zzz","a":1,"$$b":2}`},
		{`{"json":{"$type":{"$ref":0}},"meta":{"aliases":{"0":[]}}}`, `{"$$type":{"$$ref":0}}`},
		{`{"json":{"$foo":1,"$$foo":2,"$$$foo":3},"meta":{}}`, `{"$$foo":2,"$$$foo":3}`},
		{`{"json":{"$ref":7},"meta":{}}`, `{"$type":"undefined"}`},
		{`{"json":{"$ref":"0"},"meta":{"aliases":{"0":[]}}}`, `{"$type":"undefined"}`},
		{`{"json":{"$ref":0,"a":1},"meta":{"aliases":{"0":[]}}}`, `{"$$ref":0,"a":1}`},
		{`{"json":1}`, `1`},
		{`{"json":1,"meta":null}`, `1`},
		{`{"json":1,"meta":{"later":{}},"more":[]}`, `1`},
		{`{}`, `{"$type":"undefined"}`},
		{`5`, `{"$type":"undefined"}`},
		{`[]`, `{"$type":"undefined"}`},
		{`{"json":{"$ref":0},"meta":{"aliases":{"0":5}}}`, `5`},
		{`{"json":{"$ref":0},"meta":{"aliases":{"0":{"$type":"undefined"}}}}`, `{"$$type":"undefined"}`},
		{`{"json":{"$ref":0},"meta":{"aliases":{"0":{"$ref":1},"1":[]}}}`, `{"$$ref":1}`},
		{`{"json":{"$ref":0},"meta":{"aliases":{"0":[1]}}}`, `[1]`},
		{`{"json":{"a":1,"b":2,"a":3},"meta":{}}`, `{"a":3,"b":2}`},
		{`{"json":{"b":1,"1":2},"meta":{}}`, `{"1":2,"b":1}`},
		{`{"json":1e999,"meta":{}}`, `{"$type":"number-special","value":"Infinity"}`},
		{`{"json":[1E2,-0,0.10],"meta":{}}`, `[100,-0,0.1]`},
		{` { "json" : "\u00e9\ud83d\ude00\/" , "meta" : { } } `, `"é😀/"`},
		{`{"json":{"$type":"arraybuffer","subtype":"Uint8Array","data":[256,-1,1.9]}}`, `{"$type":"arraybuffer","subtype":"Uint8Array","data":[0,255,1]}`},
		{`{"json":{"$type":"arraybuffer","subtype":"Uint8ClampedArray","data":[256,-1,1.5]}}`, `{"$type":"arraybuffer","subtype":"Uint8ClampedArray","data":[255,0,2]}`},
		{`{"json":{"$type":"error","name":5,"message":7,"stack":5}}`, `{"$type":"error","name":"Error","message":"7"}`},
		{`{"json":{"$type":"error"}}`, `{"$type":"error","name":"Error","message":""}`},
		{`{"json":{"$type":"error","message":"m","cause":{"$type":"undefined"}}}`, `{"$type":"error","name":"Error","message":"m"}`},
		{`{"json":{"$type":"response-sync","data":{}}}`,
			`{"$type":"response-sync","data":{"status":200,"statusText":"","headers":{"$type":"headers","entries":[]},"body":null}}`},
		{`{"json":{"$type":"date","iso":"-000001-12-31T23:59:59.999Z"}}`, `{"$type":"date","iso":"-000001-12-31T23:59:59.999Z"}`},
		{`{"json":{"$type":"date","iso":"+275760-09-13T00:00:00.000Z"}}`, `{"$type":"date","iso":"+275760-09-13T00:00:00.000Z"}`},
	} {
		doc, err := FromJSON([]byte(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		again, err := ToJSON(doc)
		if want := encoded(test.again); err != nil || string(again) != want {
			t.Errorf("%s became %s (%v), want %s", test.text, again, err, want)
		}
	}
}

func TestUnreadableJSON(t *testing.T) {
	for text, want := range map[string]string{
		`null`:                      "null where an encoded value belongs",
		`{"json":[1,]}`:             "malformed JSON at byte 11: expected a value",
		`{"json":01}`:               "malformed JSON",
		`{"json":{"a":["\ud800"]}}`: "a[0]: the string holds half of a surrogate pair",
		`{"json":{"a":{"$type":"date","iso":"x"}}}`:                                 `a.iso: "x" is no date`,
		`{"json":{"$type":"date"}}`:                                                 "iso: expected a string, got nothing",
		`{"json":{"$type":"bigint","value":"x"}}`:                                   `"x" is no big integer`,
		`{"json":{"$type":"number-special","value":"12"}}`:                          `"12" is no special number`,
		`{"json":{"$type":"map","entries":5}}`:                                      "entries: expected an array, got the number 5",
		`{"json":{"$type":"map","entries":[[1,2],[1.0,3]]}}`:                        "[1].key: the key occurs twice",
		`{"json":{"$type":"map","entries":[[1]]}}`:                                  "[0]: an entry of a Map is array",
		`{"json":{"$type":"set"}}`:                                                  "values: expected an array, got nothing",
		`{"json":{"$type":"url"}}`:                                                  "href: expected a string",
		`{"json":{"$type":"regexp","source":"a"}}`:                                  "flags: expected a string",
		`{"json":{"$type":"arraybuffer","subtype":"Float64Array","data":[1,null]}}`: "data[1]: expected a number, got null",
		// Example 25: the original reads zeros where there is no number.
		`{"json":{"$type":"arraybuffer","subtype":"Float64Array","data":[null,null,0]},"meta":{}}`:       "data[0]: expected a number, got null",
		`{"json":{"$type":"arraybuffer","subtype":"BigInt64Array","data":[1]}}`:                          `a "BigInt64Array" cannot be read from JSON`,
		`{"json":{"$type":"arraybuffer","subtype":"DataView","data":[1],"byteOffset":1}}`:                "byteLength: expected an integer, got nothing",
		`{"json":{"$type":"arraybuffer","subtype":"DataView","data":[1],"byteOffset":1,"byteLength":1}}`: "outside its buffer",
		`{"json":{"$type":"response-sync","data":{"status":99}}}`:                                        "data.status: expected a status",
		`{"json":{"$type":"request-sync"}}`:                                                              "data: expected an object, got nothing",
		`{"json":{"$type":"headers","entries":[["a"]]}}`:                                                 "entries[0]: expected a name and a value",
		`{"json":{"$type":"boolean-object","value":1}}`:                                                  "value: expected a boolean",
		`{"json":[{"__isNestedOperation":true}]}`:                                                        "missing __operationChain",
	} {
		if doc, err := FromJSON([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %x, %v; want %q", text, doc, err, want)
		}
	}
}

func TestValuesThatJSONCannotHold(t *testing.T) {
	for want, v := range map[string]any{
		"a[1][0]: NaN in a 64-bit float array cannot be sent as JSON": map[string]any{"a": []any{1, []float64{math.NaN()}}},
		"[1]: Infinity in a 32-bit float array":                       []float32{0, float32(math.Inf(1))},
		"a BigInt64Array cannot be sent as JSON":                      []int64{1},
		"x: a BigUint64Array cannot be sent as JSON":                  map[string]any{"x": []uint64{1}},
		"body: bytes cannot be sent as JSON in a body":                &lmz.HTTPRequest{Body: []byte{1}},
		"body: ArrayBuffer cannot be sent as JSON in a body":          &lmz.HTTPResponse{Status: 200, Body: lmz.ArrayBuffer{}},
		"body.at: date cannot be sent as JSON in a body":              &lmz.HTTPRequest{Body: map[string]any{"at": time.Now()}},
		"JavaScript has no date so far away":                          time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC),
		"status: JavaScript takes a status from 200 to 599, not 0":    &lmz.HTTPResponse{},
		"outside its buffer":                                          lmz.DataView{Buffer: []byte{1}, ByteOffset: 1, ByteLength: 1},
		"it would be taken for a continuation":                        []any{map[string]any{"__isNestedOperation": true}},
	} {
		if text, err := Encode(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%#v: %s, %v; want %q", v, text, err, want)
		}
	}
}

func TestDatesAreCutToMillisecondsOnJSON(t *testing.T) {
	for _, test := range []struct {
		date time.Time
		iso  string
	}{
		{time.Date(2025, 1, 30, 12, 0, 0, 123_999_999, time.UTC), "2025-01-30T12:00:00.123Z"},
		{time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC), "1969-12-31T23:59:59.999Z"},
		{time.Date(2025, 1, 30, 12, 0, 0, 0, time.FixedZone("", 3600)), "2025-01-30T11:00:00.000Z"},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "+010000-01-01T00:00:00.000Z"},
	} {
		text, err := Encode(test.date)
		if want := encoded(`{"$type":"date","iso":"` + test.iso + `"}`); err != nil || string(text) != want {
			t.Errorf("%v: %s, %v", test.date, text, err)
		}
	}
}

func TestTextReferredToTwiceIsWrittenOnceOnJSON(t *testing.T) {
	text, err := ToJSON(valuetest.Unhex("83 d81c 63616263 d81d00 d81d00"))
	if want := `{"json":[{"$ref":0},{"$ref":0},{"$ref":0}],"meta":{"aliases":{"0":"abc"}}}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}
