// Package datadir finds and creates the data directories of gateways.
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/hint"
)

// Make creates a data directory that only the user can access, if necessary, and returns its
// path. An empty dir means the default one with this name: dev or gateway.
func Make(getenv func(string) string, dir, name string) (path string, err error) {
	if dir == "" {
		if dir, err = standard(getenv, name); err != nil {
			return "", err
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return dir, takeForUser(dir)
}

// standard returns the path of a default data directory.
func standard(getenv func(string) string, name string) (string, error) {
	base := getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(base) { // the XDG specification says to ignore relative paths
		home, err := os.UserHomeDir()
		if err != nil {
			return "", exit.Usagef("--data DIR", "no home directory for data: %v", err)
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "lmz", name), nil
}

// takeForUser revokes the access of other users to a data directory, but rejects a directory
// with other contents.
func takeForUser(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	ours := len(entries) == 0
	for _, e := range entries {
		ours = ours || e.Name() == "auth.json"
	}
	if !ours {
		return exit.Usagef("--data NEWDIR", "%s contains other files and is readable by other users, so it is not a data directory", dir)
	}
	return os.Chmod(dir, 0o700)
}

// Existing returns the path of a data directory that a gateway has created. An empty dir means
// the default one of lmz dev.
func Existing(getenv func(string) string, dir string) (path string, err error) {
	start := "lmz dev"
	if dir != "" {
		start += " --data " + hint.Quote(dir)
	} else if dir, err = standard(getenv, "dev"); err != nil {
		return "", err
	}
	if path, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(path, "auth.json")); errors.Is(err, fs.ErrNotExist) {
		return "", exit.Errorf(exit.Failed, start, "%s is not a data directory: no gateway has created it", path)
	}
	return path, nil
}
