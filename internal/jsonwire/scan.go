package jsonwire

import (
	"errors"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/lumenize/lmz/internal/cbordoc"
)

// maxJSONNesting is how deep arrays and objects of a JSON text may be nested. A value nests up to
// one and a half times as deep as in CBOR.
const maxJSONNesting = 2 * cbordoc.MaxNesting

// ErrMalformed matches every error for text that is not JSON.
var ErrMalformed = errors.New("malformed JSON")

type malformedJSONError struct {
	offset int
	reason string
}

func (e *malformedJSONError) Error() string {
	return "malformed JSON at byte " + strconv.Itoa(e.offset) + ": " + e.reason
}

func (e *malformedJSONError) Is(target error) bool { return target == ErrMalformed }

// The kinds of jsonToken.
const (
	jsonObject = '{'
	jsonArray  = '['
	jsonText   = '"'
	jsonNumber = '0'
	jsonTrue   = 't'
	jsonFalse  = 'f'
	jsonNull   = 'n'
)

// jsonToken is one value or member name of a JSON text. The contents of an array
// or object follow it, names and values alternating.
type jsonToken struct {
	kind       byte
	escaped    bool  // a text with escapes in it
	start, end int32 // in the text; excluding the quotes of a string
	next       int32 // the token after this one and its contents
}

// jsonDoc is a checked JSON text (RFC 8259).
type jsonDoc struct {
	text   []byte
	tokens []jsonToken
}

// scanJSON checks text and finds its tokens. It keeps text, which must not change afterwards.
func scanJSON(text []byte) (*jsonDoc, error) {
	s := jsonScanner{jsonDoc: &jsonDoc{text: text, tokens: make([]jsonToken, 0, min(len(text)/8+1, 1024))}}
	if len(text) > math.MaxInt32 {
		s.fail("too long")
	}
	s.value(0)
	if s.space(); s.err == nil && s.pos < len(text) {
		s.fail("something follows the value")
	}
	return s.jsonDoc, s.err
}

// jsonScanner jumps to the end of the text at the first error.
type jsonScanner struct {
	*jsonDoc
	pos int
	err error
}

func (s *jsonScanner) fail(why string) {
	if s.err == nil {
		s.err = &malformedJSONError{s.pos, why}
	}
	s.pos = len(s.text)
}

func (s *jsonScanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the next byte after white space without consuming it, 0 at the end.
func (s *jsonScanner) peek() byte {
	s.space()
	return s.byte()
}

// byte returns the next byte without consuming it, 0 at the end.
func (s *jsonScanner) byte() byte {
	if s.pos >= len(s.text) {
		return 0
	}
	return s.text[s.pos]
}

func (s *jsonScanner) expect(c byte) {
	if s.peek() != c {
		s.fail("expected " + strconv.QuoteRune(rune(c)))
		return
	}
	s.pos++
}

func (s *jsonScanner) value(depth int) {
	switch c := s.peek(); {
	case depth > maxJSONNesting:
		s.fail("nested deeper than " + strconv.Itoa(maxJSONNesting))
	case len(s.tokens) >= cbordoc.MaxElements:
		s.fail("more than " + strconv.Itoa(cbordoc.MaxElements) + " elements")
	case c == '{':
		s.container(jsonObject, '}', depth)
	case c == '[':
		s.container(jsonArray, ']', depth)
	case c == '"':
		s.string()
	case c == '-' || isDigit(c):
		s.number()
	default:
		s.word()
	}
}

func (s *jsonScanner) container(kind, closing byte, depth int) {
	i := len(s.tokens)
	s.tokens = append(s.tokens, jsonToken{kind: kind, start: int32(s.pos)})
	s.pos++
	for first := true; s.peek() != closing && s.err == nil; first = false {
		if !first {
			s.expect(',')
		}
		if kind == jsonObject {
			if s.peek() != '"' {
				s.fail("expected a member name")
				break
			}
			s.string()
			s.expect(':')
		}
		s.value(depth + 1)
	}
	s.expect(closing)
	s.tokens[i].end = int32(s.pos)
	s.tokens[i].next = int32(len(s.tokens))
}

// leaf adds a token without contents that ends here.
func (s *jsonScanner) leaf(t jsonToken) {
	t.next = int32(len(s.tokens)) + 1
	s.tokens = append(s.tokens, t)
}

func (s *jsonScanner) word() {
	for _, word := range [...]string{"true", "false", "null"} {
		if end := s.pos + len(word); end <= len(s.text) && string(s.text[s.pos:end]) == word {
			s.leaf(jsonToken{kind: word[0], start: int32(s.pos), end: int32(end)})
			s.pos = end
			return
		}
	}
	s.fail("expected a value")
}

func (s *jsonScanner) number() {
	start := s.pos
	if s.byte() == '-' {
		s.pos++
	}
	if s.byte() == '0' {
		s.pos++
	} else {
		s.digits()
	}
	if s.byte() == '.' {
		s.pos++
		s.digits()
	}
	if c := s.byte(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.byte(); c == '+' || c == '-' {
			s.pos++
		}
		s.digits()
	}
	s.leaf(jsonToken{kind: jsonNumber, start: int32(start), end: int32(s.pos)})
}

func (s *jsonScanner) digits() {
	if !isDigit(s.byte()) {
		s.fail("expected a digit")
	}
	for isDigit(s.byte()) {
		s.pos++
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (s *jsonScanner) string() {
	s.pos++
	t := jsonToken{kind: jsonText, start: int32(s.pos)}
	for {
		switch c := s.byte(); {
		case s.pos >= len(s.text):
			s.fail("a string does not end")
			return
		case c == '"':
			t.end = int32(s.pos)
			s.pos++
			if !utf8.Valid(s.text[t.start:t.end]) {
				s.fail("a string is not valid UTF-8")
			}
			s.leaf(t)
			return
		case c < ' ':
			s.fail("a control character in a string")
		case c == '\\':
			t.escaped = true
			s.escape()
		default:
			s.pos++
		}
	}
}

func (s *jsonScanner) escape() {
	s.pos++
	c := s.byte()
	s.pos++
	if c != 'u' {
		if _, known := jsonEscapes[c]; !known {
			s.fail("unknown escape")
		}
		return
	}
	for range 4 {
		if _, ok := hexDigit(s.byte()); !ok {
			s.fail("a \\u needs four hexadecimal digits")
			return
		}
		s.pos++
	}
}

// Parse decodes one JSON text (RFC 8259) to nil, bool, float64, string, []any or map[string]any.
// Among members with the same name it keeps the last.
func Parse(text []byte) (any, error) {
	doc, err := scanJSON(text)
	if err != nil {
		return nil, err
	}
	return doc.any(0)
}

func (d *jsonDoc) any(i int32) (any, error) {
	switch t := d.tokens[i]; t.kind {
	case jsonObject:
		object := make(map[string]any)
		for key := i + 1; key < t.next; key = d.tokens[key+1].next {
			name, err := d.string(key)
			if err != nil {
				return nil, err
			}
			if object[name], err = d.any(key + 1); err != nil {
				return nil, cbordoc.At(err, name)
			}
		}
		return object, nil
	case jsonArray:
		array := []any{}
		for element := i + 1; element < t.next; element = d.tokens[element].next {
			v, err := d.any(element)
			if err != nil {
				return nil, cbordoc.At(err, cbordoc.Index(len(array)))
			}
			array = append(array, v)
		}
		return array, nil
	case jsonText:
		return d.string(i)
	case jsonNumber:
		return d.float(i), nil
	case jsonNull:
		return nil, nil
	default:
		return t.kind == jsonTrue, nil
	}
}
