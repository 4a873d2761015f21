package text_test

import (
	"fmt"
	"time"

	"github.com/lumenize/lmz/text"
)

// Ann and Bob change the same text at once. The authority receives Ann's edit first and
// maps Bob's over it.
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

// A push that is repeated because its answer was lost counts once.
func ExampleAuthority() {
	document := text.NewAuthority(0, text.NewText("fox"))
	var log text.MemoryLog
	push := []text.Edit{{Editor: "ann", Number: 1, Changes: text.Insert(3, 0, "quick ")}}
	for range 2 {
		pushed, err := document.Push(&log, 0, push, time.Now())
		must(err)
		log.Add(pushed.New...)
		document.Commit(pushed)
		fmt.Printf("version %v: %q, %d new\n", pushed.Versions, document.Text(), len(pushed.New))
	}
	// Output:
	// version [1]: "quick fox", 1 new
	// version [1]: "quick fox", 0 new
}

// The client's text is ahead of the document's until its edits are confirmed.
func ExampleClient() {
	ann := text.NewClient("ann", 0, text.NewText("fox"))
	must(ann.Edit(text.Insert(3, 3, "es")))
	fmt.Printf("%q, saved: %v\n", ann.Text(), ann.Saved())

	_, edits := ann.Push()
	bob := text.Entry{Edit: text.Edit{Editor: "bob", Number: 1, Changes: text.Insert(3, 0, "red ")}, Version: 1}
	_, err := ann.Receive(bob)
	must(err)
	late, err := text.Rebase(edits, bob) // as the authority does
	must(err)
	_, err = ann.Receive(text.Entry{Edit: late[0], Version: 2})
	must(err)
	fmt.Printf("%q, saved: %v\n", ann.Text(), ann.Saved())

	ann.Undo()
	fmt.Printf("%q, unsaved: %v\n", ann.Text(), ann.Unsaved().Edits[0].Changes)
	// Output:
	// "foxes", saved: false
	// "red foxes", saved: true
	// "red fox", unsaved: [7 [2]]
}

// A shell carries out the effects. This one has the document in the same process.
func ExampleSync() {
	document := text.NewAuthority(0, text.NewText("fox"))
	var log text.MemoryLog
	s := text.NewSync()
	carryOut := func() {
		for effects := s.Effects(); len(effects) > 0; effects = s.Effects() {
			for _, e := range effects {
				switch e := e.(type) {
				case text.Subscribe:
					s.Subscribed(text.Opening{Version: document.Version(), Text: document.Text().String()})
				case text.Load:
					s.Loaded(e.Call, text.NewText(e.Opening.Text), "ann")
				case text.Push:
					pushed, err := document.Push(&log, e.Base, e.Edits, time.Now())
					must(err)
					log.Add(pushed.New...)
					document.Commit(pushed)
					s.Pushed(e.Call, document.Version(), document.Version())
					s.Arrived(pushed.New) // like every subscriber
				case text.Wake:
					news := s.Pull()
					fmt.Printf("loaded %v, %d changes\n", news.Loaded, len(news.Changes))
				}
			}
		}
	}
	s.Start()
	carryOut()
	must(s.Edit(text.Insert(3, 0, "quick ")))
	carryOut()
	fmt.Printf("%q at version %d, saved: %v\n", document.Text(), document.Version(), s.Saved())
	// Output:
	// loaded false, 0 changes
	// loaded true, 0 changes
	// loaded false, 0 changes
	// "quick fox" at version 1, saved: true
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
