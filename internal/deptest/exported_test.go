package deptest

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// exported is a name that users of a package see.
type exported struct {
	name string // methods include their type
	pos  token.Pos
	doc  string // empty if there is none
	own  bool   // whether the comment is for this name alone and has to start with it
}

// exports returns the exported names that a file declares.
func exports(s *source) (all []exported) {
	for _, d := range s.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if receiver := receiver(d); receiver != "" {
				if !ast.IsExported(receiver) {
					continue
				}
				name = receiver + "." + name
			}
			if d.Name.IsExported() {
				all = append(all, exported{name, d.Pos(), d.Doc.Text(), true})
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				all = append(all, exportsOf(d, spec)...)
			}
		}
	}
	return all
}

// exportsOf returns the exported names of one type, or of one line of constants or variables.
func exportsOf(d *ast.GenDecl, spec ast.Spec) (all []exported) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		doc := spec.Doc.Text()
		if doc == "" {
			doc = d.Doc.Text()
		}
		if spec.Name.IsExported() {
			all = append(all, exported{spec.Name.Name, spec.Pos(), doc, true})
		}
	case *ast.ValueSpec:
		own := !d.Lparen.IsValid() && len(spec.Names) == 1
		doc := spec.Doc.Text() + spec.Comment.Text()
		if doc == "" {
			doc = d.Doc.Text()
		}
		for _, name := range spec.Names {
			if name.IsExported() {
				all = append(all, exported{name.Name, name.Pos(), doc, own})
			}
		}
	}
	return all
}

// receiver returns the name of a method's type, or "" for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	expr := f.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

// importable reports whether other modules can import a file's package.
func importable(s *source) bool {
	return s.ast.Name.Name != "main" && !s.test() && !strings.Contains("/"+s.path, "/internal/") &&
		!strings.Contains("/"+s.path, "/testdata/")
}

// TestDocComments requires that every exported name of a package that other modules can import
// has a comment that starts with the name. Constants and variables in a group may share one.
func TestDocComments(t *testing.T) {
	for _, s := range sources(t) {
		if !importable(s) {
			continue
		}
		for _, e := range exports(s) {
			name := e.name[strings.LastIndex(e.name, ".")+1:]
			starts := regexp.MustCompile(`^((A|An|The) )?` + name + `\b`)
			if e.doc == "" || e.own && !starts.MatchString(e.doc) {
				t.Errorf("%s:%d: %s needs a comment that starts with its name", s.path, s.line(e.pos), e.name)
			}
		}
	}
}
