package object

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/turn"
)

// copyLimit is how long a backup may hold the object's turn, and a restore may check and
// change the copy.
const copyLimit = 5 * time.Minute

// Limits of an inspection.
const (
	inspectTimeout = 5 * time.Second // for which it may hold the object's turn
	inspectRows    = 1000
	inspectBytes   = 256 << 10 // of rows, so that they fit into a frame
	valueBytes     = 9         // that a value takes besides its text or blob
	inspectLength  = 64 << 20  // bytes of one value that a query may make
)

// QueryResult is the result of a query by [Runtime.Inspect].
type QueryResult struct {
	Columns []string
	Rows    [][]any // nil, int64, float64, string or []byte
	More    bool    // there are more rows than 1,000, or than 256 KiB of them
}

// errNoDirectory says that objects in memory have no files.
var errNoDirectory = errors.New("these objects are in memory: there is no data directory")

// Inspect runs one query that only reads over what is stored of the object at a: its
// own tables, and those of the runtime, whose names begin with lmz_; lmz_json(value)
// shows a value of lmz_kv. It takes the object's turn for at most 5 seconds, but does
// not start the object. It is for administrators: no guard is asked.
func (rt *Runtime) Inspect(ctx context.Context, a lmz.Address, query string, args ...any) (table QueryResult, err error) {
	ctx, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	err = rt.withFile(ctx, a, func(t *txn) error {
		t.conn.SetInterrupt(ctx.Done())
		defer t.conn.SetInterrupt(nil)
		table, err = t.inspect(query, args)
		return err
	})
	return table, err
}

// unstartedTurn has f have the turn of the object at a, with everything committed that came
// before. The object is not started.
func (rt *Runtime) unstartedTurn(ctx context.Context, a lmz.Address, f func(*Object) error) error {
	if rt.dir == "" {
		return errNoDirectory
	}
	return rt.turnOf(ctx, a, f)
}

// turnOf is unstartedTurn also of objects in memory.
func (rt *Runtime) turnOf(ctx context.Context, a lmz.Address, f func(*Object) error) error {
	o, place, refused := rt.enter(a, turn.Who{Payer: proto.PayerOf(ctx)}, maxWaiting)
	if refused != nil {
		return refused
	}
	defer rt.leave(o)
	if err := place.Wait(ctx); err != nil {
		return rt.unstarted(ctx)
	}
	defer o.pass(place)
	o.flush()
	if err := o.unstarted(ctx); err != nil {
		return err
	}
	return f(o)
}

// withFile has f use the connection to the file of the object at a, as unstartedTurn says.
func (rt *Runtime) withFile(ctx context.Context, a lmz.Address, f func(t *txn) error) error {
	return rt.unstartedTurn(ctx, a, func(o *Object) error {
		path := filePath(rt.dir, a)
		if !isFile(path) {
			return absent(fmt.Sprintf("%s has stored nothing", a))
		}
		if open, ok := o.store.(*sqliteStore); ok {
			open.hold()
			defer open.rest()
			if open.conn != nil {
				return f(&open.txn)
			}
		}
		conn, err := openSQLite(path, a)
		if err != nil {
			return whyUnreadable(err)
		}
		t := &txn{conn: conn}
		err = conn.SetAuthorizer(&t.guard)
		if err == nil {
			err = f(t)
		}
		if closing := t.close(); err == nil {
			err = closing // joined to an error that may be shown it would hide that
		}
		return err
	})
}

// whyUnreadable is what an administrator gets to know of a file that cannot be opened.
func whyUnreadable(err error) error {
	if isDamaged(err) {
		return lmz.Errorf("the object cannot be read: %s", damaged)
	}
	return fmt.Errorf("the object cannot be read: %w", withoutPath(err))
}

// inspect runs a query that only reads.
func (t *txn) inspect(query string, args []any) (table QueryResult, err error) {
	if err := t.addJSON(); err != nil {
		return table, err
	}
	t.guard.readOnly = true
	defer func() { t.guard.readOnly = false }()
	defer t.conn.Limit(sqlite.LimitLength, t.conn.Limit(sqlite.LimitLength, inspectLength))
	// Statements that the object's own code has prepared were asked about as such: they
	// may write.
	s, rest, err := t.compile(query)
	switch {
	case err != nil:
		return table, lmz.Errorf("%v", err)
	case s == nil:
		return table, lmz.Errorf("there is no statement in the query")
	}
	defer s.drop()
	if rest != "" {
		return table, lmz.Errorf("several statements in one query")
	}
	if err := bind(s.stmt, args); err != nil {
		return table, lmz.Errorf("%v", err)
	}
	s.changes = t.totalChanges()
	size := 0
	for i := range s.stmt.ColumnCount() {
		table.Columns = append(table.Columns, s.stmt.ColumnName(i))
	}
	for {
		more, err := s.step()
		if err != nil {
			return QueryResult{}, lmz.Errorf("%v", err)
		}
		if !more {
			return table, nil
		}
		for i := range table.Columns {
			size += s.stmt.ColumnLen(i) + valueBytes
		}
		switch {
		case size > inspectBytes && len(table.Rows) == 0:
			return QueryResult{}, lmz.Errorf("a row of %d bytes is too large, at most %d are shown: select parts of it with substr(), or its length()", size, inspectBytes)
		case size > inspectBytes, len(table.Rows) == inspectRows:
			table.More = true
			return table, nil
		}
		row := make([]any, len(table.Columns))
		for i := range row {
			row[i] = column(s.stmt, i)
		}
		table.Rows = append(table.Rows, row)
	}
}

// addJSON adds the function lmz_json, which shows a value.
func (t *txn) addJSON() error {
	return t.conn.CreateFunction("lmz_json", &sqlite.FunctionImpl{
		NArgs: 1, Deterministic: true, AllowIndirect: true,
		Scalar: func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
			text, err := proto.ToJSON(args[0].Blob())
			if err != nil {
				return sqlite.Value{}, err
			}
			return sqlite.TextValue(string(text)), nil
		},
	})
}

// Backup writes what is stored of the object at a, as of now, to a new file at path,
// which must not exist. It is an SQLite database; [Runtime.Restore] reads it. The object
// waits meanwhile, but is not started.
func (rt *Runtime) Backup(ctx context.Context, a lmz.Address, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists: a backup goes to a new file", path)
	}
	partial := path + ".partial"
	err := rt.withFile(ctx, a, func(t *txn) error {
		if err := os.Remove(partial); err != nil && !os.IsNotExist(err) {
			return err // what a backup that was killed has left
		}
		if err := createFile(partial); err != nil {
			return err
		}
		failpoint("backup begun")
		defer t.limit(copyLimit)()
		return sqlitex.ExecuteTransient(t.conn, `VACUUM INTO $path`, &sqlitex.ExecOptions{Named: map[string]any{"$path": partial}})
	})
	if err == nil {
		err = syncFile(partial)
	}
	failpoint("backup")
	if err == nil {
		err = os.Rename(partial, path)
	}
	if err != nil {
		os.Remove(partial)
		return err
	}
	return syncParent(path)
}
