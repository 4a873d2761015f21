package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/lumenize/lmz"
)

// maxReadable is how many bytes of an instance name are copied to the file name.
const maxReadable = 40

// Path returns the file of the object at a below the data directory. The hash makes the name
// unique, even on case-insensitive file systems; the readable part is only for people.
// Neither can escape the directory, whatever the names.
func Path(dir string, a lmz.Address) string {
	sum := sha256.Sum256([]byte(a.Binding + "\x00" + a.Instance))
	name := readable(a.Instance) + "-" + hex.EncodeToString(sum[:16]) + ".db"
	return filepath.Join(dir, "objects", escape(a.Binding), name)
}

// isPlain reports whether b is used unescaped in a file name.
func isPlain(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-'
}

// readable returns the beginning of a name, with unusual characters replaced.
func readable(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case b.Len() == maxReadable:
			return b.String()
		case r < utf8.RuneSelf && isPlain(byte(r)):
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	return b.String()
}

// escape converts a binding to a folder name, reversibly.
func escape(binding string) string {
	var b strings.Builder
	for i := range len(binding) {
		if c := binding[i]; isPlain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// makeDir creates a directory and makes its entry in the parent directory durable. SQLite
// does the same for its files, but not for the directory that they are in.
func makeDir(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the entries of a directory durable.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // Windows cannot sync directories and need not
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// syncFile makes the contents of a file durable.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncParent makes a file's entry in its directory durable.
func syncParent(path string) error {
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("the directory of %s: %w", filepath.Base(path), err)
	}
	return nil
}
