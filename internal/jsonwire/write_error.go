package jsonwire

import (
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/value"
)

// ErrorToJSON is [ToJSON] for the payload of a failed answer. The code becomes a property of the
// error.
func ErrorToJSON(payload []byte, code lmz.Code) ([]byte, error) {
	w, err := newJSONWriter(payload)
	if err != nil {
		return nil, err
	}
	if err := w.survey(0); err != nil {
		return nil, err
	}
	w.code, w.failed = code, w.content(0).Pos
	return w.document(func() error { return w.valueAt(0) })
}

// failure writes an error: its common members, and its own properties. Properties whose
// names are numbers come first, as in every JavaScript object.
func (w *jsonWriter) failure(s *surveyed, code lmz.Code) error {
	name, message, stack := cbordoc.ObjectError, "", ""
	if err := w.into(s, cbordoc.MemberName, &name); err != nil {
		return err
	}
	if err := w.into(s, cbordoc.MemberMessage, &message); err != nil {
		return err
	}
	if name == "" {
		name = cbordoc.ObjectError
	}
	if pos, ok := s.member(cbordoc.MemberStack); ok {
		stack, _ = value.ItemAt(&w.Reader, pos).Text()
	}
	cause, err := w.cause(s)
	if err != nil {
		return err
	}
	w.out = append(w.out, '{')
	indexes := 0
	for ; indexes < len(s.members) && indexOf(s.members[indexes]) < 1<<32; indexes++ {
		m := s.members[indexes]
		if err := w.member(indexes > 0, m.name, m.value); err != nil {
			return err
		}
	}
	if indexes > 0 {
		w.out = append(w.out, ',')
	}
	w.out = value.AppendJSONText(append(w.out, `"$type":"error","name":`...), []byte(name))
	w.out = value.AppendJSONText(append(w.out, `,"message":`...), []byte(message))
	if stack != "" {
		w.out = value.AppendJSONText(append(w.out, `,"stack":`...), []byte(stack))
	}
	if cause != nil {
		w.out = append(append(w.out, `,"cause":`...), cause...)
	}
	if err := w.properties(s.members[indexes:], code); err != nil {
		return err
	}
	w.out = append(w.out, '}')
	return nil
}

// cause returns the JSON of an error's cause, or nil if it has none. It is translated before the
// properties, which determines the numbers of the aliases.
func (w *jsonWriter) cause(s *surveyed) ([]byte, error) {
	pos, ok := s.member(cbordoc.MemberCause)
	if !ok || w.Data[w.content(pos).Pos] == cbordoc.ByteUndefined {
		return nil, nil
	}
	cause, err := w.apart(func() error { return w.valueAt(pos) })
	w.aside -= len(cause) // moves to out
	return cause, cbordoc.At(err, cbordoc.MemberCause)
}

// properties writes an error's own properties, and the code if there is one.
func (w *jsonWriter) properties(members []surveyedMember, code lmz.Code) error {
	for _, m := range members {
		switch name := string(m.name); {
		case name == cbordoc.MemberName, name == cbordoc.MemberMessage, name == cbordoc.MemberStack, name == cbordoc.MemberCause:
			continue
		case name == cbordoc.MemberCode && code != "":
			continue
		}
		if err := w.member(true, m.name, m.value); err != nil {
			return err
		}
	}
	if code != "" {
		w.out = value.AppendJSONText(append(w.out, `,"`+cbordoc.MemberCode+`":`...), []byte(code))
	}
	return nil
}
