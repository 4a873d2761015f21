package jsonwire_test

import (
	"fmt"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
)

// A list that occurs twice stays one list.
func ExampleEncode() {
	list := lmz.Set{1, "a"}
	text, err := jsonwire.Encode([]any{list, list})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", text)
	// Output: {"json":[{"$ref":0},{"$ref":0}],"meta":{"aliases":{"0":{"$type":"set","values":[1,"a"]}}}}
}
