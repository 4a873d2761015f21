package store

import (
	"errors"
	"io/fs"

	"zombiezen.com/go/sqlite"
)

var (
	// ErrInUse means that another process has locked the disk.
	ErrInUse = errors.New("data directory in use")

	// ErrNoFiles means that the disk does not keep objects in files.
	ErrNoFiles = errors.New("these objects are in memory: there is no data directory")

	// ErrMaybeStored means that a commit failed so late that its data may reappear after a
	// crash.
	ErrMaybeStored = errors.New("the data may be on disk")
)

// Damaged is the message for callers about a file that cannot be read.
const Damaged = "its file is damaged and was left as it is"

// IsDamaged reports whether err means that an object's file cannot be read.
func IsDamaged(err error) bool {
	code := sqlite.ErrCode(err).ToPrimary()
	return code == sqlite.ResultCorrupt || code == sqlite.ResultNotADB
}

// IsInterrupted reports whether err means that a statement was interrupted. SQLite then
// rolls the transaction back if the statement writes.
func IsInterrupted(err error) bool { return sqlite.ErrCode(err) == sqlite.ResultInterrupt }

// WithoutPath drops the file's path from an error before it is logged, to not reveal where
// the data is.
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
