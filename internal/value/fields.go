package value

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// field is a struct field that is sent.
type field struct {
	name      string
	index     []int
	omitEmpty bool
}

// layout is the wire form of a struct type.
type layout struct {
	fields []field
	byName map[string]int
	wrong  string // why a value of the type would not arrive unchanged; "" if it would
}

var layouts sync.Map // of reflect.Type to *layout

func layoutOf(t reflect.Type) *layout {
	if known, ok := layouts.Load(t); ok {
		return known.(*layout)
	}
	made, _ := layouts.LoadOrStore(t, newLayout(t))
	return made.(*layout)
}

// newLayout collects the exported fields. Fields of embedded structs are promoted, as in Go,
// unless the embedded struct has a name in its tag or a meaning of its own (a date, for
// instance). An outer field hides a promoted one of the same name; fields at the same depth
// cannot hide each other.
func newLayout(t reflect.Type) *layout {
	l := &layout{byName: make(map[string]int)}
	var whole [][]int // embedded structs that are one field
	hidden := false   // there is an unexported field
	for _, f := range reflect.VisibleFields(t) {
		if slices.ContainsFunc(whole, func(index []int) bool { return within(f.Index, index) }) {
			continue
		}
		name, omitEmpty, skip := fieldTag(f)
		if f.Anonymous {
			if name == "" && !skip && flattens(f.Type) {
				continue
			}
			whole = append(whole, f.Index)
		}
		if skip || !f.IsExported() {
			hidden = hidden || !skip && !f.IsExported()
			continue
		}
		if name == "" {
			name = lowerCamel(f.Name)
		}
		if !utf8.ValidString(name) {
			l.wrong = "a field name is not valid UTF-8"
		}
		l.add(field{name, f.Index, omitEmpty})
	}
	if hidden && len(l.fields) == 0 {
		l.wrong = "it has no exported fields, so nothing of it would arrive"
	}
	return l
}

func (l *layout) add(f field) {
	i, taken := l.byName[f.name]
	switch {
	case !taken:
		l.byName[f.name] = len(l.fields)
		l.fields = append(l.fields, f)
	case len(f.index) < len(l.fields[i].index):
		l.fields[i] = f
	case len(f.index) == len(l.fields[i].index):
		l.wrong = "two of its fields are both called " + strconv.Quote(f.name)
	}
}

func within(index, prefix []int) bool {
	return len(index) > len(prefix) && slices.Equal(index[:len(prefix)], prefix)
}

// flattens reports whether the fields of an embedded field of type t are promoted.
func flattens(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && classOf(t) == byKind && classOf(reflect.PointerTo(t)) == byKind
}

// fieldTag reads the tag lmz:"name,omitempty", or the json tag if there is none.
func fieldTag(f reflect.StructField) (name string, omitEmpty, skip bool) {
	tag, ok := f.Tag.Lookup("lmz")
	if !ok {
		tag = f.Tag.Get("json")
	}
	if tag == "-" {
		return "", false, true
	}
	name, options, _ := strings.Cut(tag, ",")
	for option := range strings.SplitSeq(options, ",") {
		if option == "omitempty" || option == "omitzero" {
			omitEmpty = true
		}
	}
	return name, omitEmpty, false
}

// lowerCamel spells a Go name as JavaScript does: documentId stays, URL becomes
// url and URLPath becomes urlPath.
func lowerCamel(name string) string {
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsUpper(r) || i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1]) {
			break
		}
		runes[i] = unicode.ToLower(r)
	}
	return string(runes)
}

// get returns the field of v, and false if it is in a nil embedded pointer.
func (f *field) get(v reflect.Value) (reflect.Value, bool) {
	if len(f.index) == 1 {
		return v.Field(f.index[0]), true
	}
	found, err := v.FieldByIndexErr(f.index)
	return found, err == nil
}

// settable is get for writing: it allocates embedded structs on the way. It fails if one cannot
// be set because its type is unexported.
func (f *field) settable(v reflect.Value) (reflect.Value, bool) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, false
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, v.CanSet()
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.Array:
		return v.Len() == 0
	}
	return v.IsZero()
}

// sent returns the field of v and whether it is sent.
func (f *field) sent(v reflect.Value) (reflect.Value, bool) {
	member, ok := f.get(v)
	return member, ok && !(f.omitEmpty && isEmpty(member))
}

func typeName(v any) string {
	if v == nil {
		return "nil"
	}
	return reflect.TypeOf(v).String()
}
