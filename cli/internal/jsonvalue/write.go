package jsonvalue

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/printable"
)

// maxResult limits the JSON of a result, in bytes. A value that refers to its parts many times
// is small on the wire, but its JSON could grow without limit.
const maxResult = 64 << 20

// Append appends v as JSON to b. What JSON lacks becomes its nearest equivalent: Maps and Sets
// become arrays; dates, bytes, NaN, and infinities become strings; and a reference to an
// enclosing value becomes the string "[circular]".
func Append(b []byte, v any) ([]byte, error) {
	w := jsonWriter{out: b}
	w.value(v)
	return w.out, w.err
}

type jsonWriter struct {
	out  []byte
	path []uintptr // the containers that are being written
	err  error
}

func (w *jsonWriter) value(v any) {
	if len(w.out) > maxResult && w.err == nil {
		w.err = errors.New("as JSON, it is larger than " + strconv.Itoa(maxResult>>20) + " MiB")
	}
	if w.err != nil {
		return
	}
	switch v := v.(type) {
	case nil, lmz.Undefined:
		w.raw("null")
	case []any:
		w.inside(v, func() { list(w, v) })
	case lmz.Set:
		w.inside(v, func() { list(w, v) })
	case lmz.Map:
		w.inside(v, func() {
			w.each(len(v), func(i int) { list(w, []any{v[i].Key, v[i].Value}) }, "[", "]")
		})
	case map[string]any:
		w.inside(v, func() { w.object(v) })
	case *lmz.Error:
		w.inside(v, func() { w.failure(v) })
	case lmz.Boxed:
		w.value(v.Value)
	case lmz.HTTPRequest:
		w.object(map[string]any{"url": v.URL, "method": v.Method, "headers": v.Headers, "body": v.Body})
	case lmz.HTTPResponse:
		w.object(map[string]any{"status": v.Status, "statusText": v.StatusText, "headers": v.Headers, "body": v.Body})
	case float64:
		w.float(v)
	case []float64:
		list(w, v)
	case []float32:
		w.each(len(v), func(i int) { w.float(float64(v[i])) }, "[", "]")
	default:
		w.scalar(plain(v))
	}
}

// plain returns what encoding/json is to write for a value without parts.
func plain(v any) any {
	switch v := v.(type) {
	case *big.Int:
		return json.Number(v.String())
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case *url.URL:
		return v.String()
	case lmz.RegExp:
		return "/" + v.Source + "/" + v.Flags
	case lmz.ArrayBuffer:
		return base64.StdEncoding.EncodeToString(v.Bytes)
	case lmz.Uint8Clamped:
		return base64.StdEncoding.EncodeToString(v)
	case lmz.DataView:
		window, _ := v.Window()
		return base64.StdEncoding.EncodeToString(window)
	}
	return v // a []byte is base64 by itself
}

func (w *jsonWriter) raw(text string) { w.out = append(w.out, text...) }

func (w *jsonWriter) scalar(v any) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		w.err = fmt.Errorf("%T has no JSON form: %w", v, err)
		return
	}
	w.out = append(w.out, printable.JSON(bytes.TrimRight(text.Bytes(), "\n"))...)
}

func (w *jsonWriter) float(f float64) {
	switch {
	case math.IsNaN(f):
		w.raw(`"NaN"`)
	case math.IsInf(f, 1):
		w.raw(`"Infinity"`)
	case math.IsInf(f, -1):
		w.raw(`"-Infinity"`)
	default:
		w.scalar(f)
	}
}

// inside writes the parts of a container, unless the container is inside itself.
func (w *jsonWriter) inside(container any, parts func()) {
	p := reflect.ValueOf(container)
	if p.Kind() == reflect.Slice && p.Len() == 0 {
		w.raw("[]") // which may share its address with others
		return
	}
	at := p.Pointer()
	if slices.Contains(w.path, at) {
		w.raw(`"[circular]"`)
		return
	}
	w.path = append(w.path, at)
	parts()
	w.path = w.path[:len(w.path)-1]
}

func (w *jsonWriter) each(n int, part func(i int), before, after string) {
	w.raw(before)
	for i := range n {
		if i > 0 {
			w.raw(",")
		}
		part(i)
	}
	w.raw(after)
}

func list[T any](w *jsonWriter, values []T) {
	w.each(len(values), func(i int) { w.value(values[i]) }, "[", "]")
}

// object omits undefined members, as JavaScript does.
func (w *jsonWriter) object(members map[string]any) {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(members)), func(key string) bool {
		_, none := members[key].(lmz.Undefined)
		return none
	})
	w.each(len(keys), func(i int) {
		w.scalar(keys[i])
		w.raw(":")
		w.value(members[keys[i]])
	}, "{", "}")
}

func (w *jsonWriter) failure(e *lmz.Error) {
	members := maps.Clone(e.Fields)
	if members == nil {
		members = make(map[string]any)
	}
	members["name"], members["message"] = e.Name, e.Message
	if e.Name == "" {
		members["name"] = "Error"
	}
	if e.Cause != nil {
		members["cause"] = e.Cause
	}
	w.object(members)
}
