package value

import (
	"encoding"
	"math/big"
	"net/url"
	"reflect"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

// reflected encodes v according to its type.
func (e *encoder) reflected(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return e.any(nil)
		}
		return e.any(v.Elem().Interface())
	case reflect.Pointer:
		return e.pointer(v)
	}
	if c := classOf(v.Type()); c != byKind {
		return e.classed(c, v)
	}
	return e.kind(v)
}

func (e *encoder) classed(c class, v reflect.Value) error {
	switch c {
	case byMap, bySet, byHeaders, byClamped:
		return e.identified(v, c)
	case byFailure:
		return e.failure(v.Interface().(error))
	case byText:
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return &cbordoc.Error{What: v.Type().String() + " cannot be sent: " + err.Error()}
		}
		return e.text(string(text))
	case byValue:
		var x any
		if err := v.Interface().(lmz.Value).Decode(&x); err != nil {
			return &cbordoc.Error{What: err.Error()}
		}
		if _, again := x.(lmz.Value); again {
			return &cbordoc.Error{What: v.Type().String() + " decodes into yet another value"}
		}
		return e.any(x)
	case byObject:
		return e.structObject(v)
	}
	return e.exact(v.Interface())
}

// exact encodes a value of one of the types in the table of classes.
func (e *encoder) exact(v any) error {
	switch v := v.(type) {
	case time.Time:
		return e.Date(v)
	case big.Int:
		return e.BigInt(&v)
	case url.URL:
		return e.url(&v)
	case lmz.Error:
		return e.lmzError(&v)
	case lmz.RegExp:
		return e.regExp(v)
	case lmz.Boxed:
		return e.boxed(v)
	}
	return e.any(v) // handles the rest: Undefined, Continuation, Result, Item
}

func (e *encoder) structObject(v reflect.Value) error {
	if view, ok := v.Interface().(lmz.DataView); ok {
		if _, fits := view.Window(); !fits {
			return cbordoc.ErrWindow()
		}
	}
	if err := e.Object(types().names[v.Type()]); err != nil {
		return err
	}
	if err := e.structure(v); err != nil {
		return err
	}
	e.EndObject()
	return nil
}

// kind encodes a value of a type that has no special meaning on the wire.
func (e *encoder) kind(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Bool:
		e.Dst = cbordoc.AppendBool(e.Dst, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.Dst = cbordoc.AppendInt(e.Dst, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		e.Dst = cbordoc.AppendHead(e.Dst, cbordoc.MajorUint, v.Uint())
	case reflect.Float32, reflect.Float64:
		e.Dst = cbordoc.AppendFloat(e.Dst, v.Float())
	case reflect.String:
		return e.text(v.String())
	case reflect.Slice, reflect.Map:
		return e.identified(v, byKind)
	case reflect.Array:
		return e.array(v)
	case reflect.Struct:
		return e.structure(v)
	default:
		return &cbordoc.Error{What: v.Type().String() + " cannot be sent"}
	}
	return nil
}

// identified encodes a slice or a map, which may be shared. A nil one is sent as an empty
// one, because JavaScript cannot loop over null.
func (e *encoder) identified(v reflect.Value, c class) error {
	marked, done, err := e.meet(identityOf(v))
	if done || err != nil {
		return err
	}
	if err := e.container(v, c); err != nil {
		return err
	}
	if marked {
		e.End()
	}
	return nil
}

func (e *encoder) container(v reflect.Value, c class) error {
	switch c {
	case byMap:
		return e.orderedMap(v.Interface().(lmz.Map))
	case bySet:
		return e.set(v.Interface().(lmz.Set))
	case byHeaders:
		return e.headers(v.Interface().(lmz.Headers))
	case byClamped:
		return e.Tagged(cbordoc.TagClamped, func() { e.Dst = cbordoc.AppendBytes(e.Dst, v.Bytes()) })
	}
	if v.Kind() == reflect.Map {
		return e.goMap(v)
	}
	return e.slice(v)
}

// array encodes a Go array: [n]byte as bytes, anything else as an array.
func (e *encoder) array(v reflect.Value) error {
	if v.Type().Elem().Kind() != reflect.Uint8 {
		return e.list(v)
	}
	b := make([]byte, v.Len())
	reflect.Copy(reflect.ValueOf(b), v)
	e.Dst = cbordoc.AppendBytes(e.Dst, b)
	return nil
}

// list encodes the elements of a slice or an array.
func (e *encoder) list(v reflect.Value) error {
	if err := e.Begin(cbordoc.MajorArray, uint64(v.Len())); err != nil {
		return err
	}
	for i := range v.Len() {
		if err := e.reflected(v.Index(i)); err != nil {
			return cbordoc.At(err, cbordoc.Index(i))
		}
	}
	e.End()
	return nil
}

// pointer encodes the value that v points to. Behind several pointers in a row, the value
// has the identity of the last one, because a receiver sees only that.
func (e *encoder) pointer(v reflect.Value) error {
	for range cbordoc.MaxNesting {
		if v.IsNil() || e.flat {
			e.Dst = append(e.Dst, cbordoc.ByteNull)
			return nil
		}
		if c := classOf(v.Type()); c != byKind {
			return e.classed(c, v)
		}
		target := v.Elem()
		for target.Kind() == reflect.Interface && !target.IsNil() {
			target = target.Elem()
		}
		if target.Kind() == reflect.Pointer {
			v = target
			continue
		}
		return e.pointee(v, target)
	}
	return &cbordoc.Error{What: v.Type().String() + " points to itself"}
}

func (e *encoder) pointee(v, target reflect.Value) error {
	switch target.Kind() {
	case reflect.Struct, reflect.Array:
		switch classOf(target.Type()) {
		case byBigInt, byItem: // a primitive in JavaScript; a document with its own marks
			return e.reflected(target)
		}
	default:
		return e.reflected(target) // slices and maps have their own identity, scalars have none
	}
	marked, done, err := e.meet(identityOf(v))
	if done || err != nil {
		return err
	}
	if err := e.reflected(target); err != nil {
		return err
	}
	if marked {
		e.End()
	}
	return nil
}

// structure encodes a struct as an object with its fields in order.
func (e *encoder) structure(v reflect.Value) error {
	l := layoutOf(v.Type())
	if l.wrong != "" {
		return &cbordoc.Error{What: v.Type().String() + " cannot be sent: " + l.wrong}
	}
	n := 0
	for i := range l.fields {
		if _, sent := l.fields[i].sent(v); sent {
			n++
		}
	}
	if err := e.Begin(cbordoc.MajorMap, uint64(n)); err != nil {
		return err
	}
	for i := range l.fields {
		f := &l.fields[i]
		member, sent := f.sent(v)
		if !sent {
			continue
		}
		e.Dst = cbordoc.AppendText(e.Dst, f.name)
		if err := e.reflected(member); err != nil {
			return cbordoc.At(err, f.name)
		}
	}
	e.End()
	return nil
}

// meet is called before a value with an identity is written. If the document already has the
// value, it writes a reference and reports done. If other places will refer to the value, it
// opens tag 28 and reports marked: call End after the value then.
func (e *encoder) meet(id identity) (marked, done bool, err error) {
	switch {
	case id.where == nil:
		return false, false, nil
	case !e.known:
		if e.met.add(id) {
			return false, false, nil
		}
		if e.shared == nil {
			e.shared = make(map[identity]int)
		}
		e.shared[id] = cbordoc.Unwritten
		e.Dst = append(e.Dst, cbordoc.ByteNull) // this pass is discarded
		return false, true, nil
	}
	n, shared := e.shared[id]
	switch {
	case !shared:
		return false, false, nil
	case n == cbordoc.Unwritten:
		e.shared[id] = e.Marks
		return true, false, e.Mark()
	}
	return false, true, e.Reference(n)
}
