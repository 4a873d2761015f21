package filelock_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lumenize/lmz/internal/filelock"
)

func TestALockIsHeldUntilItIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, ok, err := filelock.Try(path)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if other, ok, err := filelock.Try(path); ok || err != nil || other != nil {
		t.Errorf("taken twice: %v, %v", other, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := unlock.Close(); err != nil {
		t.Error(err)
	}
	unlock, ok, err = filelock.Try(path)
	if !ok || err != nil {
		t.Fatalf("not free: %v", err)
	}
	unlock.Close()
	if _, ok, err := filelock.Try(filepath.Join(path, "below a file")); ok || err == nil {
		t.Errorf("a file where none can be: %v, %v", ok, err)
	}
}
