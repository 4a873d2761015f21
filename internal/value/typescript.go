//go:build !js

package value

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/lumenize/lmz"
)

// TypeScript translates Go types into the types of their values in JavaScript, and collects
// declarations of the structs among them. The zero value is ready to use.
type TypeScript struct {
	names        map[reflect.Type]string
	taken        map[string]bool
	declarations []string
	imports      map[string]bool
}

// Declarations returns an interface for each named struct, in alphabetical order.
func (ts *TypeScript) Declarations() []string { return slices.Sorted(slices.Values(ts.declarations)) }

// Type returns the TypeScript type of t.
func (ts *TypeScript) Type(t reflect.Type) string {
	if t == reflect.TypeFor[lmz.Value]() {
		return "unknown"
	}
	if t.Kind() == reflect.Pointer {
		return ts.pointer(t)
	}
	if name, ok := classTypes[classOf(t)]; ok {
		return name
	}
	if t == reflect.TypeFor[error]() {
		return "Error"
	}
	if name, ok := objectTypescript[t]; ok {
		if strings.HasSuffix(name, "Sync") {
			if ts.imports == nil {
				ts.imports = make(map[string]bool)
			}
			ts.imports[name] = true
		}
		return name
	}
	return ts.kind(t)
}

// classTypes are the types that have a meaning on the wire.
var classTypes = map[class]string{
	byDate: "Date", byBigInt: "bigint", byURL: "URL", byError: "Error", byContinuation: "unknown", byResult: "unknown",
	byUndefined: "undefined", byItem: "unknown", byMap: "Map<unknown, unknown>", bySet: "Set<unknown>", byRegExp: "RegExp",
	byBoxed: "object", byHeaders: "Headers", byClamped: "Uint8ClampedArray", byFailure: "Error", byValue: "unknown", byText: "string",
}

var objectTypescript = map[reflect.Type]string{
	reflect.TypeFor[lmz.ArrayBuffer]():  "ArrayBuffer",
	reflect.TypeFor[lmz.DataView]():     "DataView",
	reflect.TypeFor[lmz.HTTPRequest]():  "RequestSync",
	reflect.TypeFor[lmz.HTTPResponse](): "ResponseSync",
}

// pointer returns the target type or null. A pointer to an error is the error.
func (ts *TypeScript) pointer(t reflect.Type) string {
	if classOf(t) == byFailure || t.Elem() == reflect.TypeFor[lmz.Error]() {
		return "Error"
	}
	elem := ts.Type(t.Elem())
	switch classOf(t.Elem()) {
	case byBigInt, byURL:
		return elem
	}
	if strings.HasSuffix(elem, " | null") || elem == "unknown" {
		return elem
	}
	return elem + " | null"
}

func (ts *TypeScript) kind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Interface:
		return "unknown"
	case reflect.Slice, reflect.Array:
		return ts.list(t)
	case reflect.Map:
		if t.Key().Kind() == reflect.String && classOf(t.Key()) == byKind {
			return "Record<string, " + ts.Type(t.Elem()) + ">"
		}
		return "Map<" + ts.Type(t.Key()) + ", " + ts.Type(t.Elem()) + ">"
	case reflect.Struct:
		return ts.structure(t)
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return "never"
	}
	return "number"
}

// typedArrays are the slices that are typed arrays in JavaScript.
var typedArrays = map[reflect.Kind]string{
	reflect.Uint8: "Uint8Array", reflect.Int8: "Int8Array", reflect.Uint16: "Uint16Array", reflect.Int16: "Int16Array",
	reflect.Uint32: "Uint32Array", reflect.Int32: "Int32Array", reflect.Uint64: "BigUint64Array", reflect.Int64: "BigInt64Array",
	reflect.Float32: "Float32Array", reflect.Float64: "Float64Array",
}

func (ts *TypeScript) list(t reflect.Type) string {
	elem := t.Elem()
	name, numbers := typedArrays[elem.Kind()]
	if numbers && elem.PkgPath() == "" && (t.Kind() == reflect.Slice || elem.Kind() == reflect.Uint8) {
		return name
	}
	of := ts.Type(elem)
	if strings.ContainsAny(of, " ") && !strings.HasPrefix(of, "{") && !strings.HasSuffix(of, ">") {
		of = "(" + of + ")"
	}
	return of + "[]"
}

// structure names a struct and declares it, or writes out one without a name.
func (ts *TypeScript) structure(t reflect.Type) string {
	if t.NumField() == 0 && t.Name() == "" {
		return "void"
	}
	if t.Name() == "" {
		return "{ " + strings.Join(ts.members(t), " ") + " }"
	}
	if name, known := ts.names[t]; known {
		return name
	}
	name := ts.free(t)
	if ts.names == nil {
		ts.names = make(map[reflect.Type]string)
	}
	ts.names[t] = name
	declaration := "export interface " + name + " {\n"
	for _, member := range ts.members(t) {
		declaration += "  " + member + "\n"
	}
	ts.declarations = append(ts.declarations, declaration+"}\n")
	return name
}

// free returns a name for t that no other struct has.
func (ts *TypeScript) free(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	first := []rune(name)
	first[0] = unicode.ToUpper(first[0])
	return ts.Name(string(first))
}

// Name reserves a name for a declaration, with a number appended if it is taken.
func (ts *TypeScript) Name(name string) string {
	if ts.taken == nil {
		ts.taken = make(map[string]bool)
		for _, builtin := range builtins {
			ts.taken[builtin] = true
		}
	}
	unique := name
	for n := 2; ts.taken[unique]; n++ {
		unique = name + strconv.Itoa(n)
	}
	ts.taken[unique] = true
	return unique
}

var builtins = []string{"Array", "Bindings", "Boolean", "Date", "Error", "Headers", "Map", "Number", "Object", "Record",
	"RegExp", "Request", "RequestSync", "Response", "ResponseSync", "Set", "String", "URL"}

// Imports returns the import that the types need, or "".
func (ts *TypeScript) Imports() string {
	if len(ts.imports) == 0 {
		return ""
	}
	return "import type { " + strings.Join(slices.Sorted(maps.Keys(ts.imports)), ", ") + " } from './lmz.js';\n"
}

func (ts *TypeScript) members(t reflect.Type) []string {
	l := layoutOf(t)
	members := make([]string, len(l.fields))
	for i, f := range l.fields {
		optional := ""
		if f.omitEmpty {
			optional = "?"
		}
		members[i] = Property(f.name) + optional + ": " + ts.Type(t.FieldByIndex(f.index).Type) + ";"
	}
	return members
}

// Property returns a member name as TypeScript writes it before a colon, quoted if needed.
func Property(name string) string {
	for i, r := range name {
		if r != '_' && r != '$' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return string(AppendJSONText(nil, []byte(name)))
		}
	}
	return name
}
