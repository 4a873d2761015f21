package object

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/lumenize/lmz/internal/store"
)

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

// timeLayouts are the layouts of stored times, including those by SQLite's own functions.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02"}

// scan decodes column i into v.
func scan(c store.Cursor, i int, v reflect.Value) error {
	if err := scanValue(c, i, v); err != nil {
		return fmt.Errorf("column %q: %w", c.Name(i), err)
	}
	return nil
}

func scanValue(c store.Cursor, i int, v reflect.Value) error {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Interface && t.NumMethod() == 0:
		if value := store.ValueOf(c, i); value != nil {
			v.Set(reflect.ValueOf(value))
		} else {
			v.SetZero()
		}
		return nil
	case c.Type(i) == store.Null && (t.Kind() == reflect.Pointer || t.ConvertibleTo(bytesType) && t.Kind() == reflect.Slice):
		v.SetZero()
		return nil
	case c.Type(i) == store.Null:
		return fmt.Errorf("NULL does not fit %s: use a pointer", t)
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		return scanValue(c, i, v.Elem())
	case t == timeType:
		return scanTime(c, i, v)
	}
	return scanScalar(c, i, v)
}

func scanTime(c store.Cursor, i int, v reflect.Value) error {
	text := c.Text(i)
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			v.Set(reflect.ValueOf(t.UTC()))
			return nil
		}
	}
	return fmt.Errorf("%q is not a time", text)
}

func scanScalar(c store.Cursor, i int, v reflect.Value) error {
	got := c.Type(i)
	mismatch := fmt.Errorf("%v does not fit %s", got, v.Type())
	switch v.Kind() {
	case reflect.String:
		if got == store.Blob {
			return mismatch
		}
		v.SetString(c.Text(i))
		return nil
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return errType(v.Type())
		}
		v.SetBytes(c.Bytes(i))
		return nil
	case reflect.Float32, reflect.Float64:
		if got != store.Float && got != store.Integer {
			return mismatch
		}
		v.SetFloat(c.Float(i))
		return nil
	}
	n := c.Int64(i)
	fits := got == store.Integer
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(n != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		fits = fits && !v.OverflowInt(n)
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		fits = fits && n >= 0 && !v.OverflowUint(uint64(n))
		v.SetUint(uint64(n))
	default:
		return errType(v.Type())
	}
	if !fits {
		return errors.Join(mismatch)
	}
	return nil
}

func errType(t reflect.Type) error {
	return fmt.Errorf("SQL has no type for %s: store it in KV, or encode it", t)
}
