package sqldb

import (
	"sync"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// opening is locked while a connection is opened, and read-locked while one is closed. The
// library stores its data on a connection under the address of its memory, and drops that
// data after freeing the memory: a connection that got the same memory in between would lose
// its data, and crash the process.
var opening sync.RWMutex

// Open opens a connection.
func Open(path string, flags sqlite.OpenFlags) (*sqlite.Conn, error) {
	opening.Lock()
	defer opening.Unlock()
	return sqlite.OpenConn(path, flags)
}

// Close closes a connection opened by Open.
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
