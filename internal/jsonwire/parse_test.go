package jsonwire

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte(` {"sub":"ann\u00e9\ud83d\ude00\n","exp":1.5e3,"list":[true,false,null,{}],"x":{"y":[]}} `))
	want := map[string]any{
		"sub": "anné😀\n", "exp": 1500.0, "list": []any{true, false, nil, map[string]any{}}, "x": map[string]any{"y": []any{}},
	}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, broken := range []string{"", "{", "[1,]", `{"a"}`, `{"a":1,}`, `"\x"`, `"\u12"`, "tru", "1 2", "{\"a\":\"\n\"}", strings.Repeat("[", 1000)} {
		if got, err := Parse([]byte(broken)); err == nil {
			t.Errorf("%q: no error, %v", broken, got)
		}
	}
}
