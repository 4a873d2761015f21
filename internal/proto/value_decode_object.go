package proto

import (
	"reflect"
	"strconv"

	"github.com/lumenize/lmz"
)

// objectHead returns the name of an object with a type, where its contents begin,
// and how many there are.
func (d *decoder) objectHead(t token) (name string, contents, n int, err error) {
	array := d.token(t.next)
	if array.major != majorArray || array.arg == 0 {
		return "", 0, 0, badContent(t)
	}
	first := d.token(array.next)
	if first.major != majorText {
		return "", 0, 0, badContent(t)
	}
	b := d.chunk(first)
	return string(b), first.next + len(b), int(array.arg) - 1, nil
}

// object decodes tag 27.
func (d *decoder) object(t token, mark int) (x any, end int, err error) {
	name, pos, n, err := d.objectHead(t)
	if err != nil {
		return nil, 0, err
	}
	if name == objectResult {
		if n != 0 {
			return nil, 0, badContent(t)
		}
		return lmz.Result, pos, nil
	}
	if n != 1 {
		return nil, 0, badContent(t)
	}
	switch name {
	case objectContinuation:
		return d.continuation(pos)
	case objectError:
		x := new(lmz.Error)
		d.registerAny(mark, x)
		end, err = d.lmzError(pos, x)
		return x, end, err
	case objectHeaders:
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
		return nil, 0, &valueError{what: "unknown type " + strconv.Quote(shorten(name))}
	}
	p := reflect.New(t)
	switch p.Interface().(type) {
	case *lmz.HTTPRequest, *lmz.HTTPResponse:
		d.registerAny(mark, p.Interface())
		end, err = d.intoStruct(d.token(pos), p.Elem())
		return p.Interface(), end, err
	}
	end, err = d.intoStruct(d.token(pos), p.Elem())
	if view, ok := p.Elem().Interface().(lmz.DataView); ok && err == nil {
		if _, fits := view.Window(); !fits {
			return nil, 0, &valueError{what: "a DataView whose window does not fit its buffer"}
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
		return nil, 0, &valueError{what: "a boxed " + name + " holds something else"}
	}
	return lmz.Boxed{Value: b.Value}, end, nil
}

// lmzError decodes the members of an error. A cause that is no error is an own
// property.
func (d *decoder) lmzError(pos int, x *lmz.Error) (end int, err error) {
	t := d.token(pos)
	if t.major != majorMap {
		return 0, d.mismatch(reflect.TypeFor[lmz.Error](), t)
	}
	hasName, hasMessage := false, false
	return d.members(t, func(k []byte, pos int) (int, error) {
		key := string(k)
		switch key {
		case memberName:
			return d.errorText(pos, &x.Name, &hasName)
		case memberMessage:
			return d.errorText(pos, &x.Message, &hasMessage)
		case memberCode:
			if text, end, ok := d.code(pos); ok && x.Code == "" {
				x.Code = text
				return end, nil
			}
		}
		if _, twice := x.Fields[key]; twice || key == memberCause && x.Cause != nil {
			return 0, &valueError{what: "the key occurs twice"}
		}
		value, end, err := d.any(pos)
		if err != nil {
			return 0, err
		}
		if cause, ok := value.(*lmz.Error); ok && key == memberCause {
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
		return 0, &valueError{what: "the key occurs twice"}
	}
	*known = true
	return d.value(pos, reflect.ValueOf(s).Elem())
}

// code reads who failed, which the error that a reply gets has as a property.
func (d *decoder) code(pos int) (code lmz.Code, end int, ok bool) {
	t := d.token(pos)
	if t.major != majorText {
		return "", 0, false
	}
	b := d.chunk(t)
	switch code = lmz.Code(b); code {
	case lmz.CodeCallee, lmz.CodeGuard, lmz.CodeAbsent, lmz.CodeGateway, lmz.CodeUnknown:
		return code, t.next + len(b), true
	}
	return "", 0, false
}

// continuation decodes nested work whose arguments nobody has looked at.
func (d *decoder) continuation(pos int) (x any, end int, err error) {
	t := d.token(pos)
	if t.major != majorArray || t.arg == 0 || t.arg%2 != 0 {
		return nil, 0, &valueError{what: "a continuation is not made of names and arguments"}
	}
	if t.arg > lmz.MaxOperations {
		return nil, 0, &valueError{what: "the chain has " + strconv.FormatUint(t.arg, 10) + " operations, more than " +
			strconv.Itoa(lmz.MaxOperations)}
	}
	var c lmz.Continuation
	pos = t.next
	for range t.arg / 2 {
		var method string
		if pos, err = d.value(pos, reflect.ValueOf(&method).Elem()); err != nil {
			return nil, 0, err
		}
		var args []any
		if args, pos, err = d.arguments(pos); err != nil {
			return nil, 0, at(err, method)
		}
		if len(args) == 0 {
			args = nil // as lmz.Ctn has it
		}
		c = c.Then(method, args...)
	}
	return c, pos, nil
}

func (d *decoder) arguments(pos int) (args []any, end int, err error) {
	x, end, err := d.any(pos)
	if err != nil {
		return nil, 0, at(err, "args")
	}
	args, ok := x.([]any)
	switch {
	case !ok:
		return nil, 0, at(&valueError{what: "expected array, got " + d.describe(d.token(pos))}, "args")
	case len(args) > lmz.MaxArguments:
		return nil, 0, &valueError{what: strconv.Itoa(len(args)) + " arguments, more than " + strconv.Itoa(lmz.MaxArguments)}
	}
	return args, end, nil
}
