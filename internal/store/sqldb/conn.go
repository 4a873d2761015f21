package sqldb

import (
	"sync"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// opening is held while a connection is opened, and shared by those that are closed. The
// library keeps what it knows of a connection by the address of its memory, and drops that
// after the memory was freed: a connection that got the same memory in between would lose
// what it is known by, and crash the process.
var opening sync.RWMutex

// Open opens a connection.
func Open(path string, flags sqlite.OpenFlags) (*sqlite.Conn, error) {
	opening.Lock()
	defer opening.Unlock()
	return sqlite.OpenConn(path, flags)
}

// Close closes a connection that Open has opened.
func Close(conn *sqlite.Conn) error {
	opening.RLock()
	defer opening.RUnlock()
	return conn.Close()
}

// HasTable reports whether there is a table with a name that needs no quotes.
func HasTable(conn *sqlite.Conn, name string) (bool, error) {
	n, err := ResultOf(conn, `SELECT count(*) FROM sqlite_schema WHERE name = '`+name+`'`)
	return n == "1", err
}

// ResultOf returns the only column of the last row of a query.
func ResultOf(conn *sqlite.Conn, query string) (text string, err error) {
	err = sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			text = row.ColumnText(0)
			return nil
		},
	})
	return text, err
}
