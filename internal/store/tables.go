package store

// Tables runs the SQL of an object's own code in the turn's transaction. Statements that
// would end the transaction, access other files or touch the runtime's tables are refused.
// Arguments are positional, or one [Named].
type Tables interface {
	// Exec runs a statement and returns how many rows it inserted, updated and deleted. Without
	// arguments the query may have several statements, which take effect all or none.
	Exec(query string, args []any) (rows int64, err error)

	// Query begins one statement.
	Query(query string, args []any) (Cursor, error)

	// Fatal returns err if storage failed, and nil if only a statement did.
	Fatal(err error) error

	// OnStep makes each step of a statement call f before it, with true, and after it, with
	// false. An error of the first call becomes the error of the step. Nil removes f.
	OnStep(f func(begins bool) error)

	// Interrupt interrupts the running statement when stop is closed. Nil removes stop.
	Interrupt(stop <-chan struct{})
}

// Named are named arguments.
type Named map[string]any

// Cursor reads the rows of a statement. Columns are numbered from 0.
type Cursor interface {
	Next() (more bool, err error)
	Close()

	Columns() int
	Name(i int) string
	Type(i int) ColumnType
	Int64(i int) int64
	Float(i int) float64
	Text(i int) string
	Bytes(i int) []byte
}

// ColumnType is the storage class of a column in one row.
type ColumnType int

// The types of columns.
const (
	Null ColumnType = iota
	Integer
	Float
	Text
	Blob
)

// String returns the type's name in SQLite.
func (t ColumnType) String() string {
	return [...]string{"SQLITE_NULL", "SQLITE_INTEGER", "SQLITE_FLOAT", "SQLITE_TEXT", "SQLITE_BLOB"}[t]
}

// ValueOf returns a column as the Go value closest to its storage class.
func ValueOf(c Cursor, i int) any {
	switch c.Type(i) {
	case Integer:
		return c.Int64(i)
	case Float:
		return c.Float(i)
	case Text:
		return c.Text(i)
	case Blob:
		return c.Bytes(i)
	}
	return nil
}

// Result is the result of an inspection.
type Result struct {
	Columns []string
	Rows    [][]any // nil, int64, float64, string or []byte
	More    bool    // there are more rows than in Rows
}
