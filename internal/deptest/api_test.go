package deptest

import (
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// maxNames is how many names package lmz and package client may export together.
const maxNames = 105

// TestAPISize limits the number of names that users of package lmz and package client see.
func TestAPISize(t *testing.T) {
	names, methods := 0, 0
	for _, p := range load(t, module, module+"/client") {
		n, m := exportedNames(p)
		t.Logf("%s: %d names, %d methods", p.Path(), n, m)
		names, methods = names+n, methods+m
	}
	t.Logf("%d names, with methods %d", names, names+methods)
	if names > maxNames {
		t.Errorf("package lmz and package client export %d names, at most %d", names, maxNames)
	}
}

// exportedNames counts the exported constants, variables, types and functions of a package,
// and the exported methods of its exported types.
func exportedNames(p *types.Package) (names, methods int) {
	for _, name := range p.Scope().Names() {
		object := p.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		names++
		if named, ok := object.Type().(*types.Named); ok && isType(object) {
			for m := range named.Methods() {
				if m.Exported() {
					methods++
				}
			}
		}
	}
	return names, methods
}

func isType(o types.Object) bool {
	_, ok := o.(*types.TypeName)
	return ok
}

// TestNoInternalTypesInAPI checks every exported declaration of every package that other modules
// can import: documentation shows internal types, but users can neither read nor create them.
func TestNoInternalTypesInAPI(t *testing.T) {
	var paths []string
	for _, p := range list(t, nil, module+"/...") {
		if !strings.Contains(p.ImportPath+"/", "/internal/") && p.Name != "main" {
			paths = append(paths, p.ImportPath)
		}
	}
	for _, p := range load(t, paths...) {
		for _, name := range p.Scope().Names() {
			object := p.Scope().Lookup(name)
			if !object.Exported() {
				continue
			}
			for declared, internal := range internals(object) {
				declared = p.Name() + "." + declared
				t.Errorf("%s mentions %s", declared, internal)
			}
		}
	}
}

// internals returns the parts of a declaration that mention a type of an internal package, and
// that type.
func internals(o types.Object) map[string]string {
	found := make(map[string]string)
	note := func(part string, t types.Type) {
		if internal := internalIn(t, make(map[types.Type]bool)); internal != "" {
			found[part] = internal
		}
	}
	named, ok := o.Type().(*types.Named)
	if !isType(o) || !ok || named.Obj() != o {
		note(o.Name(), o.Type()) // a constant, variable or function, or an alias
		return found
	}
	for m := range named.Methods() {
		if m.Exported() {
			note(o.Name()+"."+m.Name(), m.Type())
		}
	}
	note(o.Name(), named.Underlying())
	return found
}

// internalIn returns the name of a type of an internal package that an exported part of t
// mentions, or "". It does not look into named types, which have their own declarations.
func internalIn(t types.Type, seen map[types.Type]bool) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	first := func(parts ...types.Type) string {
		for _, part := range parts {
			if internal := internalIn(part, seen); internal != "" {
				return internal
			}
		}
		return ""
	}
	switch t := t.(type) {
	case *types.Alias:
		return first(types.Unalias(t))
	case *types.Named:
		if p := t.Obj().Pkg(); p != nil && strings.HasPrefix(p.Path(), module) && strings.Contains(p.Path()+"/", "/internal/") {
			return p.Name() + "." + t.Obj().Name()
		}
		return first(slices.Collect(t.TypeArgs().Types())...)
	case interface{ Elem() types.Type }: // pointer, slice, array, channel
		if m, ok := t.(*types.Map); ok {
			return first(m.Key(), m.Elem())
		}
		return first(t.Elem())
	case *types.Signature:
		return first(t.Params(), t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			if internal := first(v.Type()); internal != "" {
				return internal
			}
		}
	case *types.Struct:
		for f := range t.Fields() {
			if internal := ""; f.Exported() {
				if internal = first(f.Type()); internal != "" {
					return internal
				}
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			if internal := first(m.Type()); m.Exported() && internal != "" {
				return internal
			}
		}
	}
	return ""
}

// load returns packages from the compiler's export data.
func load(t *testing.T, paths ...string) []*types.Package {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps", "-export", "-f={{.ImportPath}} {{.Export}}"}, paths...)...)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[path] = file
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	from := importer.ForCompiler(token.NewFileSet(), "gc", open)
	var packages []*types.Package
	for _, path := range paths {
		if exports[path] == "" {
			continue // test packages
		}
		p, err := from.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	return packages
}
