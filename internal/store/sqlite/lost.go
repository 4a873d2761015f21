package sqlite

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqldb"
	"github.com/lumenize/lmz/internal/wake"
)

// tellEvery is how often the progress of a long scan of all objects is logged.
const tellEvery = 5 * time.Second

// readWakes reads from the files of all objects when each must be woken, because the index
// is missing: it was deleted, or not copied with the objects. Damaged files are skipped, as
// nothing can be done for their objects.
func readWakes(dir string, log *slog.Logger) (map[lmz.Address]int64, error) {
	found := make(map[lmz.Address]int64)
	objects, began, told := 0, time.Now(), time.Now()
	for path, err := range objectFiles(dir, "", "") {
		if err != nil {
			return nil, err
		}
		a, at, err := readWake(path)
		switch {
		case errors.Is(err, errNothingYet):
			continue
		case store.IsDamaged(err):
			log.Error("a damaged file: the alarms of its object are lost", "file", filepath.Base(path))
			continue
		case err != nil:
			return nil, fmt.Errorf("rebuilding the wake index: cannot read object %s: %w", filepath.Base(path), store.WithoutPath(err))
		}
		objects++
		if at != wake.Never {
			found[a] = at
		}
		if time.Since(told) > tellEvery {
			told = time.Now()
			log.Warn("rebuilding the wake index", "objects", objects, "took", time.Since(began).Round(time.Second))
		}
	}
	if objects > 0 {
		log.Warn("rebuilt the wake index, which was missing", "objects", objects, "due", len(found), "took", time.Since(began).Round(time.Millisecond))
	}
	return found, nil
}

// readWake reads from an object's file when it must be woken after a start.
func readWake(path string) (a lmz.Address, at int64, err error) {
	name, flags := unchanging(path), sqlite.OpenReadOnly|sqlite.OpenURI
	if hasLog(path) { // the object was open when the process died
		name, flags = path, sqlite.OpenReadWrite
	}
	conn, err := sqldb.Open(name, flags)
	if err != nil {
		return a, wake.Never, err
	}
	s := &Store{path: path, tx: sqldb.Tx{Conn: conn}}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := sqlitex.ExecuteTransient(conn, exclusive, nil); err != nil {
		return a, wake.Never, err
	}
	if a, err = ownerOn(conn); err != nil {
		return a, wake.Never, err
	}
	if current, err := sqldb.HasTable(conn, "lmz_row"); !current || err != nil {
		return a, wake.Never, err // older files have no alarms
	}
	at, _, err = wake.When(s, nil)
	return a, at, err
}
