//go:build unix

package wholefile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/lumenize/lmz/internal/wholefile"
)

// In a child, the test binary writes this file as nobody.
const fileVariable = "WHOLEFILE_TEST_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(fileVariable); path != "" {
		if err := wholefile.Update(path, []byte("by nobody"), 0o600); err != nil {
			os.Stdout.WriteString(err.Error())
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestUpdateKeepsModeAndNames(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "file"), filepath.Join(dir, "other")
	if err := os.WriteFile(file, []byte("a longer content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o751|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	want, _ := os.Stat(file)
	check := func(path, content string) {
		t.Helper()
		if err := wholefile.Update(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		info, statErr := os.Stat(file)
		if err != nil || statErr != nil || string(got) != content || info.Mode() != want.Mode() {
			t.Errorf("%q with %v, want %q with %v; %v, %v", got, info.Mode(), content, want.Mode(), err, statErr)
		}
	}
	check(file, "one")
	if err := os.Link(file, other); err != nil {
		t.Fatal(err)
	}
	check(other, "both names")
	check(file, "two")
	if a, b := stat(t, file), stat(t, other); a.Ino != b.Ino {
		t.Error("the two names are of two files now")
	}
	if err := wholefile.Update("/dev/null", []byte("x"), 0o600); err == nil {
		t.Error("a device was written")
	}
}

func stat(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t)
}

// A file keeps its owner when root writes it, and when a member of its group does.
func TestUpdateKeepsOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a file to somebody else")
	}
	const nobody, group = 65534, 12345
	dir, err := os.MkdirTemp("/tmp", "wholefile") // nobody can reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "file")
	for _, write := range []func(string, []byte, os.FileMode) error{wholefile.Write, wholefile.Update} {
		if err := os.WriteFile(file, []byte("old"), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(file, nobody, group); err != nil {
			t.Fatal(err)
		}
		if err := write(file, []byte("new"), 0o640); err != nil {
			t.Fatal(err)
		}
		if s := stat(t, file); s.Uid != nobody || s.Gid != group || s.Mode&0o777 != 0o640 {
			t.Errorf("it belongs to %d:%d now, mode %o", s.Uid, s.Gid, s.Mode)
		}
	}
	for what, dirMode := range map[string]os.FileMode{"in a directory of everybody": 0o777, "in root's directory": 0o755} {
		if err := os.Chmod(dir, dirMode); err != nil {
			t.Fatal(err)
		}
		for path, mode := range map[string]os.FileMode{file: 0o660, dir: dirMode} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chown(file, 0, group); err != nil {
			t.Fatal(err)
		}
		binary := filepath.Join(dir, "test")
		if data, err := os.ReadFile(os.Args[0]); err != nil || os.WriteFile(binary, data, 0o755) != nil {
			t.Fatal(err)
		}
		child := exec.Command(binary)
		child.Dir, child.Env = dir, append(os.Environ(), fileVariable+"="+file)
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{group}}}
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", what, err, out)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != "by nobody" {
			t.Errorf("%s: got %q, %v", what, got, err)
		}
		if s := stat(t, file); s.Uid != 0 || s.Gid != group || s.Mode&0o777 != 0o660 {
			t.Errorf("%s: it belongs to %d:%d now, mode %o", what, s.Uid, s.Gid, s.Mode)
		}
		os.Remove(binary)
	}
}
