package sqlite

import (
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/sqldb"
)

// restored is a copy of a backup in a folder of the data directory, with its new owner.
type restored struct {
	apart, copied, target string
}

// Restore implements [store.Disk].
func (d *Disk) Restore(backup string, a lmz.Address) (store.Restored, error) {
	target := Path(d.dir, a)
	if isFile(target) {
		return nil, lmz.Errorf("%s has stored something already: restore under another name", a)
	}
	apart, err := os.MkdirTemp(d.dir, copyPrefix)
	if err != nil {
		return nil, store.WithoutPath(err)
	}
	r := restored{apart, filepath.Join(apart, "copy.db"), target}
	if err := copyFile(backup, r.copied); err != nil {
		r.Discard()
		return nil, err
	}
	if err := adopt(r.copied, a); err != nil {
		r.Discard()
		return nil, err
	}
	failpoint.Here("restore")
	return r, nil
}

// Install implements [store.Restored].
func (r restored) Install() error {
	if err := makeDir(filepath.Dir(r.target)); err != nil {
		return store.WithoutPath(err)
	}
	if err := os.Rename(r.copied, r.target); err != nil {
		return store.WithoutPath(err)
	}
	return syncParent(r.target)
}

// Discard implements [store.Restored].
func (r restored) Discard() { os.RemoveAll(r.apart) }

// leftOut deletes what belongs to the backed-up object and not to its copy.
const leftOut = `DELETE FROM lmz_outcome; DELETE FROM lmz_row WHERE
	substr(key, 1, instr(key, '/')) IN ('` + store.SendRows + `', '` + store.SettledRows + `', '` + store.WatchRows + `');`

// adopt sets the new owner of a backup's file, durably.
func adopt(path string, a lmz.Address) error {
	conn, err := sqldb.Open(path, sqlite.OpenReadWrite)
	if err != nil {
		return store.WithoutPath(err)
	}
	end := (&sqldb.Tx{Conn: conn}).Limit(copyLimit)
	err = adoptOn(conn, a)
	end()
	if closing := sqldb.Close(conn); err == nil {
		err = closing // joining would hide an err that may be shown
	}
	if err != nil {
		return err
	}
	return syncFile(path)
}

func adoptOn(conn *sqlite.Conn, a lmz.Address) (err error) {
	fine, err := sqldb.ResultOf(conn, `PRAGMA quick_check(1)`)
	if err != nil || fine != "ok" {
		return lmz.Errorf("the backup is damaged, or no backup of an object")
	}
	if owned, err := sqldb.HasTable(conn, "lmz_identity"); err != nil || !owned {
		return lmz.Errorf("the file is no backup of an object")
	}
	if err := migrate(conn, a); err != nil {
		return err
	}
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return store.WithoutPath(err)
	}
	defer end(&err)
	if err := sqlitex.ExecuteScript(conn, leftOut, nil); err != nil {
		return store.WithoutPath(err)
	}
	err = sqlitex.ExecuteTransient(conn, `UPDATE lmz_identity SET binding = $binding, instance = $instance`,
		&sqlitex.ExecOptions{Named: map[string]any{"$binding": a.Binding, "$instance": a.Instance}})
	return err
}
