package sqlite

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store/sqldb"
)

// removed is the folder with the files of removed objects.
func (d *Disk) removed() string { return filepath.Join(d.dir, "removed") }

// Remove implements [store.Disk].
func (d *Disk) Remove(a lmz.Address) error {
	from, to := Path(d.dir, a), Path(d.removed(), a)
	if hasLog(from) { // after a crash the owner may be only in the log
		if conn, err := openFile(from, a); err == nil {
			sqldb.Close(conn) // whatever it cannot merge is not needed
		}
	}
	if err := makeDir(filepath.Dir(to)); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	if err := errors.Join(syncParent(to), syncParent(from)); err != nil {
		return err
	}
	// If a log reappears after a crash, SQLite ignores it next to a new file.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(from + suffix); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// Removed implements [store.Disk].
func (d *Disk) Removed(a lmz.Address) error { return os.Remove(Path(d.removed(), a)) }

// Removals implements [store.Disk].
func (d *Disk) Removals() (left []lmz.Address, err error) {
	for path, broken := range objectFiles(d.removed(), "", "") {
		if broken != nil {
			return left, broken
		}
		if s, unreadable := look(path, nil); unreadable == nil {
			left = append(left, s.Address)
		} else {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return left, err
}
