package sqldb

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/store"
)

// Limits of an inspection.
const (
	inspectRows   = 1000
	inspectBytes  = 256 << 10 // of rows, so that they fit in a frame
	valueBytes    = 9         // size of a value in addition to its text or blob
	inspectLength = 64 << 20  // maximum bytes of one value in a query
)

// Inspect runs a read-only query.
func (t *Tx) Inspect(ctx context.Context, query string, args []any) (table store.Result, err error) {
	t.Conn.SetInterrupt(ctx.Done())
	defer t.Conn.SetInterrupt(nil)
	if err := t.addJSON(); err != nil {
		return table, err
	}
	t.authorizer.readOnly = true
	defer func() { t.authorizer.readOnly = false }()
	defer t.Conn.Limit(sqlite.LimitLength, t.Conn.Limit(sqlite.LimitLength, inspectLength))
	// Do not reuse statements prepared by the object's own code: they were authorized as such,
	// and may write.
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
			return store.Result{}, lmz.Errorf("%v", err)
		}
		if !more {
			return table, nil
		}
		for i := range table.Columns {
			size += s.stmt.ColumnLen(i) + valueBytes
		}
		switch {
		case size > inspectBytes && len(table.Rows) == 0:
			return store.Result{}, lmz.Errorf("a row of %d bytes is too large, at most %d are shown: select parts of it with substr(), or its length()", size, inspectBytes)
		case size > inspectBytes, len(table.Rows) == inspectRows:
			table.More = true
			return table, nil
		}
		row := make([]any, len(table.Columns))
		for i := range row {
			row[i] = store.ValueOf(s, i)
		}
		table.Rows = append(table.Rows, row)
	}
}

// addJSON adds the function lmz_json, which decodes a value.
func (t *Tx) addJSON() error {
	return t.Conn.CreateFunction("lmz_json", &sqlite.FunctionImpl{
		NArgs: 1, Deterministic: true, AllowIndirect: true,
		Scalar: func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
			text, err := jsonwire.ToJSON(args[0].Blob())
			if err != nil {
				return sqlite.Value{}, err
			}
			return sqlite.TextValue(string(text)), nil
		},
	})
}
