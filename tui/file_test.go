package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumenize/lmz/meshtest"
)

func TestFormOfSharedFile(t *testing.T) {
	for name, test := range map[string]struct{ before, after string }{
		"LF":                     {"one\ntwo\n", ">one\ntwo\n"},
		"CRLF":                   {"one\r\ntwo\r\n", ">one\r\ntwo\r\n"},
		"CRLF, byte order mark":  {"\ufeffone\r\ntwo\r\n", "\ufeff>one\r\ntwo\r\n"},
		"CR":                     {"one\rtwo\r", ">one\rtwo\r"},
		"mixed, CRLF mostly":     {"one\r\ntwo\r\nthree\n", ">one\r\ntwo\r\nthree\r\n"},
		"mixed, LF mostly":       {"one\ntwo\r\nthree\n", ">one\ntwo\nthree\n"},
		"byte order mark, empty": {"\ufeff", "\ufeff>"},
	} {
		onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
			s, path := withFile(t, m, test.before)
			if got := s.area.text; strings.ContainsAny(got, "\r\ufeff") {
				t.Errorf("%s: the document has %q", name, got)
			}
			mixed := strings.Contains(s.View().Content, "the line endings of notes.txt are mixed: the first change makes them all ")
			if mixed != strings.HasPrefix(name, "mixed") {
				t.Errorf("%s: told of mixed line ends: %v", name, mixed)
			}
			s.fileHas(path, test.before) // nothing has changed
			s.press("ctrl+home", ">")
			s.fileHas(path, test.after)
			s.press("ctrl+end", "enter", "x")
			end := "\n"
			if strings.Contains(test.after, "\r") {
				end = strings.TrimLeft(test.after, "\ufeff>onetwh")[:1]
				if strings.Contains(test.after, "\r\n") {
					end = "\r\n"
				}
			}
			s.fileHas(path, test.after+end+"x")
		})
	}
}

// The file of a document that contains "\r\n" from an earlier version of this program.
func TestSharedFileOfForeignBreaks(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		bob := opened(t, m, "bob", 80, 24)
		bob.write("one\ntwo\n")
		bob.saved()
		s, path := withFile(t, m, "one\r\ntwo\r\n")
		s.await("they are one", func() bool { return s.file.joined })
		s.press("ctrl+home", ">")
		s.fileHas(path, ">one\r\ntwo\r\n")
	})
}

func TestSharedFileBehindDanglingLink(t *testing.T) {
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		s, path := withFile(t, m, "")
		target := filepath.Join(t.TempDir(), "target.txt")
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		s.write("new")
		s.fileHas(target, "new")
		if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("the link is %v, %v", info.Mode(), err)
		}
	})
}

func TestUnsharableFiles(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct{ content, want string }{
		"utf16":  {"\xff\xfea\x00b\x00", "UTF-16: make it UTF-8"},
		"latin1": {"caf\xe9", "not valid UTF-8 at byte 4"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (&sharedFile{path: path}).readFile(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&sharedFile{path: dir}).readFile(); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
}
