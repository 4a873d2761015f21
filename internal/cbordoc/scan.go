package cbordoc

import (
	"errors"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Limits of a document, for both directions.
const (
	// MaxNesting is how deep arrays, maps and tags may be inside one another. A
	// continuation that nests continuations takes four levels for each, so this
	// allows 40 of them, and keeps the stack of every decoder small.
	MaxNesting = 192

	// MaxElements is how many data items one document may have, counted at every level: the number
	// of one-byte items in a frame of the default size.
	MaxElements = 1 << 20
)

// ErrMalformed matches every error of [Scan] and [ReadHead] for bytes that are not valid CBOR for
// this wire.
var ErrMalformed = errors.New("malformed CBOR")

type malformedError struct {
	offset int
	reason string
}

func (e *malformedError) Error() string {
	return "malformed CBOR at byte " + strconv.Itoa(e.offset) + ": " + e.reason
}

func (e *malformedError) Is(target error) bool { return target == ErrMalformed }

// Malformed returns the error for a document that is malformed at an offset.
func Malformed(offset int, reason string) error {
	return &malformedError{offset, reason}
}

// References are the shared values (tag 28) of one document. They are immutable.
type References struct {
	Marks []int // positions of their contents, ascending
}

// Scan checks that data is exactly one well-formed data item within the limits. It returns the
// positions of the document's shared values, or nil if it shares none.
func Scan(data []byte) (*References, error) {
	s := scanner{data: data}
	if err := s.item(0); err != nil {
		return nil, err
	}
	if s.pos != len(data) {
		return nil, Malformed(s.pos, "bytes after the end of the value")
	}
	if s.marks == nil {
		return nil, nil
	}
	return &References{s.marks}, nil
}

// scanner walks an unchecked document.
type scanner struct {
	data     []byte
	pos      int
	elements int
	marks    []int
}

func (s *scanner) item(depth int) error {
	start := s.pos
	if s.elements++; s.elements > MaxElements {
		return Malformed(start, "more than "+strconv.Itoa(MaxElements)+" elements")
	}
	h, next, err := ReadHead(s.data, s.pos)
	if err != nil {
		return err
	}
	s.pos = next
	switch h.Major {
	case MajorBytes, MajorText:
		return s.chunk(h)
	case MajorArray:
		return s.items(depth, h.Arg, 1)
	case MajorMap:
		return s.items(depth, h.Arg, 2)
	case MajorTag:
		return s.tag(depth, h.Arg)
	case MajorSimple:
		if h.Info < InfoFalse || h.Info == 24 {
			return Malformed(start, "unknown simple value")
		}
	}
	return nil
}

func (s *scanner) chunk(h Head) error {
	if h.Arg > uint64(len(s.data)-s.pos) {
		return Malformed(s.pos, "the string is longer than the data")
	}
	end := s.pos + int(h.Arg)
	if h.Major == MajorText && !utf8.Valid(s.data[s.pos:end]) {
		return Malformed(s.pos, "text is not valid UTF-8")
	}
	s.pos = end
	return nil
}

// items walks the contents of an array or a map: n elements of width items each.
func (s *scanner) items(depth int, n uint64, width int) error {
	if n > uint64((len(s.data)-s.pos)/width) {
		return Malformed(s.pos, "more elements than bytes")
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
	case TagShared:
		h, _, err := ReadHead(s.data, s.pos)
		if err != nil {
			return err
		}
		if h.Major == MajorTag && (h.Arg == TagShared || h.Arg == TagReference) {
			return Malformed(s.pos, "tag 28 around tag "+strconv.Itoa(int(h.Arg)))
		}
		s.marks = append(s.marks, s.pos)
	case TagReference:
		h, _, err := ReadHead(s.data, s.pos)
		if err != nil {
			return err
		}
		if h.Major != MajorUint || h.Arg >= uint64(len(s.marks)) {
			return Malformed(s.pos, "tag 29 refers to nothing before it")
		}
	}
	return s.item(depth + 1)
}

func tooDeep(offset int) error {
	return Malformed(offset, "nested deeper than "+strconv.Itoa(MaxNesting))
}

// Skip returns the end of the item at pos of a scanned document.
func Skip(data []byte, pos int) int {
	for left := 1; left > 0; left-- {
		var h Head
		h, pos = HeadAt(data, pos)
		switch h.Major {
		case MajorBytes, MajorText:
			pos += int(h.Arg)
		case MajorArray:
			left += int(h.Arg)
		case MajorMap:
			left += 2 * int(h.Arg)
		case MajorTag:
			left++
		}
	}
	return pos
}

// Number returns the number of the shared value whose contents begin at pos.
func (r *References) Number(pos int) int {
	n, _ := slices.BinarySearch(r.Marks, pos)
	return n
}
