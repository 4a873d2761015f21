//go:build js && text

package main

import (
	"errors"
	"syscall/js"

	"github.com/lumenize/lmz/text"
)

// kept is how many edits of the past a shared text remembers, to map positions of older
// versions that arrive late.
const kept = 1000

// sharedText is a [text.Client] for JavaScript.
type sharedText struct {
	*text.Client
	past []text.ChangeSet // that made the latest versions
}

// texts are the shared texts that JavaScript has, by number. JavaScript has one thread.
var texts = struct {
	all  map[int]*sharedText
	last int
}{all: make(map[int]*sharedText)}

// offerText offers the function text to JavaScript: (operation, id, ...). It returns
// what the operation does, or an object {wrong} that says why it failed. web/page/text.js
// knows the operations.
func offerText(border js.Value) {
	border.Set("text", js.FuncOf(func(_ js.Value, args []js.Value) (result any) {
		defer func() {
			if v := recover(); v != nil {
				result = wrong(errors.New(describe(v)))
			}
		}()
		result, err := textOperation(args[0].String(), args[1].Int(), args[2:])
		if err != nil {
			return wrong(err)
		}
		return result
	}))
}

func wrong(err error) any { return map[string]any{"wrong": err.Error()} }

func textOperation(operation string, id int, args []js.Value) (any, error) {
	switch operation {
	case "rebase": // edits, version, clientID, number, changes
		return rebase(updatesOf(args[0]), args[1].Int(), updateOf(args[2], args[3], args[4]))
	case "batch": // edits
		edits, err := text.Edits(updatesOf(args[0]))
		return text.Batch(edits), err
	case "new": // editor, version, text
		texts.last++
		texts.all[texts.last] = &sharedText{Client: text.NewClient(args[0].String(), args[1].Int(), text.NewText(args[2].String()))}
		return texts.last, nil
	}
	t := texts.all[id]
	if t == nil {
		return nil, errors.New("this text was closed")
	}
	switch operation {
	case "close":
		delete(texts.all, id)
	case "edit": // changes
		c, err := text.Parse(partsOf(args[0]))
		if err != nil {
			return nil, err
		}
		return nil, t.Edit(c)
	case "receive": // version, clientID, number, changes
		return t.receive(args[0].Int(), updateOf(args[1], args[2], args[3]))
	case "push":
		base, edits := t.Push()
		if len(edits) == 0 {
			return nil, nil
		}
		return map[string]any{"version": base, "edits": updates(text.Updates(edits))}, nil
	case "pushed": // version
		t.Pushed(args[0].Int())
	case "pushFailed":
		t.PushFailed()
	case "undo":
		return changesOf(t.Undo()), nil
	case "redo":
		return changesOf(t.Redo()), nil
	case "boundary":
		t.Boundary()
	case "unsaved":
		u := t.Unsaved()
		return map[string]any{"version": u.Version, "edits": updates(u.Edits)}, nil
	default:
		return t.look(operation, args)
	}
	return nil, nil
}

// look are the operations that change nothing.
func (t *sharedText) look(operation string, args []js.Value) (any, error) {
	switch operation {
	case "saved":
		return t.Saved(), nil
	case "awaits":
		return t.Awaits(), nil
	case "version":
		return t.Version(), nil
	case "text":
		return t.Text().String(), nil
	case "confirmed": // position
		return t.Confirmed(args[0].Int()), nil
	case "onScreen": // position, version, side
		return t.at(args[0].Int(), args[1].Int(), args[2].Int()), nil
	}
	return nil, errors.New("unknown operation " + operation)
}

func (t *sharedText) receive(version int, u text.Update) (any, error) {
	e, err := u.Edit()
	if err != nil {
		return nil, err
	}
	before := t.Version()
	changes, err := t.Receive(text.Entry{Edit: e, Version: version})
	if err != nil {
		return nil, err
	}
	if t.Version() > before {
		if t.past = append(t.past, e.Changes); len(t.past) > 2*kept {
			t.past = append(t.past[:0:0], t.past[kept:]...)
		}
	}
	return changes.Wire(), nil
}

// rebase is [text.Rebase] on the wire.
func rebase(left []text.Update, version int, over text.Update) (any, error) {
	edits, err := text.Edits(left)
	if err != nil {
		return nil, err
	}
	e, err := over.Edit()
	if err != nil {
		return nil, err
	}
	edits, err = text.Rebase(edits, text.Entry{Edit: e, Version: version})
	return updates(text.Updates(edits)), err
}

// at returns where a position of an earlier version is on the screen, or -1 if that
// version is not remembered, or not known yet.
func (t *sharedText) at(pos, version, side int) int {
	behind := t.Version() - version
	if behind < 0 || behind > len(t.past) {
		return -1
	}
	for _, c := range t.past[len(t.past)-behind:] {
		if pos > c.Length() {
			return -1
		}
		pos = c.MapPos(pos, side)
	}
	return t.OnScreen(pos, side)
}

// changesOf is what JavaScript gets of a change that may not be there.
func changesOf(c text.ChangeSet, ok bool) any {
	if !ok {
		return nil
	}
	return c.Wire()
}

// updates are edits as values for JavaScript.
func updates(all []text.Update) []any {
	list := make([]any, len(all))
	for i, u := range all {
		list[i] = map[string]any{"clientID": u.ClientID, "number": u.Number, "changes": u.Changes}
	}
	return list
}

func updateOf(clientID, number, changes js.Value) text.Update {
	return text.Update{ClientID: clientID.String(), Number: number.Int(), Changes: partsOf(changes)}
}

func updatesOf(list js.Value) []text.Update {
	all := make([]text.Update, list.Length())
	for i := range all {
		u := list.Index(i)
		all[i] = updateOf(u.Get("clientID"), u.Get("number"), u.Get("changes"))
	}
	return all
}

// partsOf reads an array of numbers, and arrays of numbers and strings.
func partsOf(v js.Value) []any {
	parts := make([]any, v.Length())
	for i := range parts {
		switch p := v.Index(i); p.Type() {
		case js.TypeNumber:
			parts[i] = p.Int()
		case js.TypeString:
			parts[i] = p.String()
		case js.TypeObject:
			parts[i] = partsOf(p)
		}
	}
	return parts
}
