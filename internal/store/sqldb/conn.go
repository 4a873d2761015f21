package object

import (
	"sync"

	"zombiezen.com/go/sqlite"
)

// opening is held while a connection is opened, and shared by those that are closed. The
// library keeps what it knows of a connection by the address of its memory, and drops that
// after the memory was freed: a connection that got the same memory in between would lose
// what it is known by, and crash the process.
var opening sync.RWMutex

func openConn(path string, flags sqlite.OpenFlags) (*sqlite.Conn, error) {
	opening.Lock()
	defer opening.Unlock()
	return sqlite.OpenConn(path, flags)
}

func closeConn(conn *sqlite.Conn) error {
	opening.RLock()
	defer opening.RUnlock()
	return conn.Close()
}
