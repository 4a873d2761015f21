// Package private keeps files readable by their owner only. The data directory holds signing
// keys, hashed tokens and mails; a backup tool or an editor that restores one of its files
// with wider permissions must not expose them, so they are narrowed again at each read.
package private

import (
	"os"

	"github.com/lumenize/lmz/internal/textin"
)

// MkdirAll creates a directory that only its owner can enter, and removes the permissions of
// others from an existing one.
func MkdirAll(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return os.Chmod(path, 0o700)
}

// ReadFile reads a text file as [textin.ReadFile] does, and removes the permissions of others
// from it.
func ReadFile(path string) (string, error) {
	text, err := textin.ReadFile(path)
	if err != nil {
		return "", err
	}
	return text, Restrict(path)
}

// Restrict removes the permissions of others from a file.
func Restrict(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(path, 0o600)
}
