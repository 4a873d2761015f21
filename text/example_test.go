package text_test

import (
	"fmt"
	"time"

	"github.com/lumenize/lmz/text"
)

// Ann and Bob change the same text at once. The authority takes Ann's edit first and
// moves Bob's, which comes late.
func Example() {
	document := text.NewAuthority(0, text.NewText("The quick fox"))
	var log text.MemoryLog
	ann := text.NewClient("ann", 0, document.Text().Clone())
	bob := text.NewClient("bob", 0, document.Text().Clone())

	must(ann.Edit(text.Insert(13, 10, "brown ")))
	must(bob.Edit(text.Insert(13, 13, " jumps")))

	for _, c := range []*text.Client{ann, bob} {
		base, edits := c.Push()
		pushed, err := document.Push(&log, base, edits, time.Now())
		must(err)
		log.Add(pushed.New...) // an object stores them here
		document.Commit(pushed)
		c.Pushed(document.Version())
	}
	for _, c := range []*text.Client{ann, bob} {
		for version := 1; version <= document.Version(); version++ {
			entry, _, _ := log.Entry(version)
			_, err := c.Receive(entry)
			must(err)
		}
		fmt.Println(c.Editor(), "has", c.Text())
	}
	ann.Undo()
	fmt.Println("after undo:", ann.Text())
	// Output:
	// ann has The quick brown fox jumps
	// bob has The quick brown fox jumps
	// after undo: The quick fox jumps
}

func ExampleChangeSet_Map() {
	ann := text.Insert(5, 0, ">> ")
	bob := text.Delete(5, 3, 5)
	late, err := bob.Map(ann, false)
	must(err)
	fmt.Println(bob.Wire(), "becomes", late.Wire())
	// Output: [3 [2]] becomes [6 [2]]
}

// An emoji has two units, as in JavaScript, and a line break has one.
func ExampleNew() {
	c, err := text.New(7, text.Change{From: 2, To: 7, Insert: "👍\nall"})
	must(err)
	t := text.NewText("OK then")
	must(t.Apply(c))
	fmt.Printf("%q has %d units in %d lines\n", t, t.Len(), t.Lines())
	fmt.Println(c.Wire())
	// Output:
	// "OK👍\nall" has 8 units in 2 lines
	// [2 [5 👍 all]]
}

func ExampleDiff() {
	for change := range text.Diff("one\ntwo\nthree\n", "one\n2\nthree!\n").Changes() {
		fmt.Printf("%+v\n", change)
	}
	// Output:
	// {From:4 To:7 Insert:2}
	// {From:13 To:13 Insert:!}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
