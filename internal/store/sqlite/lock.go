package sqlite

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/lumenize/lmz/internal/filelock"
	"github.com/lumenize/lmz/internal/store"
)

// lockDir creates dir if necessary and locks it for this process. Closing the result unlocks
// it.
func lockDir(dir string) (io.Closer, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	unlock, ok, err := filelock.Try(filepath.Join(dir, "lock"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("data directory %s cannot be locked: %w", dir, err)
	case !ok:
		return nil, fmt.Errorf("%w: another gateway runs on %s; stop it, or choose another directory", store.ErrInUse, dir)
	}
	return unlock, nil
}
