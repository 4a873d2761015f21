package deptest

import (
	"strings"
	"testing"
)

const commentColumns = 100

// TestCommentLines limits the width of comment lines, except for directives, links and code.
func TestCommentLines(t *testing.T) {
	for _, s := range sources(t) {
		for _, group := range s.ast.Comments {
			if strings.HasPrefix(group.List[0].Text, "// Output:") {
				continue // of an example
			}
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, "//go:") || strings.Contains(c.Text, "://") {
					continue
				}
				first := s.line(c.Pos())
				for n := first; n <= s.line(c.End()-1); n++ {
					line := s.lines[n-1]
					if strings.HasPrefix(strings.TrimSpace(line), "//\t") {
						continue // code, or a table
					}
					if n == first && !strings.HasPrefix(strings.TrimSpace(line), "/") {
						continue // after code
					}
					if got := width(line); got > commentColumns {
						t.Errorf("%s:%d: a comment of %d columns, more than %d", s.path, n, got, commentColumns)
					}
				}
			}
		}
	}
}
