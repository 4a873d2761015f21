package deptest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// source is a Go file of the repository.
type source struct {
	path  string // relative to the module, with slashes
	lines []string
	fset  *token.FileSet
	ast   *ast.File
}

func (s *source) dir() string {
	dir := filepath.ToSlash(filepath.Dir(s.path))
	if dir == "." {
		return ""
	}
	return dir
}

func (s *source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// line returns the number of the line of a position.
func (s *source) line(pos token.Pos) int { return s.fset.Position(pos).Line }

// files returns the paths, relative to the module, of the files with an extension, except
// installed and generated ones.
func files(t *testing.T, extension string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || name == "dist" || name == "bin" || len(name) > 2 && name[0] == '.'):
			return fs.SkipDir
		case !d.IsDir() && filepath.Ext(name) == extension:
			paths = append(paths, strings.TrimPrefix(filepath.ToSlash(path), "../../"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// sources returns all Go files of the repository.
func sources(t *testing.T) (all []*source) {
	t.Helper()
	fset := token.NewFileSet()
	for _, path := range files(t, ".go") {
		data, err := os.ReadFile("../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(fset, path, data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &source{path, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), fset, file})
	}
	return all
}

// width returns the number of columns of a line; a tab counts four.
func width(line string) int {
	return utf8.RuneCountInString(line) + 3*strings.Count(line, "\t")
}
