package cbordoc

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
)

// The memory that reading one document may use, in bytes, where each visited element counts
// elementCost as well. A hostile document could otherwise have one large shared value copied into
// many places of a Go type that has no pointer there, or name many tiny elements of a large Go
// type. The factor leaves room for Go values that are much larger than their encoding: an empty
// object is one byte and a struct.
const (
	budgetPerByte = 64
	budgetBase    = 64 << 10
	elementCost   = 8
)

// Budget returns the memory that reading a document of n bytes may use, for [NewReader].
func Budget(n int) int { return budgetBase + budgetPerByte*n }

// A Reader walks the items of a document that [Scan] has checked: its heads and lengths are known
// to be valid. It bounds the nesting and the memory used. It is not safe for concurrent use.
type Reader struct {
	Data   []byte      // the whole document
	Refs   *References // nil if the document shares no values
	budget int         // bytes that may still be spent
	depth  int
}

// NewReader returns a reader of data, which [Scan] has checked. refs is the result of Scan, and
// budget the memory that reading may use, in bytes.
func NewReader(data []byte, refs *References, budget int) Reader {
	return Reader{Data: data, Refs: refs, budget: budget}
}

// A Token is the head of an item with its position in the document.
type Token struct {
	Head
	Pos  int // where the head begins
	Next int // where the head ends and the contents begin
}

// Token returns the head of the item that begins at pos.
func (r *Reader) Token(pos int) Token {
	h, next := HeadAt(r.Data, pos)
	return Token{h, pos, next}
}

// Charge takes n bytes from the budget. It fails if fewer are left.
func (r *Reader) Charge(n int) error {
	if n > r.budget {
		r.budget = 0
		return &Error{What: "the value grows too large when it is decoded"}
	}
	r.budget -= n
	return nil
}

// Visit begins an item and charges for it; call [Reader.Leave] at its end. It fails if the item
// is nested too deeply.
func (r *Reader) Visit() error {
	if r.depth++; r.depth > MaxNesting+1 {
		return &Error{What: "nested too deeply through references, or a cycle through a value that Go would copy"}
	}
	return r.Charge(elementCost)
}

// Chunk returns the contents of a text or a byte string, read-only.
func (r *Reader) Chunk(t Token) []byte { return r.Data[t.Next : t.Next+int(t.Arg)] }

// Leave ends an item.
func (r *Reader) Leave() { r.depth-- }

// IsNothing reports whether the item is null or undefined.
func (t Token) IsNothing() bool {
	return t.Major == MajorSimple && (t.Info == InfoNull || t.Info == InfoUndefined)
}

// ObjectHead returns the type name of an object (tag 27), and the position and number of its
// other elements.
func (r *Reader) ObjectHead(t Token) (name string, contents, n int, err error) {
	array := r.Token(t.Next)
	if array.Major != MajorArray || array.Arg == 0 {
		return "", 0, 0, BadContent(t)
	}
	first := r.Token(array.Next)
	if first.Major != MajorText {
		return "", 0, 0, BadContent(t)
	}
	b := r.Chunk(first)
	return string(b), first.Next + len(b), int(array.Arg) - 1, nil
}

// Members calls each for the members of a map whose keys are text, with the key and the position
// of the value; each returns the end of the value.
func (r *Reader) Members(t Token, each func(key []byte, pos int) (int, error)) (end int, err error) {
	pos := t.Next
	for range int(t.Arg) {
		k := r.Token(pos)
		if k.Major != MajorText {
			return 0, &Error{What: "expected a string as key, got " + r.Describe(k)}
		}
		key := r.Chunk(k)
		if err := r.Charge(len(key) + elementCost); err != nil {
			return 0, err
		}
		if pos, err = each(key, k.Next+len(key)); err != nil {
			return 0, At(err, string(key))
		}
	}
	return pos, nil
}

// BigInt reads an integer with tag 2 or 3 and returns its end.
func (r *Reader) BigInt(t Token) (*big.Int, int, error) {
	content := r.Token(t.Next)
	if content.Major != MajorBytes {
		return nil, 0, BadContent(t)
	}
	b := r.Chunk(content)
	i := new(big.Int).SetBytes(b)
	if t.Arg == TagBigNegative {
		i.Not(i)
	}
	return i, content.Next + len(b), r.Charge(len(b))
}

// RegExp reads a regular expression and returns its end.
func (r *Reader) RegExp(t Token) (x lmz.RegExp, end int, err error) {
	array := r.Token(t.Next)
	if array.Major != MajorArray || array.Arg != 2 {
		return x, 0, BadContent(t)
	}
	source := r.content(r.Token(array.Next))
	end = Skip(r.Data, array.Next)
	flags := r.content(r.Token(end))
	if end = Skip(r.Data, end); source.Major != MajorText || flags.Major != MajorText {
		return x, 0, BadContent(t)
	}
	return lmz.RegExp{Source: string(r.Chunk(source)), Flags: string(r.Chunk(flags))}, end, r.Charge(end - t.Pos)
}

// content returns the item that tags 28 and 29 stand for.
func (r *Reader) content(t Token) Token {
	if t.Major == MajorTag {
		switch t.Arg {
		case TagShared:
			return r.Token(t.Next)
		case TagReference:
			n, _ := HeadAt(r.Data, t.Next)
			return r.Token(r.Refs.Marks[n.Arg])
		}
	}
	return t
}

// maxEpoch bounds tag 1, in seconds: more than JavaScript's dates reach.
const maxEpoch = 1e13

// Date reads a date, with tag 0 or 1, and returns its end. Seconds as a float are exact to the
// microsecond for present dates, and to the millisecond over the whole range of JavaScript's
// dates.
func (r *Reader) Date(t Token) (date time.Time, end int, err error) {
	content := r.Token(t.Next)
	if t.Arg == TagDateText {
		if content.Major != MajorText {
			return date, 0, BadContent(t)
		}
		b := r.Chunk(content)
		date, err = time.Parse(time.RFC3339Nano, string(b))
		if err != nil {
			return date, 0, &Error{What: "the date is not of the form of RFC 3339"}
		}
		return date.UTC(), content.Next + len(b), nil
	}
	n, end, ok, err := r.Number(content)
	if !ok || err != nil {
		return date, 0, BadContent(t)
	}
	seconds, ok := n.AsFloat()
	if !ok || !(math.Abs(seconds) <= maxEpoch) {
		return date, 0, &Error{What: "the date is out of range"}
	}
	unit := 1e6
	if math.Abs(seconds) > 1e10 {
		unit = 1e3
	}
	whole := math.Floor(seconds)
	fraction := math.Round((seconds - whole) * unit)
	return time.Unix(int64(whole), int64(fraction*1e9/unit)).UTC(), end, nil
}

// Number reads a number of any kind and returns its end; ok is false for other items.
func (r *Reader) Number(t Token) (n Number, end int, ok bool, err error) {
	switch {
	case t.Major == MajorUint:
		return Number{Magnitude: t.Arg}, t.Next, true, nil
	case t.Major == MajorNegint:
		return Number{Negative: true, Magnitude: t.Arg}, t.Next, true, nil
	case t.IsFloat():
		return Number{IsFloat: true, Float: t.Float()}, t.Next, true, nil
	case t.Major == MajorTag && (t.Arg == TagBigPositive || t.Arg == TagBigNegative):
		n.big, end, err = r.BigInt(t)
		return n, end, true, err
	}
	return n, 0, false, nil
}

// TypedArray reads a byte string, alone or with a tag of RFC 8746, and returns its end; ok
// is false for other items.
func (r *Reader) TypedArray(t Token) (a TypedArray, end int, ok bool, err error) {
	tag := uint64(TagTypedFirst)
	if t.Major == MajorTag {
		if t.Arg < TagTypedFirst || t.Arg > TagTypedLast {
			return a, 0, false, nil
		}
		tag = t.Arg
		t = r.Token(t.Next)
		if t.Major != MajorBytes {
			return a, 0, true, &Error{What: "a typed array is not made of bytes"}
		}
	}
	if t.Major != MajorBytes {
		return a, 0, false, nil
	}
	b := r.Chunk(t)
	a, err = typedArrayOf(tag, b)
	return a, t.Next + len(b), true, err
}

// BadContent returns the error for a tag whose contents have the wrong type.
func BadContent(t Token) error {
	return &Error{What: "tag " + strconv.FormatUint(t.Arg, 10) + " is around the wrong kind of value"}
}

// Describe returns the name of an item's type for an error message.
func (r *Reader) Describe(t Token) string {
	switch t.Major {
	case MajorUint, MajorNegint:
		return "integer"
	case MajorBytes:
		return "bytes"
	case MajorText:
		return "string"
	case MajorArray:
		return "array"
	case MajorMap:
		return "object"
	case MajorTag:
		return r.describeTag(t)
	}
	switch t.Info {
	case InfoFalse, InfoTrue:
		return "boolean"
	case InfoNull:
		return "null"
	case InfoUndefined:
		return "undefined"
	}
	return "number"
}

func (r *Reader) describeTag(t Token) string {
	switch t.Arg {
	case TagDateText, TagDateEpoch:
		return "date"
	case TagBigPositive, TagBigNegative:
		return "big integer"
	case TagURL:
		return "URL"
	case TagMap:
		return "Map"
	case TagSet:
		return "Set"
	case TagRegExp:
		return "RegExp"
	case TagShared:
		return r.Describe(r.Token(t.Next))
	case TagReference:
		n, _ := HeadAt(r.Data, t.Next)
		return r.Describe(r.Token(r.Refs.Marks[n.Arg]))
	case TagObject:
		if name, _, _, err := r.ObjectHead(t); err == nil {
			return Shorten(name)
		}
	}
	if t.Arg >= TagTypedFirst && t.Arg <= TagTypedLast {
		return "typed array"
	}
	return "unknown tag " + strconv.FormatUint(t.Arg, 10)
}

// maxName is the number of bytes that an error message quotes of a text chosen by a peer.
const maxName = 64

// Shorten truncates a text chosen by a peer, for an error message.
func Shorten(s string) string {
	if len(s) <= maxName {
		return s
	}
	return strings.ToValidUTF8(s[:maxName], "") + "..." // the cut may be within a character
}
