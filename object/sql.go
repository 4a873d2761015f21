package object

import (
	"context"
	"iter"

	"github.com/lumenize/lmz/internal/store"
)

// SQL gives access to the tables of one object, in the same file and transactions as its
// [KV]. Create tables with migrations in [Kind].Schema. Read them with [Query], [QueryAll]
// and [QueryOne].
//
// Its methods require the ctx of a running handler of the object, as KV's do. A handler may
// continue after an error in a statement or a violated constraint; if storage itself fails,
// the turn fails. Arguments replace each ? in order, or are one [Params]. They may be nil,
// booleans, numbers, strings, []byte, [time.Time] and pointers to those. A time is stored as
// text in UTC with nine fractional digits, so that times sort and SQLite's date functions
// can read them. Foreign keys are enforced.
//
// Statements that would break the turn or the file are refused by name: BEGIN, COMMIT,
// ROLLBACK (in conflict clauses too) and SAVEPOINT (use [Object.Tx] instead); ATTACH, DETACH
// and VACUUM; pragmas that change something; temporary tables; and tables whose names begin
// with lmz_, which belong to the runtime.
type SQL struct {
	in access
}

// Params are named arguments, for parameters such as :id, $id or @id.
type Params map[string]any

// Exec runs a statement and returns how many rows it inserted, updated and deleted,
// including by triggers and foreign keys. Without arguments the query may have several
// statements, which take effect all or none.
func (s *SQL) Exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	failure := s.in.useTables(ctx, func(t store.Tables) error {
		rows, err = t.Exec(query, named(args))
		return t.Fatal(err)
	})
	if failure != nil {
		return 0, failure
	}
	return rows, err
}

// named converts the arguments to the form that storage takes.
func named(args []any) []any {
	if len(args) == 1 {
		if params, ok := args[0].(Params); ok {
			return []any{store.Named(params)}
		}
	}
	return args
}

// Query returns the rows of a statement, each as a T, read one at a time by the loop:
//
//	for note, err := range object.Query[Note](ctx, o.SQL(), `SELECT id, text FROM note`) {
//
// T is a scalar for one column: a boolean, number, string, []byte, [time.Time], any, or a
// pointer to one, which is nil for NULL. Or it is a struct, whose fields match columns by
// name, ignoring case and underscores, or by a tag such as `sql:"made_at"`; a column without
// a field is an error. Or it is a map[string]any.
//
// An error ends the loop. Within the loop, calls fail at once, because they would give up
// the turn in the middle of the rows. After a write to the table being read, it is undefined
// which rows follow.
func Query[T any](ctx context.Context, s *SQL, query string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		rows, err := s.open(ctx, query, args)
		if err != nil {
			yield(*new(T), err)
			return
		}
		defer rows.close(ctx)
		for {
			var v T
			more, err := rows.next(ctx, &v)
			if err != nil {
				yield(v, err)
				return
			}
			if !more || !yield(v, nil) {
				return
			}
		}
	}
}

// QueryAll returns all rows of a statement, see [Query].
func QueryAll[T any](ctx context.Context, s *SQL, query string, args ...any) ([]T, error) {
	var all []T
	for v, err := range Query[T](ctx, s, query, args...) {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// QueryOne returns the first row of a statement, see [Query], and whether there is one.
func QueryOne[T any](ctx context.Context, s *SQL, query string, args ...any) (v T, found bool, err error) {
	for v, err := range Query[T](ctx, s, query, args...) {
		return v, err == nil, err
	}
	return v, false, nil
}
