//go:build unix

package descriptors

import "syscall"

// limit returns the descriptor limit of this process, or 0 if it is unknown.
func limit() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil || uint64(l.Cur) > 1<<30 {
		return 0
	}
	return int(l.Cur)
}
