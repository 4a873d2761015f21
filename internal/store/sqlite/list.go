package sqlite

import (
	"encoding/binary"
	"errors"
	"io"
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
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqldb"
)

// List implements [store.Disk]. An object whose file cannot be read is yielded with an error
// and what is known about it. Files are opened only if the object's name is unusual or long
// or the file itself looks unusual: damage deeper inside is not found.
func (d *Disk) List(binding, after string, open []lmz.Address) iter.Seq2[store.Stored, error] {
	return func(yield func(store.Stored, error) bool) {
		inUse := make(map[string]lmz.Address, len(open))
		for _, a := range open {
			inUse[Path(d.dir, a)] = a
		}
		for path, err := range objectFiles(d.dir, binding, after) {
			if err != nil {
				if !yield(store.Stored{}, err) {
					return
				}
				continue
			}
			s, err := look(path, inUse)
			if errors.Is(err, errNothingYet) {
				continue
			}
			s.Place = filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
			if !yield(s, err) {
				return
			}
		}
	}
}

// objectFiles returns the files of the objects of a binding, or of all bindings for "", in
// order, starting after the file named after unless that is "".
func objectFiles(dir, binding, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		pattern := "*"
		if binding != "" {
			pattern = escape(binding)
		}
		folders, err := filepath.Glob(filepath.Join(dir, "objects", pattern))
		if err != nil {
			yield("", err)
			return
		}
		afterFolder, afterName, _ := strings.Cut(after, "/")
		for _, folder := range folders {
			base := filepath.Base(folder)
			if base < afterFolder {
				continue
			}
			entries, err := os.ReadDir(folder)
			if err != nil && !yield("", store.WithoutPath(err)) {
				return
			}
			for _, entry := range entries {
				name := entry.Name()
				if !strings.HasSuffix(name, ".db") || base == afterFolder && name <= afterName {
					continue
				}
				if !yield(filepath.Join(folder, name), nil) {
					return
				}
			}
		}
	}
}

// errNothingYet means that a file exists but a crash came before anything was stored in it.
var errNothingYet = errors.New("nothing is stored yet")

// look returns what a file tells about its object.
func look(file string, open map[string]lmz.Address) (s store.Stored, err error) {
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(file + suffix)
		if err != nil {
			continue
		}
		s.Size += info.Size()
		if info.ModTime().After(s.Changed) {
			s.Changed = info.ModTime()
		}
	}
	if s.Address, s.Open = open[file]; s.Open {
		return s, nil
	}
	if a, ok := namedBy(file); ok && looksWell(file) {
		s.Address = a
		return s, nil
	}
	s.Address, err = ownerOf(file)
	if err != nil {
		s.Address.Instance = filepath.Base(file)
	}
	return s, err
}

// namedBy derives the object from a file's name. The hash in it confirms this, unless the
// object's name has parts that file names leave out.
func namedBy(path string) (a lmz.Address, ok bool) {
	folder, file := filepath.Split(path)
	binding, err := url.PathUnescape(filepath.Base(folder))
	name := strings.TrimSuffix(file, ".db")
	hash := strings.LastIndexByte(name, '-')
	if err != nil || hash < 0 {
		return a, false
	}
	a = lmz.At(binding, name[:hash])
	dir := filepath.Dir(filepath.Dir(filepath.Clean(folder)))
	return a, Path(dir, a) == path
}

// looksWell reports whether a file begins like that of an object that has stored something:
// with SQLite's header, and more than the first page, which holds no table.
func looksWell(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var header [18]byte
	if _, err := io.ReadFull(f, header[:]); err != nil || string(header[:16]) != "SQLite format 3\x00" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Size() > int64(binary.BigEndian.Uint16(header[16:]))
}

// ownerOf reads the owner of a file, without a lock: the owner never changes.
func ownerOf(path string) (a lmz.Address, err error) {
	a, err = readOwner(unchanging(path), sqlite.OpenReadOnly|sqlite.OpenURI)
	if err == nil {
		return a, nil
	}
	if hasLog(path) { // after a crash it may be only in the log
		a, err = readOwner(path, sqlite.OpenReadWrite)
	}
	return a, err
}

// unchanging returns the URI for SQLite of a file to open as immutable, without a log.
func unchanging(path string) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: "immutable=1"}).String()
}

func hasLog(path string) bool {
	_, err := os.Stat(path + "-wal")
	return !errors.Is(err, fs.ErrNotExist)
}

func readOwner(path string, flags sqlite.OpenFlags) (a lmz.Address, err error) {
	conn, err := sqldb.Open(path, flags)
	if err != nil {
		return a, whyUnreadable(err)
	}
	defer sqldb.Close(conn)
	conn.SetBusyTimeout(time.Second)
	a, err = ownerOn(conn)
	if err != nil && !errors.Is(err, errNothingYet) {
		err = whyUnreadable(err)
	}
	return a, err
}

// ownerOn reads the owner of a connection's file. If it has none, the error is
// errNothingYet.
func ownerOn(conn *sqlite.Conn) (a lmz.Address, err error) {
	owned, err := sqldb.HasTable(conn, "lmz_identity")
	switch {
	case err != nil:
		return a, err
	case !owned:
		return a, errNothingYet
	}
	err = sqlitex.ExecuteTransient(conn, `SELECT binding, instance FROM lmz_identity`, &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			a = lmz.At(row.ColumnText(0), row.ColumnText(1))
			return nil
		},
	})
	if err == nil && a == (lmz.Address{}) {
		err = errNothingYet
	}
	return a, err
}
