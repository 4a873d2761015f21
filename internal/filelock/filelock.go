// Package filelock locks files against other processes.
package filelock

import (
	"io"
	"os"
)

// Try makes the file at path if need be, for its owner only, and locks it until unlock
// is closed or the process dies, however it dies. It does not wait: when somebody else,
// in this process or another, has the lock, ok is false and there is no unlock.
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
