package mergepatch_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/lumenize/lmz/mergepatch"
)

func parsed(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// TestExamplesOfRFC7396 runs the vectors of RFC 7396, appendix A.
func TestExamplesOfRFC7396(t *testing.T) {
	for _, test := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		target := parsed(t, test.target)
		got := mergepatch.Apply(target, parsed(t, test.patch))
		if !reflect.DeepEqual(got, parsed(t, test.want)) {
			t.Errorf("%s with %s is %v, want %s", test.target, test.patch, got, test.want)
		}
		if !reflect.DeepEqual(target, parsed(t, test.target)) {
			t.Errorf("%s was changed to %v", test.target, target)
		}
	}
}

func TestDiffAndApply(t *testing.T) {
	for _, test := range []struct{ before, after, patch string }{
		{`{"a":1,"b":{"c":2,"d":3}}`, `{"a":1,"b":{"c":2,"d":4}}`, `{"b":{"d":4}}`},
		{`{"a":1}`, `{"b":1}`, `{"a":null,"b":1}`},
		{`{"a":[1,2]}`, `{"a":[1,3]}`, `{"a":[1,3]}`},
		{`{"a":{"b":1}}`, `{"a":5}`, `{"a":5}`},
		{`{"a":5}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
		{`5`, `{"a":1}`, `{"a":1}`},
		{`{"a":1}`, `[]`, `[]`},
	} {
		before, after := parsed(t, test.before), parsed(t, test.after)
		patch, changed := mergepatch.Diff(before, after)
		if !changed || !reflect.DeepEqual(patch, parsed(t, test.patch)) {
			t.Errorf("from %s to %s: %v, want %s", test.before, test.after, patch, test.patch)
		}
		if got := mergepatch.Apply(before, patch); !reflect.DeepEqual(got, after) {
			t.Errorf("from %s to %s with %v: %v", test.before, test.after, patch, got)
		}
	}
	if patch, changed := mergepatch.Diff(parsed(t, `{"a":[1,{"b":null}]}`), parsed(t, `{"a":[1,{"b":null}]}`)); changed {
		t.Errorf("equal values differ by %v", patch)
	}
	if patch, _ := mergepatch.Diff(parsed(t, `{"a":1}`), parsed(t, `{"a":null}`)); !reflect.DeepEqual(patch, map[string]any{"a": nil}) {
		t.Errorf("a member that becomes null: %v", patch)
	}
}
