// Package filelock keeps two processes from using the same files: it locks a file until its
// process ends.
package filelock

import (
	"io"
	"os"
)

// Try creates the file at path if need be, for its owner only, and locks it until unlock is closed
// or the process ends, in whatever way. It does not wait: if somebody else, in this process or
// another, has the lock, ok is false and unlock is nil.
func Try(path string) (unlock io.Closer, ok bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	if ok, err = lock(f); !ok {
		f.Close()
		return nil, false, err
	}
	return f, true, nil
}
