//go:build js && text

package main

import (
	"strconv"
	"time"

	"github.com/lumenize/lmz/text"
)

// jsonWriter encodes results for JavaScript as JSON: one string takes less code and less time
// than building arrays and objects member by member. Its methods are not inlined.
type jsonWriter struct{ b []byte }

// next writes a comma before a value if one is needed.
//
//go:noinline
func (w *jsonWriter) next() {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '[', '{', ':':
		default:
			w.b = append(w.b, ',')
		}
	}
}

//go:noinline
func (w *jsonWriter) open(c byte) {
	w.next()
	w.b = append(w.b, c)
}

//go:noinline
func (w *jsonWriter) close(c byte) { w.b = append(w.b, c) }

//go:noinline
func (w *jsonWriter) literal(s string) {
	w.next()
	w.b = append(w.b, s...)
}

//go:noinline
func (w *jsonWriter) null() { w.literal("null") }

//go:noinline
func (w *jsonWriter) int(n int) {
	w.next()
	w.b = strconv.AppendInt(w.b, int64(n), 10)
}

//go:noinline
func (w *jsonWriter) bool(v bool) {
	if v {
		w.literal("true")
	} else {
		w.literal("false")
	}
}

// member writes the name of a member of an object.
//
//go:noinline
func (w *jsonWriter) member(name string) {
	w.string(name)
	w.b = append(w.b, ':')
}

// string writes a string, which must be UTF-8.
//
//go:noinline
func (w *jsonWriter) string(s string) {
	const hex = "0123456789abcdef"
	w.next()
	b := append(w.b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		if c < ' ' {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			b = append(b, '\\', c)
		}
	}
	w.b = append(append(b, s[from:]...), '"')
}

// err writes the message of an error, or "".
//
//go:noinline
func (w *jsonWriter) err(err error) {
	message := ""
	if err != nil {
		message = err.Error()
	}
	w.string(message)
}

// parts writes what [text.ChangeSet.Wire] returns.
func (w *jsonWriter) parts(parts []any) {
	w.open('[')
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			w.int(p)
		case string:
			w.string(p)
		case []any:
			w.parts(p)
		}
	}
	w.close(']')
}

func (w *jsonWriter) changesIf(c text.ChangeSet, ok bool) {
	if ok {
		w.parts(c.Wire())
	} else {
		w.null()
	}
}

func (w *jsonWriter) updates(all []text.Update) {
	w.open('[')
	for i := range all {
		w.open('{')
		w.member("clientID")
		w.string(all[i].ClientID)
		w.member("number")
		w.int(all[i].Number)
		w.member("changes")
		w.parts(all[i].Changes)
		w.close('}')
	}
	w.close(']')
}

// effect writes an effect as an array [name, ...].
func (w *jsonWriter) effect(e text.Effect) {
	w.open('[')
	switch e := e.(type) {
	case text.Subscribe:
		w.string("subscribe")
	case text.Load:
		w.string("load")
		w.int(e.Call)
		w.int(e.Opening.Version)
		w.int(e.Opening.Length)
		w.string(e.Opening.Text)
	case text.Fetch:
		w.string("fetch")
		w.int(e.Call)
		w.int(e.Since)
	case text.Push:
		w.string("push")
		w.int(e.Call)
		w.int(e.Base)
		w.updates(text.Updates(e.Edits))
	case text.Present:
		w.string("present")
		w.string(e.Cursor.ClientID)
		w.int(e.Cursor.Version)
		w.int(e.Cursor.Anchor)
		w.int(e.Cursor.Head)
	case text.Store:
		w.string("store")
		w.open('[')
		for i := range e.Records {
			r := &e.Records[i]
			w.open('[')
			w.string(r.Editor)
			w.int(r.Version)
			w.updates(r.Edits)
			w.close(']')
		}
		w.close(']')
	case text.Wait:
		w.string("wait")
		w.int(int(e.Timer))
		w.int(int(e.For / time.Millisecond))
	case text.Wake:
		w.string("wake")
	}
	w.close(']')
}

// state writes what the page shows about a document: whether its text is loaded, whether
// another text is about to replace it, whether everything is saved, the version, the editor,
// the author of the last change, the failing step and its error, and the journal's error.
func (w *jsonWriter) state(s *text.Sync) {
	version, editor := 0, ""
	if s.Ready() {
		version, editor = s.Client().Version(), s.Client().Editor()
	}
	step, err := s.Problem()
	w.open('[')
	w.bool(s.Ready())
	w.bool(s.Replacing())
	w.bool(s.Saved())
	w.int(version)
	w.string(editor)
	w.string(s.ChangedBy())
	w.int(int(step))
	w.err(err)
	w.err(s.JournalErr())
	w.close(']')
}

// news writes the result of a Pull: the text if it was replaced, else null; the changes;
// whether people changed; and the refused edits as [editor, edits].
func (w *jsonWriter) news(s *text.Sync) {
	n := s.Pull()
	w.open('[')
	if n.Loaded {
		w.string(s.Client().Text().String())
		n.Changes = nil // already in the text
	} else {
		w.null()
	}
	w.open('[')
	for i := range n.Changes {
		w.parts(n.Changes[i].Wire())
	}
	w.close(']')
	w.bool(n.People)
	w.open('[')
	for i := range n.Refused {
		r := &n.Refused[i].Record
		w.open('[')
		w.string(r.Editor)
		w.updates(r.Edits)
		w.close(']')
	}
	w.close(']')
	w.close(']')
}

// people writes the people present, with their cursor positions on the screen.
func (w *jsonWriter) people(all []text.Person) {
	w.open('[')
	for i := range all {
		p := &all[i]
		w.open('{')
		w.member("clientID")
		w.string(p.ClientID)
		w.member("name")
		w.string(p.Name)
		w.member("color")
		w.int(p.Color)
		w.member("anchor")
		w.int(p.Anchor)
		w.member("head")
		w.int(p.Head)
		w.close('}')
	}
	w.close(']')
}
