package object

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz/internal/budget"
)

// durable are the kinds of which the sums outlive the process, in their order on disk.
var durable = [...]budget.Kind{budget.Objects, budget.Stored, budget.Alarms}

// sums are what one subject holds of each.
type sums [len(durable)]int64

// usageStore keeps the sums of all subjects.
type usageStore interface {
	load() (map[string]sums, error)
	write(changes map[string]sums) error
	close() error
}

// usageDelay is how long changes wait for others before they are written: after a crash
// the sums are as they were then.
const usageDelay = 5 * time.Second

// usage writes the sums of the accounts down, some time after they changed. Its methods
// may be called from any goroutine.
type usage struct {
	accounts *budget.Accounts
	store    usageStore
	failed   func(error)

	mu     sync.Mutex // guards the following fields
	dirty  map[string]bool
	timer  *time.Timer
	closed bool

	writing sync.Mutex // one write at a time
}

// openUsage charges what is stored to the accounts.
func openUsage(accounts *budget.Accounts, store usageStore, failed func(error)) (*usage, error) {
	stored, err := store.load()
	if err != nil {
		return nil, err
	}
	for subject, s := range stored {
		for i, k := range durable {
			accounts.Add(subject, k, s[i])
		}
	}
	return &usage{accounts: accounts, store: store, failed: failed, dirty: make(map[string]bool)}, nil
}

// changed says that a subject holds more or less of something.
func (u *usage) changed(subject string, k budget.Kind) {
	if k != budget.Objects && k != budget.Stored && k != budget.Alarms {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.dirty[subject] = true
	if u.timer == nil && !u.closed {
		u.timer = time.AfterFunc(usageDelay, u.write)
	}
}

// write writes what has changed.
func (u *usage) write() {
	u.writing.Lock()
	defer u.writing.Unlock()
	u.mu.Lock()
	dirty := u.dirty
	u.dirty, u.timer = make(map[string]bool), nil
	u.mu.Unlock()
	changes := make(map[string]sums, len(dirty))
	for subject := range dirty {
		var s sums
		for i, k := range durable {
			s[i] = u.accounts.Held(subject, k)
		}
		changes[subject] = s
	}
	if len(changes) == 0 {
		return
	}
	if err := u.store.write(changes); err != nil {
		u.failed(err)
		u.mu.Lock()
		for subject := range dirty { // with the next change
			u.dirty[subject] = true
		}
		u.mu.Unlock()
	}
}

// close writes what has changed and closes the store.
func (u *usage) close() error {
	u.mu.Lock()
	u.closed = true
	if u.timer != nil {
		u.timer.Stop()
	}
	u.mu.Unlock()
	u.write()
	return u.store.close()
}

// usageFile is the file of the sums in a data directory. Without it nobody is charged for
// what is stored already.
const usageFile = "usage.db"

// sqliteUsage keeps the sums in a file of its own. A write need not be on disk at once.
type sqliteUsage struct{ conn *sqlite.Conn }

func openSQLiteUsage(dir string) (*sqliteUsage, error) {
	path := filepath.Join(dir, usageFile)
	open := func() (*sqlite.Conn, error) {
		if err := createFile(path); err != nil {
			return nil, err
		}
		conn, err := openConn(path, sqlite.OpenReadWrite)
		if err != nil {
			return nil, err
		}
		for _, statement := range []string{
			exclusive, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL",
			`CREATE TABLE IF NOT EXISTS lmz_usage (subject TEXT PRIMARY KEY NOT NULL,
				objects INTEGER NOT NULL, stored INTEGER NOT NULL, alarms INTEGER NOT NULL) WITHOUT ROWID`,
		} {
			if err := sqlitex.ExecuteTransient(conn, statement, nil); err != nil {
				return nil, errors.Join(err, closeConn(conn))
			}
		}
		return conn, nil
	}
	conn, err := open()
	if isDamaged(err) { // it is only sums
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(path + suffix)
		}
		conn, err = open()
	}
	if err != nil {
		return nil, err
	}
	return &sqliteUsage{conn}, nil
}

func (s *sqliteUsage) load() (map[string]sums, error) {
	stored := make(map[string]sums)
	err := sqlitex.ExecuteTransient(s.conn, `SELECT subject, objects, stored, alarms FROM lmz_usage`, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			stored[row.ColumnText(0)] = sums{row.ColumnInt64(1), row.ColumnInt64(2), row.ColumnInt64(3)}
			return nil
		},
	})
	return stored, err
}

func (s *sqliteUsage) write(changes map[string]sums) (err error) {
	end, err := sqlitex.ImmediateTransaction(s.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	for subject, n := range changes {
		query := `INSERT OR REPLACE INTO lmz_usage (subject, objects, stored, alarms) VALUES (?, ?, ?, ?)`
		args := []any{subject, n[0], n[1], n[2]}
		if n == (sums{}) {
			query, args = `DELETE FROM lmz_usage WHERE subject = ?`, args[:1]
		}
		if err := sqlitex.Execute(s.conn, query, &sqlitex.ExecOptions{Args: args}); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqliteUsage) close() error { return closeConn(s.conn) }

// memUsage keeps the sums on a disk in memory.
type memUsage struct {
	disk       *MemoryDisk
	generation int
}

func (s *memUsage) load() (map[string]sums, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	stored := make(map[string]sums, len(s.disk.usage))
	for subject, n := range s.disk.usage {
		stored[subject] = n
	}
	return stored, nil
}

func (s *memUsage) write(changes map[string]sums) error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if s.disk.generation != s.generation {
		return errCrashed
	}
	if s.disk.usage == nil {
		s.disk.usage = make(map[string]sums)
	}
	for subject, n := range changes {
		if n == (sums{}) {
			delete(s.disk.usage, subject)
		} else {
			s.disk.usage[subject] = n
		}
	}
	return nil
}

func (s *memUsage) close() error { return nil }
