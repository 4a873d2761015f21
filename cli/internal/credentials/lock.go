package credentials

import (
	"context"
	"time"

	"github.com/lumenize/lmz/internal/filelock"
)

// lockPoll is the interval at which a lock held by another process is tried.
const lockPoll = 10 * time.Millisecond

// lockFile locks the file at path, which it creates if necessary, against other processes. It
// waits for the lock until ctx ends.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		lock, ok, err := filelock.Try(path)
		if ok {
			return func() { lock.Close() }, nil
		}
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}
