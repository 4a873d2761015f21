package proto

import (
	"errors"
	"strconv"
	"unicode/utf8"
)

// Limits of a document, for both directions.
const (
	// MaxNesting is how deep arrays, maps and tags may be inside one another. A
	// continuation that nests continuations takes four levels for each, so this
	// allows 40 of them, and keeps the stack of every decoder small.
	MaxNesting = 192

	// MaxElements is how many data items one document may have, counted at every
	// level: as many as fit in a frame of the default size when each is one byte.
	MaxElements = 1 << 20
)

// ErrMalformed is matched by every error of [Parse] that says that the bytes are
// not CBOR of the kind that lmz speaks.
var ErrMalformed = errors.New("malformed CBOR")

type malformedError struct {
	offset int
	reason string
}

func (e *malformedError) Error() string {
	return "malformed CBOR at byte " + strconv.Itoa(e.offset) + ": " + e.reason
}

func (e *malformedError) Is(target error) bool { return target == ErrMalformed }

func malformed(offset int, reason string) error {
	return &malformedError{offset, reason}
}

// references is what the documents have that use tags 28 and 29.
type references struct {
	marks []int // where the contents of each tag 28 begin, ascending
}

// Parse checks that data is one well-formed data item within the limits and
// nothing else. It builds nothing: data is kept and must not change any more.
func Parse(data []byte) (Item, error) {
	s := scanner{data: data}
	if err := s.item(0); err != nil {
		return Item{}, err
	}
	if s.pos != len(data) {
		return Item{}, malformed(s.pos, "bytes after the end of the value")
	}
	it := Item{data: data, end: len(data)}
	if s.marks != nil {
		it.refs = &references{s.marks}
	}
	return it, nil
}

// scanner walks a document that nobody has looked at before.
type scanner struct {
	data     []byte
	pos      int
	elements int
	marks    []int
}

func (s *scanner) item(depth int) error {
	start := s.pos
	if s.elements++; s.elements > MaxElements {
		return malformed(start, "more than "+strconv.Itoa(MaxElements)+" elements")
	}
	h, next, err := readHead(s.data, s.pos)
	if err != nil {
		return err
	}
	s.pos = next
	switch h.major {
	case majorBytes, majorText:
		return s.chunk(h)
	case majorArray:
		return s.items(depth, h.arg, 1)
	case majorMap:
		return s.items(depth, h.arg, 2)
	case majorTag:
		return s.tag(depth, h.arg)
	case majorSimple:
		if h.info < infoFalse || h.info == 24 {
			return malformed(start, "unknown simple value")
		}
	}
	return nil
}

func (s *scanner) chunk(h head) error {
	if h.arg > uint64(len(s.data)-s.pos) {
		return malformed(s.pos, "the string is longer than the data")
	}
	end := s.pos + int(h.arg)
	if h.major == majorText && !utf8.Valid(s.data[s.pos:end]) {
		return malformed(s.pos, "text is not valid UTF-8")
	}
	s.pos = end
	return nil
}

// items walks the contents of an array or a map of n elements of width items.
func (s *scanner) items(depth int, n uint64, width int) error {
	if n > uint64((len(s.data)-s.pos)/width) {
		return malformed(s.pos, "more elements than bytes")
	}
	if depth == MaxNesting {
		return tooDeep(s.pos)
	}
	for range int(n) * width {
		if err := s.item(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) tag(depth int, tag uint64) error {
	if depth == MaxNesting {
		return tooDeep(s.pos)
	}
	switch tag {
	case tagShared:
		h, _, err := readHead(s.data, s.pos)
		if err != nil {
			return err
		}
		if h.major == majorTag && (h.arg == tagShared || h.arg == tagReference) {
			return malformed(s.pos, "tag 28 around tag "+strconv.Itoa(int(h.arg)))
		}
		s.marks = append(s.marks, s.pos)
	case tagReference:
		h, _, err := readHead(s.data, s.pos)
		if err != nil {
			return err
		}
		if h.major != majorUint || h.arg >= uint64(len(s.marks)) {
			return malformed(s.pos, "tag 29 refers to nothing before it")
		}
	}
	return s.item(depth + 1)
}

func tooDeep(offset int) error {
	return malformed(offset, "nested deeper than "+strconv.Itoa(MaxNesting))
}

// skip returns the end of the item at pos of a document that was parsed.
func skip(data []byte, pos int) int {
	for left := 1; left > 0; left-- {
		var h head
		h, pos = headAt(data, pos)
		switch h.major {
		case majorBytes, majorText:
			pos += int(h.arg)
		case majorArray:
			left += int(h.arg)
		case majorMap:
			left += 2 * int(h.arg)
		case majorTag:
			left++
		}
	}
	return pos
}
