//go:build js && text

package main

import (
	"syscall/js"

	"github.com/lumenize/lmz/text"
)

// arguments are JavaScript values. Inlining its methods would make the module larger.
type arguments []js.Value

// int returns argument i as a number, or 0 if it is missing.
//
//go:noinline
func (a arguments) int(i int) int {
	if i >= len(a) {
		return 0
	}
	return intOf(a[i])
}

//go:noinline
func (a arguments) string(i int) string { return a[i].String() }

// intOf returns v as a number, or 0 if it is not one, such as a member that an older server
// does not send.
//
//go:noinline
func intOf(v js.Value) int {
	if v.Type() != js.TypeNumber {
		return 0
	}
	return v.Int()
}

//go:noinline
func member(v js.Value, name string) int { return intOf(v.Get(name)) }

//go:noinline
func stringMember(v js.Value, name string) string {
	if v = v.Get(name); v.Type() != js.TypeString {
		return ""
	}
	return v.String()
}

func openingOf(v js.Value) text.Opening {
	all := v.Get("people")
	o := text.Opening{
		Version: member(v, "version"), Length: member(v, "length"), Text: stringMember(v, "text"), Moment: member(v, "moment"),
	}
	for i := range all.Length() {
		o.People = append(o.People, personOf(all.Index(i)))
	}
	return o
}

func personOf(v js.Value) text.Person {
	return text.Person{
		ClientID: stringMember(v, "clientID"), Name: stringMember(v, "name"), Color: member(v, "color"), Version: member(v, "version"),
		Anchor: member(v, "anchor"), Head: member(v, "head"), Gone: v.Get("gone").Truthy(), Moment: member(v, "moment"),
	}
}

// entriesOf reads edits that a document has applied.
func entriesOf(list js.Value) []text.Entry {
	entries := make([]text.Entry, list.Length())
	for i := range entries {
		v, e := list.Index(i), &entries[i]
		var err error
		e.Edit, err = updateOf(v).Edit()
		check(err)
		e.Version, e.By = member(v, "version"), stringMember(v, "by")
	}
	return entries
}

func updateOf(v js.Value) text.Update {
	return text.Update{ClientID: stringMember(v, "clientID"), Number: member(v, "number"), Changes: partsOf(v.Get("changes"))}
}

func updatesOf(list js.Value) []text.Update {
	all := make([]text.Update, list.Length())
	for i := range all {
		all[i] = updateOf(list.Index(i))
	}
	return all
}

// partsOf reads an array of numbers and of arrays of numbers and strings.
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
