package sqldb

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz/internal/store"
)

var timeType = reflect.TypeFor[time.Time]()

// timeLayout is the format of stored times: text that sorts.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// bind binds the arguments of a statement.
func bind(stmt *sqlite.Stmt, args []any) error {
	want := stmt.BindParamCount()
	if len(args) == 1 {
		if named, ok := args[0].(store.Named); ok {
			return bindNamed(stmt, named)
		}
	}
	if len(args) != want {
		return fmt.Errorf("the statement has %d parameters and got %d arguments", want, len(args))
	}
	for i, arg := range args {
		if err := bindOne(stmt, i+1, arg); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return nil
}

func bindNamed(stmt *sqlite.Stmt, params store.Named) error {
	left := maps.Clone(params)
	for i := 1; i <= stmt.BindParamCount(); i++ {
		name := strings.TrimLeft(stmt.BindParamName(i), ":$@")
		arg, ok := params[name]
		if !ok {
			return fmt.Errorf("no argument for parameter %q", stmt.BindParamName(i))
		}
		if err := bindOne(stmt, i, arg); err != nil {
			return fmt.Errorf("argument %s: %w", name, err)
		}
		delete(left, name)
	}
	if len(left) > 0 {
		return fmt.Errorf("the statement has no parameter %q", slices.Sorted(maps.Keys(left))[0])
	}
	return nil
}

// bindOne binds parameter i of a statement.
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
