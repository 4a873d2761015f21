package object

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
)

// Restore makes the object at a, which must not have stored anything yet, out of a
// file that [Runtime.Backup] wrote, of whatever object: its keys, its tables and its
// alarms. What the runtime keeps of calls and sends under way is left out: those
// belong to the object that was backed up. The file stays as it is.
func (rt *Runtime) Restore(ctx context.Context, path string, a lmz.Address) error {
	return rt.unstartedTurn(ctx, a, func(o *Object) error { return rt.restore(o, path, a) })
}

func (rt *Runtime) restore(o *Object, path string, a lmz.Address) error {
	target := filePath(rt.dir, a)
	if isFile(target) {
		return lmz.Errorf("%s has stored something already: restore under another name", a)
	}
	apart, err := os.MkdirTemp(rt.dir, checkPrefix)
	if err != nil {
		return withoutPath(err)
	}
	defer os.RemoveAll(apart)
	copied := filepath.Join(apart, "copy.db")
	if err := copyFile(path, copied); err != nil {
		return err
	}
	if err := adopt(copied, a); err != nil {
		return err
	}
	failpoint("restore")
	o.close() // if it is open it has seen that there was nothing
	if err := makeDir(filepath.Dir(target)); err != nil {
		return withoutPath(err)
	}
	// The index of wakes must know of the copy's alarms before it is there. It is told
	// what is true when it wakes the object.
	if err := rt.wakes.lower(a, wakeAtStart); err != nil {
		return withoutPath(err)
	}
	defer rt.wakes.failed(a)
	if err := os.Rename(copied, target); err != nil {
		return withoutPath(err)
	}
	if err := syncParent(target); err != nil {
		return err
	}
	for _, c := range o.paidFor() { // as it will be given back
		rt.accounts.Add(c.payer, c.kind, c.n)
		rt.usage.changed(c.payer, c.kind)
	}
	return nil
}

// left is what belongs to the object that was backed up, and not to its copy.
const left = `DELETE FROM lmz_outcome; DELETE FROM lmz_row WHERE
	substr(key, 1, instr(key, '/')) IN ('` + sendRows + `', '` + settledRows + `', '` + watchRows + `');`

// adopt gives the file of a backup its new owner, on disk.
func adopt(path string, a lmz.Address) error {
	conn, err := openConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return withoutPath(err)
	}
	end := (&txn{conn: conn}).limit(copyLimit)
	err = adoptOn(conn, a)
	end()
	if closing := closeConn(conn); err == nil {
		err = closing // joined to an error that may be shown it would hide that
	}
	if err != nil {
		return err
	}
	return syncFile(path)
}

func adoptOn(conn *sqlite.Conn, a lmz.Address) (err error) {
	fine, err := resultOf(conn, `PRAGMA quick_check(1)`)
	if err != nil || fine != "ok" {
		return lmz.Errorf("the backup is damaged, or no backup of an object")
	}
	if owned, err := hasTable(conn, "lmz_identity"); err != nil || !owned {
		return lmz.Errorf("the file is no backup of an object")
	}
	if err := migrate(conn, a); err != nil {
		return err
	}
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return withoutPath(err)
	}
	defer end(&err)
	if err := sqlitex.ExecuteScript(conn, left, nil); err != nil {
		return withoutPath(err)
	}
	err = sqlitex.ExecuteTransient(conn, `UPDATE lmz_identity SET binding = $binding, instance = $instance`,
		&sqlitex.ExecOptions{Named: map[string]any{"$binding": a.Binding, "$instance": a.Instance}})
	return err
}

// syncFile makes what is in a file durable.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncParent makes a file's entry in its directory durable.
func syncParent(path string) error {
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("the directory of %s: %w", filepath.Base(path), err)
	}
	return nil
}
