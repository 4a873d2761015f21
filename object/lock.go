package object

import (
	"fmt"
	"os"
	"path/filepath"
)

// lockDir makes dir if need be and takes it for this process. Closing the file
// gives it back.
func lockDir(dir string) (*os.File, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	locked, err := lockFile(f)
	switch {
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("data directory %s cannot be locked: %w", dir, err)
	case !locked:
		f.Close()
		return nil, fmt.Errorf("%w: another gateway runs on %s; stop it, or choose another directory", ErrInUse, dir)
	}
	return f, nil
}
