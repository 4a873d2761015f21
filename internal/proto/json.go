package proto

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ParseJSON decodes one JSON text (RFC 8259) to nil, bool, float64, string, []any
// or map[string]any. It exists because encoding/json would be a third of the
// browser's module.
func ParseJSON(data []byte) (any, error) {
	p := jsonParser{data: data}
	v := p.value(0)
	if p.space(); p.err == nil && p.pos < len(data) {
		p.fail("something follows the value")
	}
	return v, p.err
}

type jsonParser struct {
	data []byte
	pos  int
	err  error
}

func (p *jsonParser) fail(why string) {
	if p.err == nil {
		p.err = errors.New("JSON at byte " + strconv.Itoa(p.pos) + ": " + why)
	}
	p.pos = len(p.data)
}

func (p *jsonParser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next returns the next byte after white space without taking it, 0 at the end.
func (p *jsonParser) next() byte {
	p.space()
	if p.pos >= len(p.data) {
		return 0
	}
	return p.data[p.pos]
}

func (p *jsonParser) expect(c byte) {
	if p.next() != c {
		p.fail("expected " + strconv.QuoteRune(rune(c)))
		return
	}
	p.pos++
}

func (p *jsonParser) value(depth int) any {
	if depth > MaxNesting {
		p.fail("nested too deep")
		return nil
	}
	switch c := p.next(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.text()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	for word, v := range map[string]any{"true": true, "false": false, "null": nil} {
		if end := p.pos + len(word); end <= len(p.data) && string(p.data[p.pos:end]) == word {
			p.pos = end
			return v
		}
	}
	p.fail("expected a value")
	return nil
}

func (p *jsonParser) object(depth int) map[string]any {
	p.pos++
	object := make(map[string]any)
	for first := true; p.next() != '}' && p.err == nil; first = false {
		if !first {
			p.expect(',')
		}
		if p.next() != '"' {
			p.fail("expected a member name")
			break
		}
		key := p.text()
		p.expect(':')
		object[key] = p.value(depth + 1)
	}
	p.expect('}')
	return object
}

func (p *jsonParser) array(depth int) []any {
	p.pos++
	array := []any{}
	for first := true; p.next() != ']' && p.err == nil; first = false {
		if !first {
			p.expect(',')
		}
		array = append(array, p.value(depth+1))
	}
	p.expect(']')
	return array
}

func (p *jsonParser) number() float64 {
	start := p.pos
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		p.pos++
	}
	f, err := strconv.ParseFloat(string(p.data[start:p.pos]), 64)
	if err != nil {
		p.fail("bad number")
	}
	return f
}

func (p *jsonParser) text() string {
	p.pos++
	var b []byte
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		p.pos++
		switch {
		case c == '"':
			return string(b)
		case c == '\\':
			b = p.escape(b)
		case c < ' ':
			p.fail("control character in a string")
		default:
			b = append(b, c)
		}
	}
	p.fail("unterminated string")
	return ""
}

// escapes are the characters that follow a backslash and what they stand for.
var escapes = map[byte]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

func (p *jsonParser) escape(b []byte) []byte {
	if p.pos >= len(p.data) {
		return b
	}
	c := p.data[p.pos]
	p.pos++
	if c != 'u' {
		plain, ok := escapes[c]
		if !ok {
			p.fail("unknown escape")
		}
		return append(b, plain)
	}
	r := p.hex()
	if utf16.IsSurrogate(r) && p.pos+1 < len(p.data) && p.data[p.pos] == '\\' && p.data[p.pos+1] == 'u' {
		p.pos += 2
		r = utf16.DecodeRune(r, p.hex())
	}
	return utf8.AppendRune(b, r)
}

func (p *jsonParser) hex() rune {
	if p.pos+4 > len(p.data) {
		p.fail("bad \\u escape")
		return 0
	}
	n, err := strconv.ParseUint(string(p.data[p.pos:p.pos+4]), 16, 16)
	if err != nil {
		p.fail("bad \\u escape")
	}
	p.pos = min(p.pos+4, len(p.data))
	return rune(n)
}
