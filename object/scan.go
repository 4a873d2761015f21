package object

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"zombiezen.com/go/sqlite"
)

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

// timeLayout is how a time is stored: as text, which sorts.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// timeLayouts are how a time may have been stored, by SQLite's own functions too.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02"}

// bindOne gives parameter i of a statement its argument.
func bindOne(stmt *sqlite.Stmt, i int, arg any) error {
	v := reflect.ValueOf(arg)
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	switch {
	case !v.IsValid():
		stmt.BindNull(i)
		return nil
	case v.Type() == timeType:
		stmt.BindText(i, v.Interface().(time.Time).UTC().Format(timeLayout))
		return nil
	}
	switch v.Kind() {
	case reflect.Bool:
		stmt.BindBool(i, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		stmt.BindInt64(i, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return fmt.Errorf("%d is larger than SQLite's integers", v.Uint())
		}
		stmt.BindInt64(i, int64(v.Uint()))
	case reflect.Float32, reflect.Float64:
		stmt.BindFloat(i, v.Float())
	case reflect.String:
		stmt.BindText(i, v.String())
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return errType(v.Type())
		}
		bindBytes(stmt, i, v)
	default:
		return errType(v.Type())
	}
	return nil
}

func bindBytes(stmt *sqlite.Stmt, i int, v reflect.Value) {
	switch {
	case v.IsNil():
		stmt.BindNull(i)
	case v.Len() == 0:
		stmt.BindZeroBlob(i, 0)
	default:
		stmt.BindBytes(i, v.Bytes())
	}
}

func errType(t reflect.Type) error {
	return fmt.Errorf("SQL has no type for %s: store it in KV, or encode it", t)
}

// scan decodes column i into v.
func scan(stmt *sqlite.Stmt, i int, v reflect.Value) error {
	if err := scanValue(stmt, i, v); err != nil {
		return fmt.Errorf("column %q: %w", stmt.ColumnName(i), err)
	}
	return nil
}

func scanValue(stmt *sqlite.Stmt, i int, v reflect.Value) error {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Interface && t.NumMethod() == 0:
		if c := column(stmt, i); c != nil {
			v.Set(reflect.ValueOf(c))
		} else {
			v.SetZero()
		}
		return nil
	case stmt.ColumnIsNull(i) && (t.Kind() == reflect.Pointer || t.ConvertibleTo(bytesType) && t.Kind() == reflect.Slice):
		v.SetZero()
		return nil
	case stmt.ColumnIsNull(i):
		return fmt.Errorf("NULL does not fit %s: use a pointer", t)
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		return scanValue(stmt, i, v.Elem())
	case t == timeType:
		return scanTime(stmt, i, v)
	}
	return scanScalar(stmt, i, v)
}

func scanTime(stmt *sqlite.Stmt, i int, v reflect.Value) error {
	text := stmt.ColumnText(i)
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			v.Set(reflect.ValueOf(t.UTC()))
			return nil
		}
	}
	return fmt.Errorf("%q is not a time", text)
}

func scanScalar(stmt *sqlite.Stmt, i int, v reflect.Value) error {
	got := stmt.ColumnType(i)
	mismatch := fmt.Errorf("%v does not fit %s", got, v.Type())
	switch v.Kind() {
	case reflect.String:
		if got == sqlite.TypeBlob {
			return mismatch
		}
		v.SetString(stmt.ColumnText(i))
		return nil
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return errType(v.Type())
		}
		v.SetBytes(columnBytes(stmt, i))
		return nil
	case reflect.Float32, reflect.Float64:
		if got != sqlite.TypeFloat && got != sqlite.TypeInteger {
			return mismatch
		}
		v.SetFloat(stmt.ColumnFloat(i))
		return nil
	}
	n := stmt.ColumnInt64(i)
	fits := got == sqlite.TypeInteger
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
