package object

import (
	"context"
	"fmt"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
)

// inspectTimeout is how long an inspection may hold the object's turn.
const inspectTimeout = 5 * time.Second

// QueryResult is the result of a query by [Runtime.Inspect].
type QueryResult struct {
	Columns []string
	Rows    [][]any // nil, int64, float64, string or []byte
	More    bool    // rows were cut off at 1,000 rows or 256 KiB
}

// Inspect runs one read-only query on the storage of the object at a: its own tables, and
// those of the runtime, whose names begin with lmz_; lmz_json(value) decodes a value of
// lmz_kv. It holds the object's turn for at most 5 seconds, but does not start the object.
// It is for administrators: no guard is asked.
func (rt *Runtime) Inspect(ctx context.Context, a lmz.Address, query string, args ...any) (table QueryResult, err error) {
	ctx, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	err = rt.withStore(ctx, a, func(st store.Store) error {
		found, err := st.Inspect(ctx, query, named(args))
		table = QueryResult(found)
		return err
	})
	return table, err
}

// Backup writes the current storage of the object at a to a new file at path, which must not
// exist. The file is an SQLite database; [Runtime.Restore] reads it. The object waits
// meanwhile, but is not started.
func (rt *Runtime) Backup(ctx context.Context, a lmz.Address, path string) error {
	return rt.withStore(ctx, a, func(st store.Store) error { return st.Backup(path) })
}

// withStore runs f on the storage of the object at a, which must have stored something, in
// its turn, after committing everything before it. The object is not started.
func (rt *Runtime) withStore(ctx context.Context, a lmz.Address, f func(store.Store) error) error {
	return rt.turnOf(ctx, a, func(o *Object) error {
		if !rt.disk.Exists(a) {
			return absent(fmt.Sprintf("%s has stored nothing", a))
		}
		if o.store != nil {
			return f(o.store)
		}
		st := rt.disk.Open(a, o.kind.options())
		defer st.Close()
		return f(st)
	})
}
