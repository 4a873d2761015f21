package wholefile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lumenize/lmz/internal/wholefile"
)

func TestAFileIsReplacedAlsoBehindALink(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{file, link, file} {
		if err := wholefile.Write(to, []byte(to), 0o640); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != to {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if info, err := os.Lstat(file); err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 2 {
		t.Errorf("left: %v, %v", all, err)
	}
	if err := wholefile.Write(filepath.Join(file, "x"), nil, 0o600); err == nil {
		t.Error("a file below a file was written")
	}
}

func TestDanglingLink(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "real", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	// link -> chain -> ../file, where chain is in a directory that is a link itself.
	for name, to := range map[string]string{"dir": "real/sub", "real/sub/chain": "../file", "link": "dir/chain", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for i, write := range []func(string, []byte, os.FileMode) error{wholefile.Write, wholefile.Update} {
		file := filepath.Join(dir, "real", "file")
		for _, content := range []string{"made", "replaced"} {
			if err := write(filepath.Join(dir, "link"), []byte(content), 0o640); err != nil {
				t.Fatal(i, err)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != content {
				t.Errorf("%d: got %q, %v", i, got, err)
			}
		}
		if info, err := os.Lstat(filepath.Join(dir, "link")); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%d: the link is %v, %v", i, info.Mode(), err)
		}
		if err := write(filepath.Join(dir, "loop"), nil, 0o600); err == nil {
			t.Errorf("%d: a loop was written", i)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}
