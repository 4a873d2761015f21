package store

import (
	"errors"
	"io/fs"

	"zombiezen.com/go/sqlite"
)

var (
	// ErrInUse says that another process has the disk.
	ErrInUse = errors.New("data directory in use")

	// ErrNoFiles says that the disk does not keep objects in files.
	ErrNoFiles = errors.New("these objects are in memory: there is no data directory")

	// ErrMaybeStored is a commit that failed so late that the data may be found again
	// after a crash.
	ErrMaybeStored = errors.New("the data may be on disk")
)

// Damaged is what callers learn about a file that cannot be read.
const Damaged = "its file is damaged and was left as it is"

// IsDamaged reports whether err says that an object's file cannot be read.
func IsDamaged(err error) bool {
	code := sqlite.ErrCode(err).ToPrimary()
	return code == sqlite.ResultCorrupt || code == sqlite.ResultNotADB
}

// IsInterrupted reports whether err says that a statement was interrupted, with which SQLite
// rolls the transaction back if the statement writes.
func IsInterrupted(err error) bool { return sqlite.ErrCode(err) == sqlite.ResultInterrupt }

// WithoutPath drops the file's path from an error, which will be logged: a path says where
// the data lies.
func WithoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return errors.New(p.Op + ": " + p.Err.Error())
	}
	if code := sqlite.ErrCode(err); code != sqlite.ResultError {
		return errors.New("SQLite: " + code.String() + ": " + code.Message())
	}
	return err
}
