package proto

import (
	"bytes"
	"cmp"
	"slices"
)

// surveyed is what is known of a map whose members are not simply written in the
// order in which they come.
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

// nestedFlag is the member by which the original knows a continuation.
const nestedFlag = "__isNestedOperation"

// survey counts how often each shared value occurs in what is written, beginning
// at pos, and finds the objects whose members need another order. The bodies of
// requests and responses are written as they are and do not count.
func (w *jsonWriter) survey(pos int) error {
	_, err := w.look(pos)
	return err
}

// look surveys the value at pos and returns its end.
func (w *jsonWriter) look(pos int) (end int, err error) {
	if err := w.visit(); err != nil {
		return 0, err
	}
	defer w.leave()
	t := w.token(pos)
	switch t.major {
	case majorBytes, majorText:
		return t.next + int(t.arg), nil
	case majorArray:
		return w.lookAll(t.next, int(t.arg))
	case majorMap:
		if w.hasOtherKeys(t) {
			return w.lookAll(t.next, 2*int(t.arg))
		}
		return w.lookObject(t, false)
	case majorTag:
		return w.lookTagged(t)
	}
	return t.next, nil
}

func (w *jsonWriter) lookAll(pos, n int) (end int, err error) {
	for i := range n {
		if pos, err = w.look(pos); err != nil {
			return 0, at(err, index(i))
		}
	}
	return pos, nil
}

// content returns the head of the value at pos behind tags 28 and 29.
func (w *jsonWriter) content(pos int) token {
	t := w.token(pos)
	if t.major == majorTag {
		switch t.arg {
		case tagShared:
			return w.token(t.next)
		case tagReference:
			n, _ := headAt(w.data, t.next)
			return w.token(w.refs.marks[n.arg])
		}
	}
	return t
}

// hasOtherKeys reports whether a map is a Map because its keys are not texts.
func (w *jsonWriter) hasOtherKeys(t token) bool {
	first, _ := headAt(w.data, t.next)
	return t.arg > 0 && first.major != majorText
}

func (w *jsonWriter) lookTagged(t token) (end int, err error) {
	switch t.arg {
	case tagShared:
		end, err = w.lookShared(w.refs.number(t.next))
		if end == 0 && err == nil {
			end = skip(w.data, t.next)
		}
		return end, err
	case tagReference:
		n, end := headAt(w.data, t.next)
		_, err := w.lookShared(int(n.arg))
		return end, err
	case tagMap:
		if content := w.token(t.next); content.major == majorMap {
			return w.lookAll(content.next, 2*int(content.arg))
		}
	case tagObject:
		return w.lookTyped(t)
	}
	return w.look(t.next)
}

// lookShared surveys the value with this number unless that was done: the end is 0
// then.
func (w *jsonWriter) lookShared(n int) (end int, err error) {
	if w.counts[n]++; w.counts[n] > 1 {
		return 0, nil
	}
	return w.look(w.refs.marks[n])
}

// lookTyped surveys an object with a type, whose members are always wanted by
// their names.
func (w *jsonWriter) lookTyped(t token) (end int, err error) {
	name, pos, n, err := w.objectHead(t)
	if err != nil {
		return 0, err
	}
	content := w.token(pos)
	if n != 1 || content.major != majorMap || w.hasOtherKeys(content) {
		return w.lookAll(pos, n)
	}
	if name != objectRequest && name != objectResponse {
		return w.lookObject(content, true)
	}
	s := &surveyed{}
	if s.end, err = w.members(content, func(key []byte, pos int) (int, error) {
		s.members = append(s.members, surveyedMember{key, pos})
		if string(key) == memberBody {
			return skip(w.data, pos), nil
		}
		return w.look(pos)
	}); err != nil {
		return 0, err
	}
	return s.end, w.keep(content, s)
}

// lookObject surveys an object. What it finds is kept if its members need another
// order or keep is set.
func (w *jsonWriter) lookObject(t token, keep bool) (end int, err error) {
	s := &surveyed{members: make([]surveyedMember, 0, min(int(t.arg), 64))}
	inOrder, last := true, -1
	if s.end, err = w.members(t, func(key []byte, pos int) (int, error) {
		n, isIndex := arrayIndex(key)
		if isIndex && (len(s.members) != last+1 || last >= 0 && n < indexOf(s.members[last])) {
			inOrder = false
		} else if isIndex {
			last = len(s.members)
		}
		s.members = append(s.members, surveyedMember{key, pos})
		if string(key) == nestedFlag && w.data[w.content(pos).pos] == byteTrue {
			return 0, &valueError{what: "an object with this member cannot be sent as JSON: it would be taken for a continuation"}
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

// keep remembers the members of a map in JavaScript's order.
func (w *jsonWriter) keep(t token, s *surveyed) error {
	if err := noDuplicates(s.members); err != nil {
		return err
	}
	slices.SortStableFunc(s.members, func(a, b surveyedMember) int {
		return cmp.Compare(indexOf(a), indexOf(b))
	})
	if w.objects == nil {
		w.objects = make(map[int]*surveyed)
	}
	w.objects[t.pos] = s
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
			return at(&valueError{what: "the key occurs twice"}, string(name))
		}
	}
	return nil
}
