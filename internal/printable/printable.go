// Package printable makes untrusted text safe to show: on a terminal, in a log, in a line of a
// list. It is the one place that decides which characters may control a terminal, reorder the text
// around them, or hide.
//
// It escapes the controls (C0, C1, DEL), the line and paragraph separators U+2028 and U+2029,
// bytes that are not UTF-8, and format characters (category Cf: bidirectional controls, zero-width
// characters, tags). Two kinds of format characters stay, because writing needs them: visible
// ones, such as the Arabic number signs, and the joiners U+200C and U+200D after a letter or mark
// of a script that joins, or, U+200D only, between the parts of an emoji. The tags of three flags
// stay too, and no others, because tags hide text. Of the combining marks on one character,
// [MaxMarks] stay.
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxMarks is how many combining marks one character may carry. Vietnamese needs two,
// pointed Hebrew four, Tibetan stacks six.
const MaxMarks = 6

const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// Text returns s with unsafe characters escaped: U+009B becomes \u009b, a byte that is
// not UTF-8 \xff. Line breaks (\n, \r\n) and tabs stay. An ellipsis replaces combining
// marks beyond [MaxMarks].
func Text(s string) string { return new(cleaner).clean(s, keepBreaks, escapeText) }

// Line is [Text] on one line: breaks and tabs become spaces.
func Line(s string) string { return new(cleaner).clean(s, spaceBreaks, escapeText) }

// Strip returns s without what [Line] would escape.
func Strip(s string) string {
	return new(cleaner).clean(s, spaceBreaks, func(out []byte, _ string, _ rune, _ bool) []byte { return out })
}

// StripCut returns at most the first limit bytes of what [Strip] returns.
func StripCut(s string, limit int) string {
	s = Strip(s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return s
}

// JSON returns a JSON text in which unsafe characters are JSON escapes (\u009b), so that its
// meaning stays the same.
func JSON(text []byte) []byte {
	s := string(text)
	if clean := new(cleaner).clean(s, keepBreaks, escapeJSON); clean != s {
		return []byte(clean)
	}
	return text
}

// Cut returns s if it has at most limit bytes, and otherwise its first limit bytes or
// fewer, an ellipsis and the length of s.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "… (" + strconv.Itoa(len(s)) + " bytes)"
}

// breaks says what happens to line breaks and tabs.
type breaks bool

const (
	keepBreaks  breaks = false
	spaceBreaks breaks = true
)

// escape writes what must not be shown: raw, which is the rune r or a byte that is not UTF-8. For
// a flood of marks it is called with each mark that is too many; first is true for the first of
// them.
type escape func(out []byte, raw string, r rune, first bool) []byte

// cleaner remembers what decides about the next character. The zero value is at the beginning of a
// text.
type cleaner struct {
	prev  rune // the last one that was shown; 0 at the beginning
	marks int  // on the current character
}

func (c *cleaner) clean(s string, b breaks, esc escape) string {
	safe := 0 // everything up to here stays
	for safe < len(s) && s[safe] >= ' ' && s[safe] < 0x7f {
		safe++
	}
	if safe == len(s) {
		if safe > 0 {
			*c = cleaner{prev: rune(s[safe-1])}
		}
		return s
	}
	out := append(make([]byte, 0, len(s)+16), s[:safe]...)
	if safe > 0 {
		*c = cleaner{prev: rune(s[safe-1])}
	}
	escaped := func(raw string, r rune) {
		before := len(out)
		if out = esc(out, raw, r, false); len(out) > before {
			*c = cleaner{} // what was written in its place carries the marks that follow
		}
	}
	for i := safe; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == blackFlag {
			n += len(flagTags(s[i+n:]))
		}
		raw := s[i : i+n]
		i += n
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			broken := r != '\r' || i < len(s) && s[i] == '\n'
			switch {
			case b == keepBreaks && !broken:
				escaped(raw, r)
				continue
			case b == spaceBreaks:
				raw = " "
			}
			*c = cleaner{}
			out = append(out, raw...)
		case isMark(r):
			if c.marks++; c.marks > MaxMarks {
				out = esc(out, raw, r, c.marks == MaxMarks+1)
				continue
			}
			c.prev = r
			out = append(out, raw...)
		case r == utf8.RuneError && n == 1 || !c.shows(r, s[i:]):
			escaped(raw, r)
		default:
			if c.prev = r; !isJoiner(r) {
				c.marks = 0
			}
			out = append(out, raw...)
		}
	}
	return string(out)
}

// shows reports whether r may appear at its position, before rest.
func (c *cleaner) shows(r rune, rest string) bool {
	switch {
	case r < ' ', r >= 0x7f && r <= 0x9f, r == '\u2028', r == '\u2029':
		return false
	case isJoiner(r):
		next, _ := utf8.DecodeRuneInString(rest)
		if isMark(next) && c.marks >= MaxMarks {
			return false
		}
		return joins(c.prev) && (rest == "" || joins(next)) || r == joiner && isEmoji(c.prev) && isEmoji(next)
	}
	return r < 0xad || !unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

func isJoiner(r rune) bool { return r == joiner || r == nonJoiner }

func isMark(r rune) bool { return r >= 0x300 && unicode.In(r, unicode.Mn, unicode.Me) }

// joins reports whether r is in a script that uses joiners: not Latin, Greek, Cyrillic or
// Armenian, where they would only hide.
func joins(r rune) bool {
	return r >= 0x590 && !isJoiner(r) && (unicode.IsLetter(r) || unicode.IsMark(r)) && r != variation
}

// variation turns a symbol into an emoji, and may precede a joiner.
const variation = '\ufe0f'

// isEmoji recognizes emoji that are newer than package unicode by their blocks.
func isEmoji(r rune) bool {
	return r == variation || r >= 0x1f000 && r < 0x1fb00 || r >= 0x2190 && unicode.IsSymbol(r) && r != utf8.RuneError
}

// blackFlag, with the tags that follow, is the flag of England, Scotland or Wales.
const blackFlag = '\U0001f3f4'

// flags are the tags of all existing flags of that kind: gbeng, gbsct and gbwls, each with its
// final tag.
var flags = []string{
	"\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
	"\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
	"\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
}

// flagTags returns the tags at the beginning of s that form a flag, or "".
func flagTags(s string) string {
	for _, tags := range flags {
		if strings.HasPrefix(s, tags) {
			return tags
		}
	}
	return ""
}

func escapeText(out []byte, raw string, r rune, first bool) []byte {
	switch {
	case isMark(r):
		if first {
			return append(out, "…"...)
		}
		return out
	case r == utf8.RuneError:
		return append(out, `\x`+hex(rune(raw[0]), 2)...)
	case r > 0xffff:
		return append(out, `\U`+hex(r, 8)...)
	}
	return append(out, `\u`+hex(r, 4)...)
}

func escapeJSON(out []byte, _ string, r rune, _ bool) []byte {
	if r > 0xffff {
		r -= 0x10000
		return append(out, `\u`+hex(0xd800+r>>10, 4)+`\u`+hex(0xdc00+r&0x3ff, 4)...)
	}
	return append(out, `\u`+hex(r, 4)...)
}

// hex writes r with a fixed number of digits.
func hex(r rune, digits int) string {
	b := make([]byte, digits)
	for i := range b {
		b[digits-1-i] = "0123456789abcdef"[r>>(4*i)&15]
	}
	return string(b)
}
