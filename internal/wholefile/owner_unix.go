//go:build unix

package wholefile

import (
	"io/fs"
	"os"
	"syscall"
)

// giveTo gives f the owner and group of the file of info.
func giveTo(f *os.File, info fs.FileInfo) error {
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	mine, err := f.Stat()
	if err != nil {
		return err
	}
	if has, ok := mine.Sys().(*syscall.Stat_t); ok && has.Uid == owner.Uid && has.Gid == owner.Gid {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// names returns the number of hard links of the file of info.
func names(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}
