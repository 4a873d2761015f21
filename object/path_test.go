package object

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store/sqlite"
)

// oddNames are instance names that have broken other programs.
var oddNames = []string{
	"plain", "Plain", "with/slashes/in it", "../../../etc/passwd", "..", ".", "/", "a/../b", `back\slash`, `..\..\x`,
	"dots.and spaces", " ", "😀 emoji 👩‍👩‍👧", "a\x00b", "\x00", "new\nline", "CON", "nul.txt", "C:\\x", "%2e%2e", "-rf",
	strings.Repeat("x", 300), strings.Repeat("é", 512), "?mode=memory", "file:x?vfs=y", "'; DROP TABLE lmz_kv; --", ":memory:",
}

func TestOddInstanceNames(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "data ?#%")
	for range 2 { // the second time after a restart
		w := newWorld(t, dir)
		w.register("BOX", exposeStorage)
		w.register("../BOX", exposeStorage)
		for _, binding := range []string{"BOX", "../BOX"} {
			for _, name := range oddNames {
				to := lmz.At(binding, name)
				got := must[string](w, to, "get", "name")
				if want := binding + name; got != "" && got != want {
					t.Errorf("%q: got the state of %q", want, got)
				}
				must[struct{}](w, to, "put", "name", binding+name)
			}
		}
		w.close()
	}
	databases := 0
	for _, path := range files(t, parent) {
		rel, err := filepath.Rel(dir, path)
		if err != nil || strings.HasPrefix(rel, "..") {
			t.Errorf("%s is outside of the data directory", path)
		}
		if strings.HasSuffix(path, ".db") && rel != "index.db" && rel != "usage.db" {
			databases++
			if strings.Count(rel, string(filepath.Separator)) != 2 {
				t.Errorf("%s is not in the folder of its binding", rel)
			}
		}
	}
	if want := 2 * len(oddNames); databases != want {
		t.Errorf("got %d files, want %d", databases, want)
	}
}

func TestFileNames(t *testing.T) {
	name := func(instance string) string {
		return strings.ToLower(filepath.Base(sqlite.Path("d", lmz.At("BOX", instance))))
	}
	if got := name("my notes/1"); !strings.HasPrefix(got, "my_notes_1-") || len(got) != len("my_notes_1-")+32+len(".db") {
		t.Errorf("got %q", got)
	}
	if name("A") == name("a") {
		t.Error("A and a share a file where case does not count")
	}
}
