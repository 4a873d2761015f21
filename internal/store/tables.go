package store

// Tables runs the SQL of an object's own code in the turn's transaction. What would end the
// transaction, leave the object's file or touch the runtime's tables is refused. Arguments are
// positional, or one [Named].
type Tables interface {
	// Exec runs a statement and returns how many rows it inserted, changed and deleted.
	// Without arguments it may be several statements, which are all done or none.
	Exec(query string, args []any) (rows int64, err error)

	// Query begins one statement.
	Query(query string, args []any) (Cursor, error)

	// Fatal returns err if storage failed, and nil if only a statement did.
	Fatal(err error) error

	// OnStep calls f before each step of a statement, with true, and after it, with false.
	// An error of the first call is that of the step. Nil ends that.
	OnStep(f func(begins bool) error)

	// Interrupt ends the statement that runs when stop is closed; nil ends that.
	Interrupt(stop <-chan struct{})
}

// Named are arguments by name.
type Named map[string]any

// Cursor reads the rows of a statement. Columns are counted from 0.
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

// ColumnType is how a column of one row is stored.
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

// ValueOf returns a column as the Go value that is nearest to how it is stored.
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
	More    bool    // there are more rows than are shown
}
