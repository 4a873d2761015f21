package value

import (
	"reflect"
	"strconv"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

// object decodes tag 27.
func (d *decoder) object(t cbordoc.Token, mark int) (x any, end int, err error) {
	name, pos, n, err := d.ObjectHead(t)
	if err != nil {
		return nil, 0, err
	}
	if name == cbordoc.ObjectResult {
		if n != 0 {
			return nil, 0, cbordoc.BadContent(t)
		}
		return lmz.Result, pos, nil
	}
	if n != 1 {
		return nil, 0, cbordoc.BadContent(t)
	}
	switch name {
	case cbordoc.ObjectContinuation:
		return d.continuation(pos)
	case cbordoc.ObjectError:
		x := new(lmz.Error)
		d.registerAny(mark, x)
		end, err = d.lmzError(pos, x)
		return x, end, err
	case cbordoc.ObjectHeaders:
		var h struct{ Entries [][2]string }
		end, err = d.value(pos, reflect.ValueOf(&h).Elem())
		return lmz.Headers(h.Entries), end, err
	case "Boolean", "Number", "String", "BigInt":
		return d.boxed(name, pos)
	}
	return d.structObject(name, pos, mark)
}

func (d *decoder) structObject(name string, pos, mark int) (x any, end int, err error) {
	t, ok := types().objects[name]
	if !ok {
		return nil, 0, &cbordoc.Error{What: "unknown type " + strconv.Quote(cbordoc.Shorten(name))}
	}
	p := reflect.New(t)
	switch p.Interface().(type) {
	case *lmz.HTTPRequest, *lmz.HTTPResponse:
		d.registerAny(mark, p.Interface())
		end, err = d.intoStruct(d.Token(pos), p.Elem())
		return p.Interface(), end, err
	}
	end, err = d.intoStruct(d.Token(pos), p.Elem())
	if view, ok := p.Elem().Interface().(lmz.DataView); ok && err == nil {
		if _, fits := view.Window(); !fits {
			return nil, 0, &cbordoc.Error{What: "a DataView whose window does not fit its buffer"}
		}
	}
	return p.Elem().Interface(), end, err
}

func (d *decoder) boxed(name string, pos int) (x any, end int, err error) {
	var b struct{ Value any }
	end, err = d.value(pos, reflect.ValueOf(&b).Elem())
	if err != nil {
		return nil, 0, err
	}
	if got, ok := boxedName(b.Value); !ok || got != name {
		return nil, 0, &cbordoc.Error{What: "a boxed " + name + " holds something else"}
	}
	return lmz.Boxed{Value: b.Value}, end, nil
}

// lmzError decodes the members of an error. A cause that is not an error is a property.
func (d *decoder) lmzError(pos int, x *lmz.Error) (end int, err error) {
	t := d.Token(pos)
	if t.Major != cbordoc.MajorMap {
		return 0, d.mismatch(reflect.TypeFor[lmz.Error](), t)
	}
	hasName, hasMessage := false, false
	return d.Members(t, func(k []byte, pos int) (int, error) {
		key := string(k)
		switch key {
		case cbordoc.MemberName:
			return d.errorText(pos, &x.Name, &hasName)
		case cbordoc.MemberMessage:
			return d.errorText(pos, &x.Message, &hasMessage)
		case cbordoc.MemberCode:
			if text, end, ok := d.code(pos); ok && x.Code == "" {
				x.Code = text
				return end, nil
			}
		}
		if _, twice := x.Fields[key]; twice || key == cbordoc.MemberCause && x.Cause != nil {
			return 0, &cbordoc.Error{What: "the key occurs twice"}
		}
		value, end, err := d.any(pos)
		if err != nil {
			return 0, err
		}
		if cause, ok := value.(*lmz.Error); ok && key == cbordoc.MemberCause {
			x.Cause = cause
			return end, nil
		}
		if x.Fields == nil {
			x.Fields = make(map[string]any)
		}
		x.Fields[key] = value
		return end, nil
	})
}

func (d *decoder) errorText(pos int, s *string, known *bool) (end int, err error) {
	if *known {
		return 0, &cbordoc.Error{What: "the key occurs twice"}
	}
	*known = true
	return d.value(pos, reflect.ValueOf(s).Elem())
}

// code reads the code of an error, which is a property of it in the outcome of a reply.
func (d *decoder) code(pos int) (code lmz.Code, end int, ok bool) {
	t := d.Token(pos)
	if t.Major != cbordoc.MajorText {
		return "", 0, false
	}
	b := d.Chunk(t)
	switch code = lmz.Code(b); code {
	case lmz.CodeCallee, lmz.CodeGuard, lmz.CodeAbsent, lmz.CodeGateway, lmz.CodeUnknown:
		return code, t.Next + len(b), true
	}
	return "", 0, false
}

// continuation decodes a nested continuation.
func (d *decoder) continuation(pos int) (x any, end int, err error) {
	t := d.Token(pos)
	if t.Major != cbordoc.MajorArray || t.Arg == 0 || t.Arg%2 != 0 {
		return nil, 0, &cbordoc.Error{What: "a continuation is not made of names and arguments"}
	}
	if t.Arg > lmz.MaxOperations {
		return nil, 0, &cbordoc.Error{What: "the chain has " + strconv.FormatUint(t.Arg, 10) + " operations, more than " +
			strconv.Itoa(lmz.MaxOperations)}
	}
	var c lmz.Continuation
	pos = t.Next
	for range t.Arg / 2 {
		var method string
		if pos, err = d.value(pos, reflect.ValueOf(&method).Elem()); err != nil {
			return nil, 0, err
		}
		var args []any
		if args, pos, err = d.arguments(pos); err != nil {
			return nil, 0, cbordoc.At(err, method)
		}
		if len(args) == 0 {
			args = nil // as in lmz.Ctn
		}
		c = c.Then(method, args...)
	}
	return c, pos, nil
}

func (d *decoder) arguments(pos int) (args []any, end int, err error) {
	x, end, err := d.any(pos)
	if err != nil {
		return nil, 0, cbordoc.At(err, "args")
	}
	args, ok := x.([]any)
	switch {
	case !ok:
		return nil, 0, cbordoc.At(&cbordoc.Error{What: "expected array, got " + d.Describe(d.Token(pos))}, "args")
	case len(args) > lmz.MaxArguments:
		return nil, 0, &cbordoc.Error{What: strconv.Itoa(len(args)) + " arguments, more than " + strconv.Itoa(lmz.MaxArguments)}
	}
	return args, end, nil
}

// UnmarshalChain decodes a chain that [MarshalChain] has encoded.
func UnmarshalChain(data []byte) (lmz.Continuation, error) {
	it, err := Parse(data)
	if err != nil {
		return lmz.Continuation{}, err
	}
	d := newDecoder(it, cbordoc.Budget(len(it.data)))
	x, _, err := d.continuation(it.contents())
	if err != nil {
		return lmz.Continuation{}, err
	}
	return x.(lmz.Continuation), nil
}
