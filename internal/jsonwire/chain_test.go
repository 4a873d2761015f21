package jsonwire

import (
	"context"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/internal/value/valuetest"
)

const resultMarker = `{"__isNestedOperation":true,"__operationChain":[{"type":"get","key":"$result"}]}`

func TestChainsAreTheOriginals(t *testing.T) {
	for _, test := range []struct {
		c    lmz.Continuation
		text string
	}{
		{lmz.Ctn("echo", "hi"), `[{"type":"get","key":"echo"},{"type":"apply","args":["hi"]}]`},
		{lmz.Ctn("admin").Then("forceReset"),
			`[{"type":"get","key":"admin"},{"type":"apply","args":[]},{"type":"get","key":"forceReset"},{"type":"apply","args":[]}]`},
		{lmz.Ctn("add", lmz.Ctn("add", 1, 10), 100), `[{"type":"get","key":"add"},{"type":"apply","args":[{"__isNestedOperation":true,` +
			`"__operationChain":[{"type":"get","key":"add"},{"type":"apply","args":[1,10]}]},100]}]`},
		{lmz.Ctn("onDone", "d", lmz.Result), `[{"type":"get","key":"onDone"},{"type":"apply","args":["d",` + resultMarker + `]}]`},
	} {
		chain, err := value.MarshalChain(test.c)
		if err != nil {
			t.Fatal(err)
		}
		text, err := ChainToJSON(chain)
		if want := encoded(test.text); err != nil || string(text) != want {
			t.Errorf("%v: wrote %s (%v), want %s", test.c, text, err, want)
		}
		if back, err := ChainFromJSON(text); err != nil || string(back) != string(chain) {
			t.Errorf("%v: read %x (%v), want %x", test.c, back, err, chain)
		}
	}
}

func TestReferencesInChainsAreResolved(t *testing.T) {
	calls, got := lmz.Mux{}, 0
	calls.Expose("getData", lmz.Anyone, lmz.HandlerFunc(func(_ context.Context, r *lmz.Request) (any, error) {
		var n int
		got++
		return map[string]any{"n": 1}, r.Args[0].Decode(&n)
	}))
	calls.Expose("combine", lmz.Anyone, lmz.HandlerFunc(func(_ context.Context, r *lmz.Request) (any, error) {
		return len(r.Args), nil
	}))
	for _, text := range []string{
		`{"json":[{"type":"get","key":"combine"},{"type":"apply","args":[{"__isNestedOperation":true,"__operationChain":{"$ref":0}},` +
			`{"__isNestedOperation":true,"__operationChain":{"$ref":0}}]}],` +
			`"meta":{"aliases":{"0":[{"type":"get","key":"getData"},{"type":"apply","args":[1]}]}}}`,
		`{"json":[{"$ref":0},{"type":"apply","args":{"$ref":1}}],"meta":{"aliases":{"0":{"type":"get","key":"combine"},"1":[{"$ref":2},{"$ref":2}],"2":{"a":1}}}}`,
		`{"json":{"$ref":0},"meta":{"aliases":{"0":[{"type":"get","key":"combine"},{"type":"apply","args":[1,2]}]}}}`,
		`{"json":[{"type":"get","key":"combine"},{"type":"apply","args":[{"$ref":0},{"$ref":0}]}],` +
			`"meta":{"aliases":{"0":{"__isNestedOperation":true,"__operationChain":[{"type":"get","key":"getData"},{"type":"apply","args":[1]}]}}}}`,
	} {
		chain, err := ChainFromJSON([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got = 0
		n, err := proto.Execute(context.Background(), &calls, chain)
		if want := 2 * strings.Count(text, `"getData"`); err != nil || n != 2 || got != want {
			t.Errorf("%s: %v, %d data, %v", text, n, got, err)
		}
	}
}

func TestChainsOfAnyFormTravel(t *testing.T) {
	for _, text := range []string{
		`[]`,
		`[{"type":"get","key":"lmz"},{"type":"get","key":"instanceName"}]`,
		`[{"type":"apply","args":[]},{"type":"apply","args":[1]}]`,
		`[{"type":"get","key":"0"}]`,
	} {
		chain, err := ChainFromJSON([]byte(encoded(text)))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if again, err := ChainToJSON(chain); err != nil || string(again) != encoded(text) {
			t.Errorf("%s became %s (%v)", text, again, err)
		}
	}
	chain, err := ChainFromJSON([]byte(`{"json":[{"type":"get","key":0},{"type":"get","key":1.5}]}`))
	if text, _ := ChainToJSON(chain); err != nil || string(text) != encoded(`[{"type":"get","key":"0"},{"type":"get","key":"1.5"}]`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestBadChainsAreRefused(t *testing.T) {
	get, apply := `{"type":"get","key":"a"}`, `{"type":"apply","args":[]}`
	for text, want := range map[string]string{
		`5`:                "operations must be an array",
		`{}`:               "operations must be an array",
		`{"json":{"a":1}}`: "operations must be an array",
		`{"json":[` + strings.Repeat(get+","+apply+",", 25) + get + `]}`:                      "too deep: 51 > 50",
		`{"json":[` + get + `,{"type":"apply","args":[` + strings.Repeat("0,", 100) + `0]}]}`: "too many arguments: 101 > 100",
		`{"json":[{"type":"apply"}]}`: "applies without args",
		`{"json":[{"type":"set"}]}`:   "unknown type",
		`{"json":[{}]}`:               "has no type",
		`{"json":[5]}`:                "an operation is the number 5",
		`{"json":[{"type":"get"}]}`:   "the key of an operation is nothing",
		`{"json":{"$ref":0},"meta":{"aliases":{"0":[` + get + `,{"type":"apply","args":[{"__isNestedOperation":true,"__operationChain":{"$ref":0}}]}]}}}`: "nested",
	} {
		if chain, err := ChainFromJSON([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %x, %v; want %q", text, chain, err, want)
		}
	}
	for doc, want := range map[string]string{"a0": "must be an array", "81f6": "a name or arguments, not null"} {
		if text, err := ChainToJSON(valuetest.Unhex(doc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v; want %q", doc, text, err, want)
		}
	}
}

func TestErrorsCarryWhoFailed(t *testing.T) {
	payload, err := value.Marshal(&lmz.Error{Name: "TypeError", Message: "no", Fields: map[string]any{"z": 1, "lmzCode": "forged"}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := ErrorToJSON(payload, lmz.CodeAbsent)
	if want := encoded(`{"$type":"error","name":"TypeError","message":"no","z":1,"lmzCode":"absent"}`); err != nil || string(text) != want {
		t.Errorf("wrote %s (%v)", text, err)
	}
	back, code, err := ErrorFromJSON(text)
	if err != nil || code != lmz.CodeAbsent {
		t.Errorf("code %q, %v", code, err)
	}
	var e *lmz.Error
	if err := value.Unmarshal(back, &e); err != nil || e.Message != "no" || len(e.Fields) != 1 {
		t.Errorf("read %#v, %v", e, err)
	}
	cyclic, err := value.Marshal(cyclicError())
	if err != nil {
		t.Fatal(err)
	}
	text, err = ErrorToJSON(cyclic, lmz.CodeCallee)
	if want := `{"json":{"$ref":0},"meta":{"aliases":{"0":{"$type":"error","name":"Error","message":"c","stack":"C","cause":{"$ref":0},"lmzCode":"callee"}}}}`; err != nil || string(text) != want {
		t.Errorf("wrote %s (%v)", text, err)
	}
	back, code, err = ErrorFromJSON(text)
	if again, _ := ErrorToJSON(back, code); err != nil || code != lmz.CodeCallee || string(again) != string(text) {
		t.Errorf("read %x, %q, %v", back, code, err)
	}
}

func TestThrownNonErrorBecomesError(t *testing.T) {
	for text, want := range map[string]string{
		`{"json":"sorry"}`: "sorry",
		`{"json":{"a":1}}`: "the node returned a malformed error",
		`5`:                "the node returned a malformed error",
		`{"json":{"$type":"error","message":"m","lmzCode":"made up"}}`: "m",
	} {
		payload, code, err := ErrorFromJSON([]byte(text))
		var e *lmz.Error
		if err != nil || code != "" || value.Unmarshal(payload, &e) != nil || e.Message != want {
			t.Errorf("%s: %v, %q, %v", text, e, code, err)
		}
	}
}
