package sqldb

import (
	"errors"
	"strings"

	"zombiezen.com/go/sqlite"
)

// maxFree is how many prepared statements of its own code an object keeps.
const maxFree = 64

// statement is a running statement of the object's own code.
type statement struct {
	t       *Tx
	stmt    *sqlite.Stmt
	query   string // "" if the statement is not kept
	schema  bool
	changes int64 // the connection's changes when it began
}

// prepare returns the first statement of query, bound to args, and the rest of the
// query. Without a statement it returns nil.
func (t *Tx) prepare(query string, args []any) (s *statement, rest string, err error) {
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

func (t *Tx) compile(query string) (s *statement, rest string, err error) {
	if why := refusal(query); why != "" {
		return nil, "", errRefused(why)
	}
	if strings.Contains(query, "\x00") {
		return nil, "", errors.New("there is a NUL in the query: use an argument")
	}
	t.authorizer.own, t.authorizer.refused, t.authorizer.schema = true, "", false
	stmt, trailing, err := t.Conn.PrepareTransient(query)
	t.authorizer.own = false
	switch {
	case t.authorizer.refused != "":
		return nil, "", errRefused(t.authorizer.refused)
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
	s = &statement{t: t, stmt: stmt, schema: t.authorizer.schema}
	if rest == "" && !s.schema {
		s.query = query
	}
	return s, rest, nil
}

// isEmpty reports whether a query has only space, comments and semicolons.
func isEmpty(query string) bool { return len(sqlWords(query)) == 0 }

// step runs the statement up to its next row.
func (s *statement) step() (row bool, err error) {
	if s.t.onStep != nil {
		if err := s.t.onStep(true); err != nil {
			return false, err
		}
		defer s.count()
		defer s.t.onStep(false)
	} else {
		defer s.count()
	}
	// If the schema has changed, SQLite prepares the statement again.
	s.t.authorizer.own, s.t.authorizer.refused = true, ""
	row, err = s.stmt.Step()
	s.t.authorizer.own = false
	if s.t.authorizer.refused != "" {
		err = errRefused(s.t.authorizer.refused)
	}
	return row, err
}

// count counts the statement's writes.
func (s *statement) count() {
	total := s.t.totalChanges()
	if total > s.changes || s.schema {
		s.t.writes++
	}
	s.changes, s.schema = total, false
}

// close ends the statement, and keeps it prepared for reuse.
func (s *statement) close() {
	s.stmt.Reset() // it repeats the error of Step
	s.count()      // SQLite counts the rows of an abandoned RETURNING only now
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

// finalize finalizes all statements that are not in use.
func (t *Tx) finalize() (err error) {
	for _, free := range t.free {
		for _, stmt := range free {
			err = errors.Join(err, stmt.Finalize())
		}
	}
	t.free = nil
	return err
}

// totalChanges returns the number of rows that this connection has ever changed, including
// by triggers.
func (t *Tx) totalChanges() int64 {
	n, _ := t.Number(`SELECT total_changes()`)
	return n
}
