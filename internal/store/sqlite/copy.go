package sqlite

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
)

// Copy implements [store.Disk].
func (d *Disk) Copy(a lmz.Address, k store.Options) (s store.Store, exists bool, drop func(), err error) {
	path := Path(d.dir, a)
	exists = isFile(path)
	apart, err := os.MkdirTemp(d.dir, copyPrefix)
	if err != nil {
		return nil, exists, nil, err
	}
	drop = func() { os.RemoveAll(apart) }
	copied := filepath.Join(apart, "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		if err := copyFile(path+suffix, copied+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			drop()
			return nil, exists, nil, err
		}
	}
	return &Store{path: copied, of: a, kind: k}, exists, drop, nil
}

// sizeOf returns the size of a file, and 0 if there is none.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// copyPrefix is the prefix of the names of directories with copies.
const copyPrefix = "check-"

// dropCopies removes copies that a crash left behind.
func dropCopies(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, copyPrefix+"*"))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
