package deptest

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A knot is a set of files of a package each of which needs all others, directly or indirectly:
// none can be read, tested or moved without the rest. A well-divided package has small ones.
const knotFiles = 10 // smaller knots are allowed, whatever part of the package they are

// compiled is a package as compiled by the go tool.
type compiled struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	Standard                bool
	Module                  *struct{ Path string }
}

// compile asks the go tool for all packages and their imports, compiled.
func compile(t *testing.T) (all []compiled) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,Standard,Module", module+"/...")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for decoder := json.NewDecoder(out); ; {
		var p compiled
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// needs returns, for each file of a package, the other files whose declarations it uses.
func needs(p compiled, exports map[string]string) (map[string]map[string]bool, error) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object), Selections: make(map[*ast.SelectorExpr]*types.Selection)}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	checked, err := config.Check(p.ImportPath, fset, files, info)
	if err != nil {
		return nil, err
	}
	all := make(map[string]map[string]bool)
	for _, f := range files {
		all[filepath.Base(fset.Position(f.Pos()).Filename)] = make(map[string]bool)
	}
	for id, used := range info.Uses {
		if used.Pkg() != checked {
			continue
		}
		from, to := filepath.Base(fset.Position(id.Pos()).Filename), filepath.Base(fset.Position(used.Pos()).Filename)
		if from != to && all[to] != nil {
			all[from][to] = true
		}
	}
	return all, nil
}

// knot returns the largest set of files that all need each other (R. Tarjan's algorithm).
func knot(needs map[string]map[string]bool) (largest []string) {
	index, low, on := make(map[string]int), make(map[string]int), make(map[string]bool)
	var stack []string
	var visit func(file string)
	visit = func(file string) {
		index[file] = len(index) + 1
		low[file] = index[file]
		stack, on[file] = append(stack, file), true
		for next := range needs[file] {
			switch {
			case index[next] == 0:
				visit(next)
				low[file] = min(low[file], low[next])
			case on[next]:
				low[file] = min(low[file], index[next])
			}
		}
		if low[file] != index[file] {
			return
		}
		i := slices.Index(stack, file)
		if found := slices.Clone(stack[i:]); len(found) > len(largest) {
			largest = found
		}
		for _, one := range stack[i:] {
			on[one] = false
		}
		stack = stack[:i]
	}
	for file := range needs {
		if index[file] == 0 {
			visit(file)
		}
	}
	slices.Sort(largest)
	return largest
}

// knotted is one of our packages with its largest knot.
type knotted struct {
	path  string // below the module
	files int
	knot  []string
}

// knots returns the largest knot of each of our packages.
func knots(t *testing.T) (found []knotted) {
	t.Helper()
	all := compile(t)
	exports := make(map[string]string)
	for _, p := range all {
		exports[p.ImportPath] = p.Export
	}
	for _, p := range all {
		if p.Module == nil || p.Module.Path != module || len(p.GoFiles) == 0 {
			continue
		}
		needs, err := needs(p, exports)
		if err != nil {
			t.Fatalf("%s: %v", p.ImportPath, err)
		}
		path := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		found = append(found, knotted{path, len(p.GoFiles), knot(needs)})
	}
	return found
}

// TestKnots prints the largest knot of each package, and fails if one has more than half of the
// files and more than ten.
func TestKnots(t *testing.T) {
	for _, p := range knots(t) {
		t.Logf("%-40s %3d files, %2d in the largest knot", p.path, p.files, len(p.knot))
		if n := len(p.knot); n > knotFiles && 2*n > p.files {
			t.Errorf("%s: %s", p.path, strings.Join(p.knot, " "))
		}
	}
}

func TestLargestKnot(t *testing.T) {
	on := func(files ...string) map[string]bool {
		m := make(map[string]bool)
		for _, f := range files {
			m[f] = true
		}
		return m
	}
	got := knot(map[string]map[string]bool{
		"a": on("b"), "b": on("c", "d"), "c": on("a"), "d": on("e"), "e": on("d"), "f": on("a", "d"),
	})
	if !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v", got)
	}
}
