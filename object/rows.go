package object

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/lumenize/lmz/internal/store"
)

// rows are the rows of a statement while a loop reads them.
type rows struct {
	in     access
	turn   int // the handler's turn when the loop began
	tables store.Tables
	cursor store.Cursor
	plan   []int // for a struct: the field of each column
}

// open runs a statement up to its first row.
func (s *SQL) open(ctx context.Context, query string, args []any) (*rows, error) {
	r := &rows{in: s.in}
	var err error
	failure := s.in.useTables(ctx, func(t store.Tables) error {
		r.tables = t
		if r.cursor, err = t.Query(query, named(args)); err != nil {
			return t.Fatal(err)
		}
		r.turn = s.in.beginLoop(ctx, r.cursor)
		return nil
	})
	if err = errors.Join(failure, err); err != nil {
		return nil, err
	}
	return r, nil
}

// next decodes the next row into the variable that v points to, and reports whether there
// was one.
func (r *rows) next(ctx context.Context, v any) (more bool, err error) {
	failure := r.in.inLoop(ctx, r.turn, func() error {
		if more, err = r.cursor.Next(); err != nil {
			return r.tables.Fatal(err)
		}
		if more {
			err = r.decode(reflect.ValueOf(v).Elem())
		}
		return nil
	})
	if failure != nil {
		return false, failure
	}
	return more, err
}

// close ends the loop, unless the end of the turn has.
func (r *rows) close(ctx context.Context) { r.in.endLoop(ctx, r.cursor) }

func (r *rows) decode(v reflect.Value) error {
	c := r.cursor
	switch t := v.Type(); {
	case t == reflect.TypeFor[map[string]any]():
		m := make(map[string]any, c.Columns())
		for i := range c.Columns() {
			m[c.Name(i)] = store.ValueOf(c, i)
		}
		v.Set(reflect.ValueOf(m))
		return nil
	case t.Kind() == reflect.Struct && t != timeType:
		return r.decodeStruct(v)
	case c.Columns() != 1:
		return fmt.Errorf("the query has %d columns: read one as %s, or all as a struct", c.Columns(), t)
	}
	return scan(c, 0, v)
}

func (r *rows) decodeStruct(v reflect.Value) error {
	c := r.cursor
	if r.plan == nil {
		for i := range c.Columns() {
			field := fieldOf(v.Type(), c.Name(i))
			if field < 0 {
				return fmt.Errorf("%s has no field for column %q", v.Type(), c.Name(i))
			}
			r.plan = append(r.plan, field)
		}
	}
	for i, field := range r.plan {
		if err := scan(c, i, v.Field(field)); err != nil {
			return err
		}
	}
	return nil
}

// fieldOf returns the index of the field for a column, or -1.
func fieldOf(t reflect.Type, column string) int {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	byName := -1
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("sql")
		switch {
		case !f.IsExported():
		case tagged && tag == column:
			return i
		case !tagged && byName < 0 && plain(f.Name) == plain(column):
			byName = i
		}
	}
	return byName
}
