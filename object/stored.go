package object

import (
	"errors"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
)

// Stored is an object that has stored something.
type Stored struct {
	Address lmz.Address
	Size    int64     // bytes of its file, and of what is not merged into it yet
	Changed time.Time // when the file was last written to
	Open    bool      // it has work, or had some lately
}

// List returns the objects of a binding that have stored something, or of all bindings
// for "", in no order that means anything. One whose file cannot be read comes with an
// error and what is known of it, and the loop goes on. It looks into each file, at some
// thousand a second.
func (rt *Runtime) List(binding string) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		if rt.dir == "" {
			yield(Stored{}, errNoDirectory)
			return
		}
		open := rt.openFiles()
		pattern := "*"
		if binding != "" {
			pattern = escape(binding)
		}
		folders, err := filepath.Glob(filepath.Join(rt.dir, "objects", pattern))
		if err != nil {
			yield(Stored{}, err)
			return
		}
		for _, folder := range folders {
			entries, err := os.ReadDir(folder)
			if err != nil && !yield(Stored{}, withoutPath(err)) {
				return
			}
			for _, entry := range entries {
				if !strings.HasSuffix(entry.Name(), ".db") {
					continue
				}
				s, err := look(filepath.Join(folder, entry.Name()), open)
				if errors.Is(err, errNothingYet) {
					continue
				}
				if !yield(s, err) {
					return
				}
			}
		}
	}
}

// openFiles returns the objects that are open, by file.
func (rt *Runtime) openFiles() map[string]lmz.Address {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	open := make(map[string]lmz.Address, len(rt.objects))
	for a := range rt.objects {
		open[filePath(rt.dir, a)] = a
	}
	return open
}

// errNothingYet says that a file is there, and nothing in it: a crash came first.
var errNothingYet = errors.New("nothing is stored yet")

// look returns what a file says of its object.
func look(path string, open map[string]lmz.Address) (s Stored, err error) {
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			continue
		}
		s.Size += info.Size()
		if info.ModTime().After(s.Changed) {
			s.Changed = info.ModTime()
		}
	}
	if s.Address, s.Open = open[path]; s.Open {
		return s, nil
	}
	s.Address, err = ownerOf(path)
	if err != nil {
		s.Address.Instance = filepath.Base(path)
	}
	return s, err
}

// ownerOf reads whose a file is, without a lock: the owner never changes.
func ownerOf(path string) (a lmz.Address, err error) {
	a, err = readOwner((&url.URL{Scheme: "file", Path: path, RawQuery: "immutable=1"}).String(), sqlite.OpenReadOnly|sqlite.OpenURI)
	if err == nil && a != (lmz.Address{}) {
		return a, nil
	}
	if _, statErr := os.Stat(path + "-wal"); errors.Is(statErr, fs.ErrNotExist) {
		if err == nil {
			err = errNothingYet
		}
		return a, err
	}
	// It may be in the log only, after a crash.
	a, err = readOwner(path, sqlite.OpenReadWrite)
	if err == nil && a == (lmz.Address{}) {
		err = errNothingYet
	}
	return a, err
}

func readOwner(path string, flags sqlite.OpenFlags) (a lmz.Address, err error) {
	conn, err := openConn(path, flags)
	if err != nil {
		return a, whyUnreadable(err)
	}
	defer closeConn(conn)
	conn.SetBusyTimeout(time.Second)
	owned, err := hasOwner(conn)
	switch {
	case err != nil:
		return a, whyUnreadable(err)
	case !owned:
		return a, nil
	}
	err = sqlitex.ExecuteTransient(conn, `SELECT binding, instance FROM lmz_identity`, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			a = lmz.At(row.ColumnText(0), row.ColumnText(1))
			return nil
		},
	})
	if err != nil {
		err = whyUnreadable(err)
	}
	return a, err
}

func hasOwner(conn *sqlite.Conn) (bool, error) {
	n, err := resultOf(conn, `SELECT count(*) FROM sqlite_schema WHERE name = 'lmz_identity'`)
	return n == "1", err
}

// resultOf returns the only column of the last row of a query.
func resultOf(conn *sqlite.Conn, query string) (text string, err error) {
	err = sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			text = row.ColumnText(0)
			return nil
		},
	})
	return text, err
}
