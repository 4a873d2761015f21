// Package wholefile replaces files in one step, so that a crash leaves the old content or the new,
// never a part.
package wholefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file at path, or creates it: after a crash the file is the old one or the new
// one. At no time can anybody read it whom perm does not allow to. A symbolic link stays, and its
// target is replaced or created. The owner of the old file also owns the new one if this process
// may change owners.
func Write(path string, data []byte, perm fs.FileMode) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	old, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return replace(path, data, perm, func(f *os.File) error {
		if old != nil {
			_ = giveTo(f, old) // only root may; without this, the program that owns the file could no longer read it
		}
		return nil
	})
}

// Update replaces the content of somebody else's file and nothing else: it keeps the mode, the
// owner, the group and other hard links. It does so in one step, as [Write] does, unless only
// writing into the file keeps them. perm is for a file that does not exist yet. A file that is not
// regular, or not writable, stays unchanged.
func Update(path string, data []byte, perm fs.FileMode) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	old, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return replace(path, data, perm, func(*os.File) error { return nil })
	case err != nil:
		return err
	case !old.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // fails without permission to write
	if err != nil {
		return err
	}
	defer f.Close()
	if names(old) == 1 {
		mode := old.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
		err := replace(path, data, mode, func(f *os.File) error { return giveTo(f, old) })
		if !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return overwrite(f, data)
}

// replace creates a file, passes it to prepare, and renames it to path.
func replace(path string, data []byte, perm fs.FileMode, prepare func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = prepare(f)
	}
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// overwrite writes into the existing file.
func overwrite(f *os.File, data []byte) error {
	_, err := f.WriteAt(data, 0)
	if err == nil {
		err = f.Truncate(int64(len(data)))
	}
	if err == nil {
		err = f.Sync()
	}
	return err
}

// maxLinks bounds a chain of symbolic links.
const maxLinks = 40

// target follows symbolic links to their target, which need not exist.
func target(path string) (string, error) {
	for range maxLinks {
		to, err := os.Readlink(path)
		if err != nil { // it is not a link, or does not exist
			return path, nil
		}
		if !filepath.IsAbs(to) {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path)) // .. starts from the real directory
			if err != nil {
				return "", err
			}
			to = filepath.Join(dir, to)
		}
		path = to
	}
	return "", fmt.Errorf("%s: too many links", path)
}
