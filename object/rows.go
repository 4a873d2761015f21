package object

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"zombiezen.com/go/sqlite"
)

// rows are those of a statement, while a loop reads them.
type rows struct {
	s    *SQL
	run  *run
	turn int // the run's, when it began
	stmt *statement
	plan []int // for a struct: the field of each column
}

// open runs a statement up to its first row.
func (s *SQL) open(ctx context.Context, query string, args []any) (*rows, error) {
	r := &rows{s: s, run: s.o.runOf(ctx)}
	var err error
	failure := s.o.use(ctx, func(st store) error {
		t, failure := st.tables()
		if failure != nil {
			return failure
		}
		r.run.interruptible(t)
		var rest string
		r.stmt, rest, err = t.prepare(query, args)
		switch {
		case err != nil:
			return t.fatal(err)
		case r.stmt == nil:
			err = errors.New("there is no statement in the query")
		case rest != "":
			r.stmt.drop()
			err = errors.New("several statements in one query: Exec runs them")
		default:
			r.run.open = append(r.run.open, r.stmt)
			r.turn = r.run.turn
		}
		return nil
	})
	if err = errors.Join(failure, err); err != nil {
		return nil, err
	}
	return r, nil
}

// next decodes the next row into what v points to, and reports false when there is
// none.
func (r *rows) next(ctx context.Context, v any) (more bool, err error) {
	failure := r.s.o.useAnyhow(ctx, func(store) error {
		if r.turn != r.run.turn {
			return nil
		}
		if more, err = r.stmt.step(); err != nil {
			return r.stmt.t.fatal(err)
		}
		if more {
			err = r.decode(reflect.ValueOf(v).Elem())
		}
		return nil
	})
	switch {
	case failure != nil:
		return false, failure
	case r.turn != r.run.turn:
		return false, ErrNoTurn
	}
	return more, err
}

// close ends the loop, unless the turn's end did.
func (r *rows) close() {
	r.run.mu.Lock()
	defer r.run.mu.Unlock()
	for i, open := range r.run.open {
		if open == r.stmt {
			r.run.open = append(r.run.open[:i], r.run.open[i+1:]...)
			r.stmt.close()
			return
		}
	}
}

func (r *rows) decode(v reflect.Value) error {
	stmt := r.stmt.stmt
	switch t := v.Type(); {
	case t == reflect.TypeFor[map[string]any]():
		m := make(map[string]any, stmt.ColumnCount())
		for i := range stmt.ColumnCount() {
			m[stmt.ColumnName(i)] = column(stmt, i)
		}
		v.Set(reflect.ValueOf(m))
		return nil
	case t.Kind() == reflect.Struct && t != timeType:
		return r.decodeStruct(v)
	case stmt.ColumnCount() != 1:
		return fmt.Errorf("the query has %d columns: read one as %s, or all as a struct", stmt.ColumnCount(), t)
	}
	return scan(stmt, 0, v)
}

func (r *rows) decodeStruct(v reflect.Value) error {
	stmt := r.stmt.stmt
	if r.plan == nil {
		for i := range stmt.ColumnCount() {
			field := fieldOf(v.Type(), stmt.ColumnName(i))
			if field < 0 {
				return fmt.Errorf("%s has no field for column %q", v.Type(), stmt.ColumnName(i))
			}
			r.plan = append(r.plan, field)
		}
	}
	for i, field := range r.plan {
		if err := scan(stmt, i, v.Field(field)); err != nil {
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

// column returns a column as the Go value that is nearest to how SQLite stores it.
func column(stmt *sqlite.Stmt, i int) any {
	switch stmt.ColumnType(i) {
	case sqlite.TypeInteger:
		return stmt.ColumnInt64(i)
	case sqlite.TypeFloat:
		return stmt.ColumnFloat(i)
	case sqlite.TypeText:
		return stmt.ColumnText(i)
	case sqlite.TypeBlob:
		return columnBytes(stmt, i)
	}
	return nil
}

func columnBytes(stmt *sqlite.Stmt, i int) []byte {
	b := make([]byte, stmt.ColumnLen(i))
	stmt.ColumnBytes(i, b)
	return b
}
