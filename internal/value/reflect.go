package value

import (
	"encoding"
	"math/big"
	"net/url"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/lumenize/lmz"
)

// class is how a Go type is sent.
type class uint8

const (
	byKind class = iota // as its kind says
	byDate
	byBigInt
	byURL
	byError // lmz.Error itself
	byContinuation
	byResult
	byUndefined
	byItem
	byMap
	bySet
	byRegExp
	byBoxed
	byHeaders
	byClamped
	byObject  // tag 27 with its fields
	byFailure // any other error
	byValue   // any other lmz.Value
	byText    // encoding.TextMarshaler
)

// table is what is known of Go types. It is made when it is first needed: a program
// that passes values on undecoded is linked without the types in it.
type table struct {
	classes map[reflect.Type]class
	names   map[reflect.Type]string // class names of the types that are sent with their fields
	objects map[string]reflect.Type // the same the other way round
}

var (
	tableOnce sync.Once
	madeTable table
)

func types() *table {
	tableOnce.Do(makeTable)
	return &madeTable
}

func makeTable() {
	madeTable.classes = map[reflect.Type]class{
		reflect.TypeFor[time.Time]():        byDate,
		reflect.TypeFor[big.Int]():          byBigInt,
		reflect.TypeFor[url.URL]():          byURL,
		reflect.TypeFor[lmz.Error]():        byError,
		reflect.TypeFor[lmz.Continuation](): byContinuation,
		reflect.TypeOf(lmz.Result):          byResult,
		reflect.TypeFor[lmz.Undefined]():    byUndefined,
		reflect.TypeFor[Item]():             byItem,
		reflect.TypeFor[lmz.Map]():          byMap,
		reflect.TypeFor[lmz.Set]():          bySet,
		reflect.TypeFor[lmz.RegExp]():       byRegExp,
		reflect.TypeFor[lmz.Boxed]():        byBoxed,
		reflect.TypeFor[lmz.Headers]():      byHeaders,
		reflect.TypeFor[lmz.Uint8Clamped](): byClamped,
		reflect.TypeFor[lmz.ArrayBuffer]():  byObject,
		reflect.TypeFor[lmz.DataView]():     byObject,
		reflect.TypeFor[lmz.HTTPRequest]():  byObject,
		reflect.TypeFor[lmz.HTTPResponse](): byObject,
	}
	madeTable.names = map[reflect.Type]string{
		reflect.TypeFor[lmz.ArrayBuffer]():  objectArrayBuffer,
		reflect.TypeFor[lmz.DataView]():     "DataView",
		reflect.TypeFor[lmz.HTTPRequest]():  ObjectRequest,
		reflect.TypeFor[lmz.HTTPResponse](): ObjectResponse,
	}
	madeTable.objects = make(map[string]reflect.Type, len(madeTable.names))
	for t, name := range madeTable.names {
		madeTable.objects[name] = t
	}
}

// classOf returns how values of t are sent. A pointer to a type of the table is
// an ordinary pointer.
func classOf(t reflect.Type) class {
	if t.Kind() == reflect.Pointer {
		if _, listed := types().classes[t.Elem()]; listed || t.NumMethod() == 0 {
			return byKind
		}
	} else if t.PkgPath() == "" {
		return byKind
	} else if c, listed := types().classes[t]; listed {
		return c
	}
	switch {
	case t.NumMethod() == 0:
		return byKind
	case t.Implements(reflect.TypeFor[error]()):
		return byFailure
	case t.Implements(reflect.TypeFor[lmz.Value]()):
		return byValue
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return byText
	}
	return byKind
}

// reflected encodes v by its type.
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
			return &Error{What: v.Type().String() + " cannot be sent: " + err.Error()}
		}
		return e.text(string(text))
	case byValue:
		var x any
		if err := v.Interface().(lmz.Value).Decode(&x); err != nil {
			return &Error{What: err.Error()}
		}
		if _, again := x.(lmz.Value); again {
			return &Error{What: v.Type().String() + " decodes into yet another value"}
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
	return e.any(v) // which knows the rest: Undefined, Continuation, Result, Item
}

func (e *encoder) structObject(v reflect.Value) error {
	if view, ok := v.Interface().(lmz.DataView); ok {
		if _, fits := view.Window(); !fits {
			return ErrWindow()
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

// kind encodes a value of a type that has no meaning of its own here.
func (e *encoder) kind(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Bool:
		e.Dst = AppendBool(e.Dst, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.Dst = AppendInt(e.Dst, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		e.Dst = AppendHead(e.Dst, MajorUint, v.Uint())
	case reflect.Float32, reflect.Float64:
		e.Dst = AppendFloat(e.Dst, v.Float())
	case reflect.String:
		return e.text(v.String())
	case reflect.Slice, reflect.Map:
		return e.identified(v, byKind)
	case reflect.Array:
		return e.array(v)
	case reflect.Struct:
		return e.structure(v)
	default:
		return &Error{What: v.Type().String() + " cannot be sent"}
	}
	return nil
}

// identified encodes a slice or a map, which may occur more than once. A nil one
// goes as an empty one: null is not what a JavaScript neighbour can loop over.
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
		return e.Tagged(TagClamped, func() { e.Dst = AppendBytes(e.Dst, v.Bytes()) })
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
	e.Dst = AppendBytes(e.Dst, b)
	return nil
}

// list encodes the elements of a slice or an array.
func (e *encoder) list(v reflect.Value) error {
	if err := e.Begin(MajorArray, uint64(v.Len())); err != nil {
		return err
	}
	for i := range v.Len() {
		if err := e.reflected(v.Index(i)); err != nil {
			return At(err, Index(i))
		}
	}
	e.End()
	return nil
}

// pointer encodes what v points to. A value that is reached through several
// pointers in a row has the identity of the last one, because only that can be
// told apart by a receiver.
func (e *encoder) pointer(v reflect.Value) error {
	for range MaxNesting {
		if v.IsNil() || e.flat {
			e.Dst = append(e.Dst, ByteNull)
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
	return &Error{What: v.Type().String() + " points to itself"}
}

func (e *encoder) pointee(v, target reflect.Value) error {
	switch target.Kind() {
	case reflect.Struct, reflect.Array:
		switch classOf(target.Type()) {
		case byBigInt, byItem: // a primitive in JavaScript; a document with its own marks
			return e.reflected(target)
		}
	default:
		return e.reflected(target) // slices and maps have their own identity, scalars none
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

// kindName says what a Go type is to somebody who sends it.
func kindName(t reflect.Type) string {
	switch c := classOf(t); {
	case c == byDate:
		return "date"
	case c == byBigInt:
		return "big integer"
	case c == byURL:
		return "URL"
	case c == byError, t == reflect.TypeFor[error]():
		return "error"
	case c == byText:
		return t.String()
	case c != byKind:
		return t.Name()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return kindName(t.Elem())
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return "unsigned integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.String:
		return "string"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "array"
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return strconv.Itoa(t.Len()) + " bytes"
		}
		return "array of " + strconv.Itoa(t.Len())
	case reflect.Map, reflect.Struct:
		return "object"
	}
	return t.String()
}
