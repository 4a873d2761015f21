package sqldb

import (
	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz/internal/store"
)

var _ store.Cursor = (*statement)(nil)

// Next implements [store.Cursor].
func (s *statement) Next() (more bool, err error) { return s.step() }

// Close implements [store.Cursor].
func (s *statement) Close() { s.close() }

// Columns implements [store.Cursor].
func (s *statement) Columns() int { return s.stmt.ColumnCount() }

// Name implements [store.Cursor].
func (s *statement) Name(i int) string { return s.stmt.ColumnName(i) }

// Type implements [store.Cursor].
func (s *statement) Type(i int) store.ColumnType {
	switch s.stmt.ColumnType(i) {
	case sqlite.TypeInteger:
		return store.Integer
	case sqlite.TypeFloat:
		return store.Float
	case sqlite.TypeText:
		return store.Text
	case sqlite.TypeBlob:
		return store.Blob
	}
	return store.Null
}

// Int64 implements [store.Cursor].
func (s *statement) Int64(i int) int64 { return s.stmt.ColumnInt64(i) }

// Float implements [store.Cursor].
func (s *statement) Float(i int) float64 { return s.stmt.ColumnFloat(i) }

// Text implements [store.Cursor].
func (s *statement) Text(i int) string { return s.stmt.ColumnText(i) }

// Bytes implements [store.Cursor].
func (s *statement) Bytes(i int) []byte { return Bytes(s.stmt, i) }

// Bytes returns a copy of a column's text or blob, which is never nil.
func Bytes(stmt *sqlite.Stmt, i int) []byte {
	b := make([]byte, stmt.ColumnLen(i))
	stmt.ColumnBytes(i, b)
	return b
}
