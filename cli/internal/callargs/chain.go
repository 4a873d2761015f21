package callargs

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/jsonvalue"
)

// parseChain reads a continuation as it is written in a program: admin().forceReset(),
// or add(add(1, 10), 100). Arguments are JSON, in which a nested call may stand
// wherever a value may, names of members need no quotes, text may have single ones, and
// 12n is a big integer.
func parseChain(text string) (lmz.Continuation, error) {
	p := &chainParser{text: text}
	c, err := p.chain()
	if err == nil && p.peek() != 0 {
		err = p.unexpected("the end or a dot")
	}
	return c, err
}

type chainParser struct {
	text  string
	pos   int
	depth int
}

// maxChainDepth is how deep values may be inside one another.
const maxChainDepth = 100

func (p *chainParser) chain() (c lmz.Continuation, err error) {
	for {
		name := p.name()
		if name == "" {
			return c, p.unexpected("a method name")
		}
		if p.peek() != '(' {
			return c, p.unexpected("( after " + name + ": properties cannot be read")
		}
		p.pos++
		args, err := p.list(')')
		if err != nil {
			return c, err
		}
		if c = c.Then(name, args...); p.peek() != '.' {
			return c, nil
		}
		p.pos++
	}
}

// list reads values up to the end character, which it takes.
func (p *chainParser) list(end byte) (values []any, err error) {
	for {
		if p.peek() == end {
			p.pos++
			return values, nil
		}
		if len(values) > 0 {
			if p.peek() != ',' {
				return nil, p.unexpected(", or " + string(end))
			}
			p.pos++
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
}

func (p *chainParser) value() (any, error) {
	if p.depth++; p.depth > maxChainDepth {
		return nil, p.errorf("values are nested too deeply")
	}
	defer func() { p.depth-- }()
	switch c := p.peek(); {
	case c == '"' || c == '\'':
		return p.quoted()
	case c == '[':
		p.pos++
		values, err := p.list(']')
		if values == nil {
			values = []any{}
		}
		return values, err
	case c == '{':
		p.pos++
		return p.object()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	start := p.pos
	switch p.name() {
	case "":
		return nil, p.unexpected("a value")
	case "true":
		return p.unlessCalled(start, true)
	case "false":
		return p.unlessCalled(start, false)
	case "null":
		return p.unlessCalled(start, nil)
	case "undefined":
		return p.unlessCalled(start, lmz.Undefined{})
	}
	p.pos = start
	return p.chain()
}

// unlessCalled is the value of a word, unless it is a method called so.
func (p *chainParser) unlessCalled(start int, v any) (any, error) {
	if p.peek() != '(' {
		return v, nil
	}
	p.pos = start
	return p.chain()
}

func (p *chainParser) object() (any, error) {
	members := make(map[string]any)
	for first := true; ; first = false {
		if p.peek() == '}' {
			v, err := jsonvalue.FromRich(members)
			if err != nil {
				return nil, p.errorf(err.Error())
			}
			p.pos++
			return v, nil
		}
		if !first {
			if p.peek() != ',' {
				return nil, p.unexpected(", or }")
			}
			p.pos++
		}
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		if p.peek() != ':' {
			return nil, p.unexpected(":")
		}
		p.pos++
		if members[key], err = p.value(); err != nil {
			return nil, err
		}
	}
}

func (p *chainParser) key() (string, error) {
	if c := p.peek(); c == '"' || c == '\'' {
		return p.quoted()
	}
	if name := p.name(); name != "" {
		return name, nil
	}
	return "", p.unexpected("a member name")
}

// quoted reads text in double or single quotes, with JSON's escapes.
func (p *chainParser) quoted() (string, error) {
	start, quote := p.pos, p.text[p.pos]
	var inner strings.Builder
	for i := start + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == quote:
			p.pos = i + 1
			v, err := jsonvalue.Parse(`"` + inner.String() + `"`)
			if err != nil {
				p.pos = start
				return "", p.errorf("the string is not JSON: " + err.Error())
			}
			return v.(string), nil
		case c == '\\' && i+1 < len(p.text):
			i++
			if p.text[i] != '\'' {
				inner.WriteByte('\\')
			}
			inner.WriteByte(p.text[i])
		case c == '"':
			inner.WriteString(`\"`)
		default:
			inner.WriteByte(c)
		}
	}
	return "", p.errorf("the string that begins here is not closed")
}

func (p *chainParser) number() (any, error) {
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte("0123456789+-.eE", p.text[p.pos]) >= 0 {
		p.pos++
	}
	digits := p.text[start:p.pos]
	if p.pos < len(p.text) && p.text[p.pos] == 'n' {
		p.pos++
		if i, ok := new(big.Int).SetString(digits, 10); ok {
			return i, nil
		}
	} else if v, err := jsonvalue.Parse(digits); err == nil {
		return v, nil
	}
	p.pos = start
	return nil, p.errorf(strconv.Quote(digits) + " is not a number")
}

// name reads a name, or nothing.
func (p *chainParser) name() string {
	p.peek()
	start := p.pos
	for p.pos < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.pos:])
		if r != '_' && r != '$' && !unicode.IsLetter(r) && (p.pos == start || !unicode.IsDigit(r)) {
			break
		}
		p.pos += size
	}
	return p.text[start:p.pos]
}

// peek returns the next character that is no space, or 0 at the end.
func (p *chainParser) peek() byte {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *chainParser) unexpected(want string) error {
	if p.peek() == 0 {
		return p.errorf("expected " + want)
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	return p.errorf("expected " + want + ", got " + strconv.QuoteRune(r))
}

// errorf is an error at the current place, which it counts in characters from 1.
func (p *chainParser) errorf(what string) error {
	n := utf8.RuneCountInString(p.text[:p.pos])
	where := "at character " + strconv.Itoa(n+1)
	if p.pos == len(p.text) {
		where = "at the end"
	}
	return exit.Usagef("lmz call B I --chain 'admin().forceReset()'", "%s of the chain: %s", where, what)
}
