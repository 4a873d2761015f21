package cbordoc

import (
	"math/big"
	"strconv"
	"time"
)

// A Writer writes one document. It bounds the nesting and numbers the shared values. The
// zero Writer is ready to use; it is not safe for concurrent use.
type Writer struct {
	Dst   []byte // the document so far
	Marks int    // shared values begun so far
	depth int    // of the arrays, maps and tags that are open at the end of Dst
}

// Begin opens an array, a map or a tag. Call [Writer.End] after writing its contents.
func (w *Writer) Begin(major byte, arg uint64) error {
	if w.depth == MaxNesting {
		return &Error{What: "nested deeper than " + strconv.Itoa(MaxNesting)}
	}
	w.depth++
	w.Dst = AppendHead(w.Dst, major, arg)
	return nil
}

// End closes what Begin, Mark or Reference opened last.
func (w *Writer) End() { w.depth-- }

// Object opens tag 27 with a type name and one more element, which follows. Call
// [Writer.EndObject] after writing that.
func (w *Writer) Object(name string) error {
	if err := w.Begin(MajorTag, TagObject); err != nil {
		return err
	}
	if err := w.Begin(MajorArray, 2); err != nil {
		return err
	}
	w.Dst = AppendText(w.Dst, name)
	return nil
}

// EndObject closes what Object opened.
func (w *Writer) EndObject() {
	w.End()
	w.End()
}

// Result writes the placeholder for the outcome of a call in its reply.
func (w *Writer) Result() error {
	if err := w.Begin(MajorTag, TagObject); err != nil {
		return err
	}
	w.Dst = AppendText(AppendHead(w.Dst, MajorArray, 1), ObjectResult)
	w.End()
	return nil
}

// Date writes t in UTC. RFC 3339 ends with the year 9999; JavaScript's dates do
// not: later ones are written as seconds.
func (w *Writer) Date(t time.Time) error {
	t = t.UTC()
	if year := t.Year(); year >= 0 && year <= 9999 {
		if err := w.Begin(MajorTag, TagDateText); err != nil {
			return err
		}
		var buffer [len(time.RFC3339Nano)]byte
		text := t.AppendFormat(buffer[:0], time.RFC3339Nano)
		w.Dst = append(AppendHead(w.Dst, MajorText, uint64(len(text))), text...)
		w.End()
		return nil
	}
	if seconds := t.Unix(); seconds > maxEpoch || seconds < -maxEpoch {
		return &Error{What: "the date is out of range"}
	}
	if err := w.Begin(MajorTag, TagDateEpoch); err != nil {
		return err
	}
	t = t.Round(time.Millisecond) // the resolution of JavaScript and of a float in this range
	if t.Nanosecond() == 0 {
		w.Dst = AppendInt(w.Dst, t.Unix())
	} else {
		w.Dst = AppendFloat(w.Dst, float64(t.Unix())+float64(t.Nanosecond())/1e9)
	}
	w.End()
	return nil
}

// BigInt writes an integer of any size with tag 2 or 3.
func (w *Writer) BigInt(i *big.Int) error {
	tag := uint64(TagBigPositive)
	if i.Sign() < 0 {
		tag = TagBigNegative
		i = new(big.Int).Not(i)
	}
	return w.Tagged(tag, func() { w.Dst = AppendBytes(w.Dst, i.Bytes()) })
}

// TextPair writes an array of two texts, which must be valid UTF-8.
func (w *Writer) TextPair(a, b string) error {
	if err := w.Begin(MajorArray, 2); err != nil {
		return err
	}
	w.Dst = AppendText(AppendText(w.Dst, a), b)
	w.End()
	return nil
}

// Tagged writes a tag and calls content to write what it encloses.
func (w *Writer) Tagged(tag uint64, content func()) error {
	if err := w.Begin(MajorTag, tag); err != nil {
		return err
	}
	content()
	w.End()
	return nil
}

// Mark opens tag 28: other places may refer to the following item by its number, which is the
// value of Marks before the call. Call [Writer.End] after writing the item.
func (w *Writer) Mark() error {
	w.Marks++
	return w.Begin(MajorTag, TagShared)
}

// Reference writes a reference to the shared value with this number.
func (w *Writer) Reference(n int) error {
	if err := w.Begin(MajorTag, TagReference); err != nil {
		return err
	}
	w.Dst = AppendHead(w.Dst, MajorUint, uint64(n))
	w.End()
	return nil
}

// Unwritten is the number of a shared value that is not written yet.
const Unwritten = -1

// Raw copies a document that shares no values. It only checks the nesting.
func (w *Writer) Raw(data []byte) error {
	if w.depth > 0 && Depth(data) > MaxNesting-w.depth {
		return &Error{What: "nested deeper than " + strconv.Itoa(MaxNesting)}
	}
	w.Dst = append(w.Dst, data...)
	return nil
}

// Depth returns the nesting depth of a scanned document.
func Depth(data []byte) int {
	deepest, _ := depthAt(data, 0)
	return deepest
}

func depthAt(data []byte, pos int) (deepest, next int) {
	h, next := HeadAt(data, pos)
	n := 0
	switch h.Major {
	case MajorBytes, MajorText:
		return 0, next + int(h.Arg)
	case MajorArray:
		n = int(h.Arg)
	case MajorMap:
		n = 2 * int(h.Arg)
	case MajorTag:
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
