package jsonwire

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/lumenize/lmz/internal/cbordoc"
)

// surveyed describes a map whose members are not written in the order of the document.
type surveyed struct {
	members []surveyedMember
	end     int
}

type surveyedMember struct {
	name  []byte
	value int // position
}

// member returns the position of a member's value.
func (s *surveyed) member(name string) (pos int, ok bool) {
	for _, m := range s.members {
		if string(m.name) == name {
			return m.value, true
		}
	}
	return 0, false
}

// nestedFlag is the member that marks a continuation in the original.
const nestedFlag = "__isNestedOperation"

// survey counts how often each shared value will be written, beginning at pos, and finds the
// objects whose members need to be reordered. It does not count the bodies of requests and
// responses, which are written as plain JSON.
func (w *jsonWriter) survey(pos int) error {
	_, err := w.look(pos)
	return err
}

// look surveys the value at pos and returns its end.
func (w *jsonWriter) look(pos int) (end int, err error) {
	if err := w.Visit(); err != nil {
		return 0, err
	}
	defer w.Leave()
	t := w.Token(pos)
	switch t.Major {
	case cbordoc.MajorBytes, cbordoc.MajorText:
		return t.Next + int(t.Arg), nil
	case cbordoc.MajorArray:
		return w.lookAll(t.Next, int(t.Arg))
	case cbordoc.MajorMap:
		if w.hasOtherKeys(t) {
			return w.lookAll(t.Next, 2*int(t.Arg))
		}
		return w.lookObject(t, false)
	case cbordoc.MajorTag:
		return w.lookTagged(t)
	}
	return t.Next, nil
}

func (w *jsonWriter) lookAll(pos, n int) (end int, err error) {
	for i := range n {
		if pos, err = w.look(pos); err != nil {
			return 0, cbordoc.At(err, cbordoc.Index(i))
		}
	}
	return pos, nil
}

// content returns the head of the value at pos behind tags 28 and 29.
func (w *jsonWriter) content(pos int) cbordoc.Token {
	t := w.Token(pos)
	if t.Major == cbordoc.MajorTag {
		switch t.Arg {
		case cbordoc.TagShared:
			return w.Token(t.Next)
		case cbordoc.TagReference:
			n, _ := cbordoc.HeadAt(w.Data, t.Next)
			return w.Token(w.Refs.Marks[n.Arg])
		}
	}
	return t
}

// hasOtherKeys reports whether a map is a Map because some keys are not text.
func (w *jsonWriter) hasOtherKeys(t cbordoc.Token) bool {
	first, _ := cbordoc.HeadAt(w.Data, t.Next)
	return t.Arg > 0 && first.Major != cbordoc.MajorText
}

func (w *jsonWriter) lookTagged(t cbordoc.Token) (end int, err error) {
	switch t.Arg {
	case cbordoc.TagShared:
		end, err = w.lookShared(w.Refs.Number(t.Next))
		if end == 0 && err == nil {
			end = cbordoc.Skip(w.Data, t.Next)
		}
		return end, err
	case cbordoc.TagReference:
		n, end := cbordoc.HeadAt(w.Data, t.Next)
		_, err := w.lookShared(int(n.Arg))
		return end, err
	case cbordoc.TagMap:
		if content := w.Token(t.Next); content.Major == cbordoc.MajorMap {
			return w.lookAll(content.Next, 2*int(content.Arg))
		}
	case cbordoc.TagObject:
		return w.lookTyped(t)
	}
	return w.look(t.Next)
}

// lookShared surveys the shared value with this number. The end is 0 if it has been
// surveyed before.
func (w *jsonWriter) lookShared(n int) (end int, err error) {
	if w.counts[n]++; w.counts[n] > 1 {
		return 0, nil
	}
	return w.look(w.Refs.Marks[n])
}

// lookTyped surveys a typed object. Its members are always looked up by name.
func (w *jsonWriter) lookTyped(t cbordoc.Token) (end int, err error) {
	name, pos, n, err := w.ObjectHead(t)
	if err != nil {
		return 0, err
	}
	content := w.Token(pos)
	if n != 1 || content.Major != cbordoc.MajorMap || w.hasOtherKeys(content) {
		return w.lookAll(pos, n)
	}
	if name != cbordoc.ObjectRequest && name != cbordoc.ObjectResponse {
		return w.lookObject(content, true)
	}
	s := &surveyed{}
	if s.end, err = w.Members(content, func(key []byte, pos int) (int, error) {
		s.members = append(s.members, surveyedMember{key, pos})
		if string(key) == cbordoc.MemberBody {
			return cbordoc.Skip(w.Data, pos), nil
		}
		return w.look(pos)
	}); err != nil {
		return 0, err
	}
	return s.end, w.keep(content, s)
}

// lookObject surveys an object. It records the members if they need to be reordered or keep is
// set.
func (w *jsonWriter) lookObject(t cbordoc.Token, keep bool) (end int, err error) {
	s := &surveyed{members: make([]surveyedMember, 0, min(int(t.Arg), 64))}
	inOrder, last := true, -1
	if s.end, err = w.Members(t, func(key []byte, pos int) (int, error) {
		n, isIndex := arrayIndex(key)
		if isIndex && (len(s.members) != last+1 || last >= 0 && n < indexOf(s.members[last])) {
			inOrder = false
		} else if isIndex {
			last = len(s.members)
		}
		s.members = append(s.members, surveyedMember{key, pos})
		if string(key) == nestedFlag && w.Data[w.content(pos).Pos] == cbordoc.ByteTrue {
			return 0, &cbordoc.Error{What: "an object with this member cannot be sent as JSON: it would be taken for a continuation"}
		}
		return w.look(pos)
	}); err != nil {
		return 0, err
	}
	if keep || !inOrder {
		return s.end, w.keep(t, s)
	}
	return s.end, noDuplicates(s.members)
}

// keep records the members of a map in JavaScript's order.
func (w *jsonWriter) keep(t cbordoc.Token, s *surveyed) error {
	if err := noDuplicates(s.members); err != nil {
		return err
	}
	slices.SortStableFunc(s.members, func(a, b surveyedMember) int {
		return cmp.Compare(indexOf(a), indexOf(b))
	})
	if w.objects == nil {
		w.objects = make(map[int]*surveyed)
	}
	w.objects[t.Pos] = s
	return nil
}

// indexOf returns a number that sorts members in JavaScript's order.
func indexOf(m surveyedMember) uint64 {
	if n, ok := arrayIndex(m.name); ok {
		return n
	}
	return 1 << 32
}

func noDuplicates(members []surveyedMember) error {
	if len(members) < 2 {
		return nil
	}
	names := make([][]byte, len(members))
	for i, m := range members {
		names[i] = m.name
	}
	slices.SortFunc(names, bytes.Compare)
	for i, name := range names[1:] {
		if bytes.Equal(name, names[i]) {
			return cbordoc.At(&cbordoc.Error{What: "the key occurs twice"}, string(name))
		}
	}
	return nil
}
