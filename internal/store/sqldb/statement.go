package object

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"
)

// maxFree is how many statements of its own code an object keeps prepared.
const maxFree = 64

// statement is one of the object's own code, while it runs.
type statement struct {
	t       *txn
	stmt    *sqlite.Stmt
	query   string // "" when it is not kept
	schema  bool
	changes int64 // of the connection when it began
}

// prepare returns the first statement of query, bound to args, and the rest of the
// query. Without a statement it returns nil.
func (t *txn) prepare(query string, args []any) (s *statement, rest string, err error) {
	if free := t.free[query]; len(free) > 0 {
		s = &statement{t: t, stmt: free[len(free)-1], query: query}
		t.free[query] = free[:len(free)-1]
	} else if s, rest, err = t.compile(query); s == nil {
		return nil, "", err
	}
	if rest != "" && len(args) > 0 {
		s.drop()
		return nil, "", errors.New("arguments for several statements in one: give each its own")
	}
	if err := bind(s.stmt, args); err != nil {
		s.drop()
		return nil, "", err
	}
	s.changes = t.totalChanges()
	return s, rest, nil
}

func (t *txn) compile(query string) (s *statement, rest string, err error) {
	if why := refusal(query); why != "" {
		return nil, "", errRefused(why)
	}
	if strings.Contains(query, "\x00") {
		return nil, "", errors.New("there is a NUL in the query: use an argument")
	}
	t.guard.own, t.guard.refused, t.guard.schema = true, "", false
	stmt, trailing, err := t.conn.PrepareTransient(query)
	t.guard.own = false
	switch {
	case t.guard.refused != "":
		return nil, "", errRefused(t.guard.refused)
	case err != nil:
		return nil, "", err
	}
	rest = query[len(query)-trailing:]
	if isEmpty(rest) {
		rest = ""
	}
	if isEmpty(query[:len(query)-trailing]) {
		stmt.Finalize()
		if rest == "" || rest == query {
			return nil, "", nil
		}
		return t.compile(rest)
	}
	s = &statement{t: t, stmt: stmt, schema: t.guard.schema}
	if rest == "" && !s.schema {
		s.query = query
	}
	return s, rest, nil
}

// isEmpty reports whether there is nothing but space, comments and semicolons.
func isEmpty(query string) bool { return len(sqlWords(query)) == 0 }

// step runs the statement up to its next row.
func (s *statement) step() (row bool, err error) {
	if s.t.theirs != nil {
		if err := s.t.theirs(true); err != nil {
			return false, err
		}
		defer s.count()
		defer s.t.theirs(false)
	} else {
		defer s.count()
	}
	s.t.guard.own, s.t.guard.refused = true, "" // the schema may have changed: then it is prepared anew
	row, err = s.stmt.Step()
	s.t.guard.own = false
	if s.t.guard.refused != "" {
		err = errRefused(s.t.guard.refused)
	}
	return row, err
}

// count notes what the statement has written.
func (s *statement) count() {
	total := s.t.totalChanges()
	if total > s.changes || s.schema {
		s.t.writes++
	}
	s.changes, s.schema = total, false
}

// close ends the statement, and keeps it prepared for the next time.
func (s *statement) close() {
	s.stmt.Reset() // it repeats the error of Step
	s.count()      // SQLite counts the rows of a RETURNING that is left early only now
	if s.query == "" || len(s.t.free) >= maxFree && s.t.free[s.query] == nil || s.stmt.ClearBindings() != nil {
		s.drop()
		return
	}
	if s.t.free == nil {
		s.t.free = make(map[string][]*sqlite.Stmt)
	}
	s.t.free[s.query] = append(s.t.free[s.query], s.stmt)
}

func (s *statement) drop() { s.stmt.Finalize() }

// finalize lets go of all statements that are not in use.
func (t *txn) finalize() (err error) {
	for _, free := range t.free {
		for _, stmt := range free {
			err = errors.Join(err, stmt.Finalize())
		}
	}
	t.free = nil
	return err
}

// totalChanges counts the rows that this connection has ever changed, by triggers too.
func (t *txn) totalChanges() int64 {
	n, _ := t.number(`SELECT total_changes()`)
	return n
}

// bind gives a statement its arguments.
func bind(stmt *sqlite.Stmt, args []any) error {
	want := stmt.BindParamCount()
	if len(args) == 1 {
		if named, ok := args[0].(Params); ok {
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

func bindNamed(stmt *sqlite.Stmt, params Params) error {
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
