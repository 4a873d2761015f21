package text

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// MaxLength is the largest length, in units, of a text before and after a change set from
// the wire.
const MaxLength = 64 << 20

// Wire returns c in the form of CodeMirror's ChangeSet.toJSON: an array in which a number
// keeps that many units, and an array [n, line, line, ...] replaces n units by those lines,
// joined by "\n". It consists of int, string and []any.
func (c ChangeSet) Wire() []any {
	parts := make([]any, len(c.sections))
	for i, s := range c.sections {
		switch {
		case s.ins == kept:
			parts[i] = s.n
		case s.ins == 0:
			parts[i] = []any{s.n}
		default:
			part := []any{s.n}
			for line := range strings.SplitSeq(s.text, "\n") {
				part = append(part, line)
			}
			parts[i] = part
		}
	}
	return parts
}

// ErrWire says that a value is not a change set, is for a text that is too long, or
// inserts half a character.
var ErrWire = errors.New("not a change set: an array of lengths and of arrays [length, line, ...]")

// Parse parses the output of [ChangeSet.Wire] or CodeMirror. Numbers may have any type
// that lmz decodes numbers into. Every error is [ErrWire].
func Parse(parts []any) (ChangeSet, error) {
	sections := make([]section, 0, len(parts))
	total := 0
	for _, p := range parts {
		s, err := parseSection(p)
		if err != nil {
			return ChangeSet{}, err
		}
		total += s.n + max(0, s.ins)
		if total > 2*MaxLength {
			return ChangeSet{}, ErrWire
		}
		if s.n > 0 || s.ins > 0 {
			sections = append(sections, s)
		}
	}
	return ChangeSet{sections}, nil
}

func parseSection(p any) (section, error) {
	if n, ok := length(p); ok {
		return section{n: n, ins: kept}, nil
	}
	part, ok := p.([]any)
	if !ok || len(part) == 0 {
		return section{}, ErrWire
	}
	n, ok := length(part[0])
	if !ok {
		return section{}, ErrWire
	}
	var b strings.Builder
	for i, line := range part[1:] {
		s, ok := line.(string)
		if !ok {
			return section{}, ErrWire
		}
		if !utf8.ValidString(s) {
			return section{}, ErrWire
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s)
	}
	s := b.String()
	return section{n: n, ins: Units(s), text: s}, nil
}

// length converts a number to a length.
func length(p any) (int, bool) {
	var n int64
	switch p := p.(type) {
	case int:
		n = int64(p)
	case int64:
		n = p
	case uint64:
		n = int64(min(p, MaxLength+1))
	case float64:
		if p != float64(int64(p)) {
			return 0, false
		}
		n = int64(p)
	default:
		return 0, false
	}
	return int(n), n >= 0 && n <= MaxLength
}
