// Package wholefile writes files in one step.
package wholefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file at path, or makes it: after a crash there is the old one or the
// new one. Nobody whom perm does not allow it can read it at any moment. A link stays one,
// and what it leads to is replaced, or made. The owner of the old file keeps the new one if
// this process may give files away.
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
			_ = giveTo(f, old) // only root may: then the file would be lost to its program
		}
		return nil
	})
}

// Update gives a file that is somebody else's a new content, and changes nothing else of it:
// not its mode, nor its owner and group, nor its other names. That is done in one step, as
// by [Write], unless only writing into the file keeps them. perm is for a file that does
// not exist yet. What is no regular file, or must not be written, stays as it is.
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
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // asks for the right to write
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

// replace makes a new file and moves it to path, after prepare has seen it.
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

// overwrite writes into a file that stays the same.
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

// maxLinks is how many links may lead to each other.
const maxLinks = 40

// target follows links to what they lead to, which need not exist.
func target(path string) (string, error) {
	for range maxLinks {
		to, err := os.Readlink(path)
		if err != nil { // it is none, or nothing
			return path, nil
		}
		if !filepath.IsAbs(to) {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path)) // .. leads out of where it really is
			if err != nil {
				return "", err
			}
			to = filepath.Join(dir, to)
		}
		path = to
	}
	return "", fmt.Errorf("%s: too many links", path)
}
