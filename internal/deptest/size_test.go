package deptest

import (
	"go/ast"
	"testing"
)

// Limits of what a reader has to take in at once. Tests are exempt.
const (
	fileLines     = 500
	functionLines = 80
)

func TestFileAndFunctionLines(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		if n := len(s.lines); n > fileLines {
			t.Errorf("%s: %d lines, more than %d", s.path, n, fileLines)
		}
		for _, f := range functions(s) {
			if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > functionLines {
				t.Errorf("%s:%d: %s has %d lines, more than %d", s.path, s.line(f.Pos()), f.Name.Name, n, functionLines)
			}
		}
	}
}

// functions returns the functions and methods of a file.
func functions(s *source) (all []*ast.FuncDecl) {
	for _, d := range s.ast.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			all = append(all, f)
		}
	}
	return all
}
