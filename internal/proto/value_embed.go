package proto

import (
	"bytes"
	"iter"
	"strconv"
)

// holdsWork reports whether there is a continuation anywhere in an item.
func holdsWork(it Item) bool {
	for pos := range it.objects() {
		if _, content := headAt(it.data, pos); isWork(it.data, content) {
			return true
		}
	}
	return false
}

// Objects returns the objects with a type that are anywhere in the item itself, in the
// order in which they begin. It does not follow references.
func (it Item) Objects() iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for pos := range it.objects() {
			if !yield(it.at(pos)) {
				return
			}
		}
	}
}

// objects returns where the objects with a type begin.
func (it Item) objects() iter.Seq[int] {
	return func(yield func(int) bool) {
		for pos := it.start; pos < it.end; {
			h, next := headAt(it.data, pos)
			switch {
			case h.major == majorTag && h.arg == tagObject:
				if !yield(pos) {
					return
				}
			case h.major == majorBytes || h.major == majorText:
				next += int(h.arg)
			}
			pos = next
		}
	}
}

// Rewrite copies the item into a document of its own, in which what replace returns
// stands for each object with a type for which it reports true. It is called for them
// from left to right. What was one value in several places stays one, but a replacement.
func (it Item) Rewrite(replace func(object Item) (with Item, ok bool, err error)) (Item, error) {
	enc := &encoder{dst: make([]byte, 0, len(it.Raw()))}
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
	return Parse(enc.dst)
}

// SharesValues reports whether the item's document has values that stand in more than one
// place.
func (it Item) SharesValues() bool { return it.refs != nil }

// isWork reports whether the array at pos begins with the name of a continuation.
func isWork(data []byte, pos int) bool {
	h, next := headAt(data, pos)
	if h.major != majorArray || h.arg == 0 {
		return false
	}
	name, next := headAt(data, next)
	return name.major == majorText && name.arg == uint64(len(objectContinuation)) && string(data[next:next+len(objectContinuation)]) == objectContinuation
}

// item writes an item of another document into this one. Its tags 28 and 29 are
// numbered anew, because numbers count from the beginning of a document. What it
// refers to elsewhere in its own document is written where it is first needed.
//
// What another node sent must not become work: the next node would do it in this
// one's name.
func (e *encoder) item(it Item) error {
	if bytes.Contains(it.Raw(), []byte(objectContinuation)) && holdsWork(it) {
		return &valueError{what: "a continuation that came from another node cannot be passed on"}
	}
	return e.embed(it)
}

// embed is item without a look at what it is.
func (e *encoder) embed(it Item) error {
	if it.refs == nil {
		return e.raw(it.Raw())
	}
	c := copier{encoder: e, data: it.data, refs: it.refs, numbers: e.numbersOf(it.refs)}
	_, err := c.copy(it.start)
	return err
}

// numbersOf returns the numbers that the tags 28 of another document have in this one.
func (e *encoder) numbersOf(refs *references) []int {
	if refs == nil {
		return nil
	}
	numbers, known := e.copied[refs]
	if !known {
		numbers = make([]int, len(refs.marks))
		for i := range numbers {
			numbers[i] = unwritten
		}
		if e.copied == nil {
			e.copied = make(map[*references][]int)
		}
		e.copied[refs] = numbers
	}
	return numbers
}

// raw copies a document without references. Only its depth is looked at.
func (e *encoder) raw(data []byte) error {
	if e.depth > 0 && depthOf(data) > MaxNesting-e.depth {
		return &valueError{what: "nested deeper than " + strconv.Itoa(MaxNesting)}
	}
	e.dst = append(e.dst, data...)
	return nil
}

// depthOf returns how deep arrays, maps and tags are in a parsed document.
func depthOf(data []byte) int {
	deepest, _ := depthAt(data, 0)
	return deepest
}

func depthAt(data []byte, pos int) (deepest, next int) {
	h, next := headAt(data, pos)
	n := 0
	switch h.major {
	case majorBytes, majorText:
		return 0, next + int(h.arg)
	case majorArray:
		n = int(h.arg)
	case majorMap:
		n = 2 * int(h.arg)
	case majorTag:
		n = 1
	default:
		return 0, next
	}
	for range n {
		var inner int
		inner, next = depthAt(data, next)
		deepest = max(deepest, inner)
	}
	return deepest + 1, next
}

// copier copies parts of a document that has references.
type copier struct {
	*encoder
	data    []byte
	refs    *references
	numbers []int // of its tags 28 in the new document, or unwritten

	// replace may write something in place of the tag 27 at pos, and reports whether it
	// did. Nil replaces nothing.
	replace func(pos int) (bool, error)
}

// copy writes the item at pos and returns its end.
func (c *copier) copy(pos int) (end int, err error) {
	h, next := headAt(c.data, pos)
	n := 0
	switch h.major {
	case majorBytes, majorText:
		end = next + int(h.arg)
		c.dst = append(c.dst, c.data[pos:end]...)
		return end, nil
	case majorArray:
		n = int(h.arg)
	case majorMap:
		n = 2 * int(h.arg)
	case majorTag:
		switch h.arg {
		case tagShared:
			return skip(c.data, next), c.sharedValue(c.refs.number(next))
		case tagReference:
			number, end := headAt(c.data, next)
			return end, c.sharedValue(int(number.arg))
		case tagObject:
			if c.replace == nil {
				break
			}
			if done, err := c.replace(pos); done || err != nil {
				return skip(c.data, pos), err
			}
		}
		n = 1
	default:
		c.dst = append(c.dst, c.data[pos:next]...)
		return next, nil
	}
	return c.contents(h, next, n)
}

func (c *copier) contents(h head, pos, n int) (end int, err error) {
	if err := c.begin(h.major, h.arg); err != nil {
		return 0, err
	}
	for range n {
		if pos, err = c.copy(pos); err != nil {
			return 0, err
		}
	}
	c.end()
	return pos, nil
}

// sharedValue writes the value with this number of the old document, or a
// reference if that was done.
func (c *copier) sharedValue(old int) error {
	if content := c.refs.marks[old]; c.replace != nil && isObject(c.data, content) {
		if done, err := c.replace(content); done || err != nil { // it stands for another value in each place
			return err
		}
	}
	if n := c.numbers[old]; n != unwritten {
		return c.reference(n)
	}
	c.numbers[old] = c.marks
	if err := c.mark(); err != nil {
		return err
	}
	_, err := c.copy(c.refs.marks[old])
	c.end()
	return err
}

func isObject(data []byte, pos int) bool {
	h, _ := headAt(data, pos)
	return h.major == majorTag && h.arg == tagObject
}
