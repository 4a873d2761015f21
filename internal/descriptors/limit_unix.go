//go:build unix

package descriptors

import "syscall"

// limit returns how many descriptors this process may have, or 0 if that is unknown.
func limit() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil || uint64(l.Cur) > 1<<30 {
		return 0
	}
	return int(l.Cur)
}
