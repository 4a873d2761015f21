package cbordoc_test

import (
	"fmt"

	"github.com/lumenize/lmz/internal/cbordoc"
)

// This writes a map that contains one list twice.
func ExampleWriter() {
	var w cbordoc.Writer
	check(w.Begin(cbordoc.MajorMap, 2))
	w.Dst = cbordoc.AppendText(w.Dst, "a")
	number := w.Marks
	check(w.Mark())
	check(w.Begin(cbordoc.MajorArray, 1))
	w.Dst = cbordoc.AppendInt(w.Dst, 7)
	w.End()
	w.End()
	w.Dst = cbordoc.AppendText(w.Dst, "b")
	check(w.Reference(number))
	w.End()
	fmt.Printf("%x\n", w.Dst)
	// Output: a26161d81c81076162d81d00
}

func ExampleReader() {
	data := []byte("\xa2\x61a\x07\x61b\x80")
	refs, err := cbordoc.Scan(data)
	check(err)
	r := cbordoc.NewReader(data, refs, cbordoc.Budget(len(data)))
	_, err = r.Members(r.Token(0), func(key []byte, pos int) (end int, err error) {
		fmt.Printf("%s: %s\n", key, r.Describe(r.Token(pos)))
		return cbordoc.Skip(data, pos), nil
	})
	check(err)
	// Output:
	// a: integer
	// b: array
}

func ExampleAt() {
	err := error(&cbordoc.Error{What: "func() cannot be sent"})
	err = cbordoc.At(cbordoc.At(err, "handler"), cbordoc.Index(0))
	fmt.Println(err)
	// Output: [0].handler: func() cannot be sent
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
