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
	"github.com/lumenize/lmz/internal/cbordoc"
)

// class is how a Go type is sent.
type class uint8

const (
	byKind class = iota // by its reflect.Kind
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

// table describes the Go types that have a meaning on the wire. It is built on first use:
// a program that only passes values on is linked without these types.
type table struct {
	classes map[reflect.Type]class
	names   map[reflect.Type]string // class names of the types that are sent with their fields
	objects map[string]reflect.Type // the inverse of names
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
		reflect.TypeFor[lmz.ArrayBuffer]():  cbordoc.ObjectArrayBuffer,
		reflect.TypeFor[lmz.DataView]():     "DataView",
		reflect.TypeFor[lmz.HTTPRequest]():  cbordoc.ObjectRequest,
		reflect.TypeFor[lmz.HTTPResponse](): cbordoc.ObjectResponse,
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

// kindName names a Go type for an error message.
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

func boxedName(v any) (name string, ok bool) {
	if _, isBig := v.(*big.Int); isBig {
		return "BigInt", true
	}
	switch reflect.ValueOf(v).Kind() {
	case reflect.Bool:
		return "Boolean", true
	case reflect.String:
		return "String", true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return "Number", true
	}
	return "", false
}
