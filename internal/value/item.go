package value

import (
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

// Item is one data item of a parsed document: a value that has not been decoded. It keeps
// the whole document in memory, so that references to its other parts resolve. Items are
// immutable and safe for concurrent use. The zero Item is undefined.
type Item struct {
	data       []byte // the whole document
	start, end int
	refs       *cbordoc.References // nil: the document shares no values
}

var _ lmz.Value = Item{}

// UndefinedDocument is the document of the zero Item.
var UndefinedDocument = []byte{cbordoc.ByteUndefined}

// Raw returns the item's own bytes, read-only. They mean the same elsewhere
// unless they refer to another part of the document; see [Item.SelfContained].
func (it Item) Raw() []byte {
	if it.data == nil {
		return UndefinedDocument
	}
	return it.data[it.start:it.end:it.end]
}

// IsNull reports whether the item is null.
func (it Item) IsNull() bool { return it.first() == cbordoc.ByteNull }

// IsTrue reports whether the item is true.
func (it Item) IsTrue() bool { return it.first() == cbordoc.ByteTrue }

// IsUndefined reports whether the item is undefined.
func (it Item) IsUndefined() bool { return it.first() == cbordoc.ByteUndefined }

func (it Item) first() byte {
	h, _ := cbordoc.HeadAt(it.data, it.contents())
	if it.data == nil {
		return cbordoc.ByteUndefined
	}
	return h.Major<<5 | h.Info
}

// Elements returns the elements of an array, and false for any other value.
func (it Item) Elements() ([]Item, bool) {
	pos := it.contents()
	h, pos := cbordoc.HeadAt(it.data, pos)
	if it.data == nil || h.Major != cbordoc.MajorArray {
		return nil, false
	}
	return it.items(pos, int(h.Arg)), true
}

// Len returns the number of elements of an array, and false for any other value.
func (it Item) Len() (int, bool) {
	h, _ := cbordoc.HeadAt(it.data, it.contents())
	return int(h.Arg), it.data != nil && h.Major == cbordoc.MajorArray
}

// items returns n items beginning at pos.
func (it Item) items(pos, n int) []Item {
	items := make([]Item, n)
	for i := range items {
		items[i] = it.at(pos)
		pos = items[i].end
	}
	return items
}

// at returns the item that begins at pos of the same document.
func (it Item) at(pos int) Item {
	it.start, it.end = pos, cbordoc.Skip(it.data, pos)
	return it
}

// Text returns the text of a string, and false for any other value.
func (it Item) Text() (string, bool) {
	h, pos := cbordoc.HeadAt(it.data, it.contents())
	if it.data == nil || h.Major != cbordoc.MajorText {
		return "", false
	}
	return string(it.data[pos : pos+int(h.Arg)]), true
}

// Bytes returns a copy of a byte string, and false for any other value.
func (it Item) Bytes() ([]byte, bool) {
	h, pos := cbordoc.HeadAt(it.data, it.contents())
	if it.data == nil || h.Major != cbordoc.MajorBytes {
		return nil, false
	}
	return append([]byte(nil), it.data[pos:pos+int(h.Arg)]...), true
}

// Object returns the type name and the other elements of a typed object (tag 27), such as
// a continuation, and false for any other value.
func (it Item) Object() (name string, args []Item, ok bool) {
	h, pos := cbordoc.HeadAt(it.data, it.contents())
	if it.data == nil || h.Major != cbordoc.MajorTag || h.Arg != cbordoc.TagObject {
		return "", nil, false
	}
	elements, ok := it.at(pos).Elements()
	if !ok || len(elements) == 0 {
		return "", nil, false
	}
	name, ok = elements[0].Text()
	return name, elements[1:], ok
}

// contents returns the position of the value itself, behind tag 28 or 29.
func (it Item) contents() int {
	if it.refs == nil {
		return it.start
	}
	h, next := cbordoc.HeadAt(it.data, it.start)
	if h.Major == cbordoc.MajorTag {
		switch h.Arg {
		case cbordoc.TagShared:
			return next
		case cbordoc.TagReference:
			n, _ := cbordoc.HeadAt(it.data, next)
			return it.refs.Marks[n.Arg]
		}
	}
	return it.start
}

// Parse checks that data is exactly one well-formed data item within the limits of
// internal/cbordoc. It decodes nothing and keeps data, which must not change afterwards.
func Parse(data []byte) (Item, error) {
	refs, err := cbordoc.Scan(data)
	if err != nil {
		return Item{}, err
	}
	return Item{data: data, end: len(data), refs: refs}, nil
}

// ItemAt returns the item that begins at pos of the document that r reads.
func ItemAt(r *cbordoc.Reader, pos int) Item {
	return Item{data: r.Data, refs: r.Refs, start: pos, end: cbordoc.Skip(r.Data, pos)}
}
