package value_test

import (
	"fmt"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/value"
)

func ExampleMarshal() {
	data, err := value.Marshal(map[string]any{"name": "Ann", "tags": lmz.Set{"a", "b"}})
	if err != nil {
		panic(err)
	}
	var back any
	if err := value.Unmarshal(data, &back); err != nil {
		panic(err)
	}
	fmt.Printf("%d bytes: %v\n", len(data), back)

	_, err = value.Marshal(map[string]any{"handler": func() {}})
	fmt.Println(err)
	// Output:
	// 23 bytes: map[name:Ann tags:[a b]]
	// handler: func() cannot be sent
}

// A node reads one element of a list and passes another on without decoding it.
func ExampleItem() {
	data, err := value.Marshal([]any{"update", map[string]any{"large": "..."}})
	if err != nil {
		panic(err)
	}
	list, err := value.Parse(data)
	if err != nil {
		panic(err)
	}
	elements, _ := list.Elements()
	method, _ := elements[0].Text()
	onward, err := value.Marshal(elements[1])
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s %x\n", method, onward)
	// Output: update a1656c61726765632e2e2e
}
