package mergepatch_test

import (
	"encoding/json"
	"fmt"

	"github.com/lumenize/lmz/mergepatch"
)

func parse(text string) (v any) {
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}

func ExampleDiff() {
	before, after := parse(`{"title":"Notes","tags":["a"],"draft":true}`), parse(`{"title":"Notes","tags":["a","b"]}`)
	patch, changed := mergepatch.Diff(before, after)
	data, _ := json.Marshal(patch)
	fmt.Println(string(data), changed)
	// Output: {"draft":null,"tags":["a","b"]} true
}

func ExampleApply() {
	target, patch := parse(`{"title":"Notes","draft":true}`), parse(`{"draft":null,"owner":"ann"}`)
	data, _ := json.Marshal(mergepatch.Apply(target, patch))
	fmt.Println(string(data))
	// Output: {"owner":"ann","title":"Notes"}
}
