package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock locks f against other processes until it is closed or the process ends, in whatever way. It
// returns false if another process has the lock.
func lock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
