package value

import (
	"bytes"
	"iter"

	"github.com/lumenize/lmz/internal/cbordoc"
)

// holdsWork reports whether an item contains a continuation at any depth.
func holdsWork(it Item) bool {
	for pos := range it.objects() {
		if _, content := cbordoc.HeadAt(it.data, pos); isWork(it.data, content) {
			return true
		}
	}
	return false
}

// Objects returns the typed objects (tag 27) at any depth of the item, in the order in
// which they begin. It does not follow references.
func (it Item) Objects() iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for pos := range it.objects() {
			if !yield(it.at(pos)) {
				return
			}
		}
	}
}

// objects returns where the typed objects begin.
func (it Item) objects() iter.Seq[int] {
	return func(yield func(int) bool) {
		for pos := it.start; pos < it.end; {
			h, next := cbordoc.HeadAt(it.data, pos)
			switch {
			case h.Major == cbordoc.MajorTag && h.Arg == cbordoc.TagObject:
				if !yield(pos) {
					return
				}
			case h.Major == cbordoc.MajorBytes || h.Major == cbordoc.MajorText:
				next += int(h.Arg)
			}
			pos = next
		}
	}
}

// Rewrite copies the item into a new document. It calls replace for each typed object,
// from left to right, and writes the item that replace returns instead if ok is true. A
// shared value stays one value, but a replacement is written in each place.
func (it Item) Rewrite(replace func(object Item) (with Item, ok bool, err error)) (Item, error) {
	enc := &encoder{Writer: cbordoc.Writer{Dst: make([]byte, 0, len(it.Raw()))}}
	c := copier{encoder: enc, data: it.data, refs: it.refs, numbers: enc.numbersOf(it.refs)}
	c.replace = func(pos int) (bool, error) {
		with, ok, err := replace(it.at(pos))
		if ok && err == nil {
			err = enc.embed(with)
		}
		return ok, err
	}
	if _, err := c.copy(it.contents()); err != nil {
		return Item{}, err
	}
	return Parse(enc.Dst)
}

// SharesValues reports whether the item's document shares any values.
func (it Item) SharesValues() bool { return it.refs != nil }

// isWork reports whether the array at pos begins with the name of a continuation.
func isWork(data []byte, pos int) bool {
	h, next := cbordoc.HeadAt(data, pos)
	if h.Major != cbordoc.MajorArray || h.Arg == 0 {
		return false
	}
	name, next := cbordoc.HeadAt(data, next)
	return name.Major == cbordoc.MajorText && name.Arg == uint64(len(cbordoc.ObjectContinuation)) && string(data[next:next+len(cbordoc.ObjectContinuation)]) == cbordoc.ObjectContinuation
}

// item writes an item of another document into this one. Shared values get new numbers, because
// numbers count from the beginning of a document. A shared value outside the item is written
// where the item first refers to it.
//
// A continuation from another node is refused: the next node would execute it with the
// rights of this one.
func (e *encoder) item(it Item) error {
	if bytes.Contains(it.Raw(), []byte(cbordoc.ObjectContinuation)) && holdsWork(it) {
		return &cbordoc.Error{What: "a continuation that came from another node cannot be passed on"}
	}
	return e.embed(it)
}

// embed is item without the check for continuations.
func (e *encoder) embed(it Item) error {
	if it.refs == nil {
		return e.Raw(it.Raw())
	}
	c := copier{encoder: e, data: it.data, refs: it.refs, numbers: e.numbersOf(it.refs)}
	_, err := c.copy(it.start)
	return err
}

// numbersOf returns the numbers that the shared values of another document have in this one.
func (e *encoder) numbersOf(refs *cbordoc.References) []int {
	if refs == nil {
		return nil
	}
	numbers, known := e.copied[refs]
	if !known {
		numbers = make([]int, len(refs.Marks))
		for i := range numbers {
			numbers[i] = cbordoc.Unwritten
		}
		if e.copied == nil {
			e.copied = make(map[*cbordoc.References][]int)
		}
		e.copied[refs] = numbers
	}
	return numbers
}

// copier copies parts of a document that shares values.
type copier struct {
	*encoder
	data    []byte
	refs    *cbordoc.References
	numbers []int // of its tags 28 in the new document, or unwritten

	// replace may write another item instead of the typed object at pos, and reports
	// whether it did. Nil replaces nothing.
	replace func(pos int) (bool, error)
}

// copy writes the item at pos and returns its end.
func (c *copier) copy(pos int) (end int, err error) {
	h, next := cbordoc.HeadAt(c.data, pos)
	n := 0
	switch h.Major {
	case cbordoc.MajorBytes, cbordoc.MajorText:
		end = next + int(h.Arg)
		c.Dst = append(c.Dst, c.data[pos:end]...)
		return end, nil
	case cbordoc.MajorArray:
		n = int(h.Arg)
	case cbordoc.MajorMap:
		n = 2 * int(h.Arg)
	case cbordoc.MajorTag:
		switch h.Arg {
		case cbordoc.TagShared:
			return cbordoc.Skip(c.data, next), c.sharedValue(c.refs.Number(next))
		case cbordoc.TagReference:
			number, end := cbordoc.HeadAt(c.data, next)
			return end, c.sharedValue(int(number.Arg))
		case cbordoc.TagObject:
			if c.replace == nil {
				break
			}
			if done, err := c.replace(pos); done || err != nil {
				return cbordoc.Skip(c.data, pos), err
			}
		}
		n = 1
	default:
		c.Dst = append(c.Dst, c.data[pos:next]...)
		return next, nil
	}
	return c.contents(h, next, n)
}

func (c *copier) contents(h cbordoc.Head, pos, n int) (end int, err error) {
	if err := c.Begin(h.Major, h.Arg); err != nil {
		return 0, err
	}
	for range n {
		if pos, err = c.copy(pos); err != nil {
			return 0, err
		}
	}
	c.End()
	return pos, nil
}

// sharedValue writes the shared value with this number of the old document, or a reference
// if the value has been written before.
func (c *copier) sharedValue(old int) error {
	if content := c.refs.Marks[old]; c.replace != nil && isObject(c.data, content) {
		if done, err := c.replace(content); done || err != nil { // each place has its own replacement
			return err
		}
	}
	if n := c.numbers[old]; n != cbordoc.Unwritten {
		return c.Reference(n)
	}
	c.numbers[old] = c.Marks
	if err := c.Mark(); err != nil {
		return err
	}
	_, err := c.copy(c.refs.Marks[old])
	c.End()
	return err
}

func isObject(data []byte, pos int) bool {
	h, _ := cbordoc.HeadAt(data, pos)
	return h.Major == cbordoc.MajorTag && h.Arg == cbordoc.TagObject
}

// SelfContained returns the bytes of a document that has the same meaning, read-only. It
// fails only if the values that the item refers to would nest too deeply.
func (it Item) SelfContained() ([]byte, error) {
	if it.refs == nil || it.end-it.start == len(it.data) {
		return it.Raw(), nil
	}
	e := encoder{Writer: cbordoc.Writer{Dst: make([]byte, 0, it.end-it.start)}}
	if err := e.item(it); err != nil {
		return nil, err
	}
	return e.Dst, nil
}
