//go:build js && text

package main

import (
	"errors"
	"syscall/js"

	"github.com/lumenize/lmz/text"
)

// documents holds the open documents of JavaScript, by number. JavaScript is single-threaded,
// so they need no lock.
var documents = struct {
	all  map[int]*text.Sync
	last int
}{all: make(map[int]*text.Sync)}

// offerText passes the function text to JavaScript: (event, document number, ...). It returns
// JSON: [result of the event, effects to perform], or an error message as a string if the
// event is invalid. web/page/sync.js sends the events.
func offerText(border js.Value) {
	border.Set("text", js.FuncOf(func(_ js.Value, args []js.Value) (result any) {
		w := new(jsonWriter)
		defer func() {
			if v := recover(); v != nil {
				w = new(jsonWriter)
				w.string(describe(v))
				result = string(w.b)
			}
		}()
		w.open('[')
		happen(w, args[0].String(), args[1].Int(), args[2:])
		w.close(']')
		return string(w.b)
	}))
}

// happen applies an event to a document, and writes its result and effects. It panics if the
// event is invalid.
func happen(w *jsonWriter, event string, number int, args arguments) {
	if event == "new" {
		documents.last++
		documents.all[documents.last] = text.NewSync()
		w.int(documents.last)
		return
	}
	s := documents.all[number]
	if s == nil {
		panic("this document was closed")
	}
	// a, b and c are the first three arguments as numbers.
	a, b, c := args.int(0), args.int(1), args.int(2)
	if !look(w, s, event, a, b, c) {
		tell(s, event, args, a, b, c)
		w.null()
	}
	w.open('[')
	for _, e := range s.Effects() {
		w.effect(e)
	}
	w.close(']')
	if event == "forget" {
		delete(documents.all, number)
	}
}

// look handles the events that return a result. It returns false for other events.
func look(w *jsonWriter, s *text.Sync, event string, a, b, c int) bool {
	switch event {
	case "state":
		w.state(s)
	case "people":
		w.people(s.People())
	case "onScreen": // position, version, side
		pos, ok := s.OnScreen(a, b, c)
		if !ok {
			pos = -1
		}
		w.int(pos)
	case "pull":
		w.news(s)
	case "undo":
		w.changesIf(s.Undo())
	case "redo":
		w.changesIf(s.Redo())
	default:
		return false
	}
	return true
}

// tell handles the events that return nothing. a, b and c are the first arguments as numbers.
func tell(s *text.Sync, event string, args arguments, a, b, c int) {
	switch event {
	case "edit": // changes
		changes, err := text.Parse(partsOf(args[0]))
		if err == nil {
			err = s.Edit(changes)
		}
		check(err)
	case "online": // 1 if connected
		s.Online(a == 1)
	case "resubscribe":
		s.Resubscribe()
	case "missed":
		s.Missed()
	case "boundary":
		s.Boundary()
	case "cursor": // anchor, head
		s.SetCursor(a, b)
	case "due": // timer
		s.Due(text.Timer(a))
	case "subscribed": // opening
		s.Subscribed(openingOf(args[0]))
	case "loaded": // call, text, editor
		s.Loaded(a, text.NewText(args.string(1)), args.string(2))
	case "fetched": // call, edits, document version
		s.Fetched(a, entriesOf(args[1]), c)
	case "pushed": // call, version created, document version
		s.Pushed(a, b, c)
	case "failed": // call, error name, message
		s.Failed(a, text.Failure(args.string(1)), errors.New(args.string(2)))
	case "arrived": // edits
		s.Arrived(entriesOf(args[0]))
	case "met": // person
		s.Met(personOf(args[0]))
	case "restore": // editor, version, edits
		s.Restore(text.Record{Editor: args.string(0), Version: b, Edits: updatesOf(args[2])})
	case "discard": // editor
		s.Discard(args.string(0))
	case "stored": // number of records, error message or ""
		var err error
		if message := args.string(1); message != "" {
			err = errors.New(message)
		}
		s.Stored(a, err)
	case "close":
		s.Close()
	case "forget": // the document is never used again
	default:
		panic("unknown event " + event)
	}
}

// check panics if err is not nil: the caller made a mistake.
func check(err error) {
	if err != nil {
		panic(err)
	}
}
