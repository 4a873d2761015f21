package deptest

import (
	"fmt"
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maySleep lists the tests that let real time pass, each for the reason given in a comment there.
// All others wait for conditions (internal/poll) or run in virtual time.
var maySleep = map[string]bool{
	"internal/poll/poll.go: UntilNil":              true,
	"test/attack_test.go: pause":                   true,
	"tui/e2e_test.go: TestOfflineTypingAfterKill9": true, // make soak only
	"cli/echo_other_test.go: stopsEcho":            true, // not on Linux
	"web/load_test.go: TestFailedLoadOfModule":     true,
}

// declared is a function of a package's tests.
type declared struct {
	decl    *ast.FuncDecl
	source  *source
	real    []ast.Node // sleeps outside bubbles of testing/synctest
	outside bool       // also referenced outside bubbles, directly or in a function that runs there
}

// virtual marks a sleep in a function that only bubbles of testing/synctest call in a way that
// cannot be seen here.
var virtual = regexp.MustCompile(`// virtual\b`)

// waitInScript matches a wait in JavaScript, which is in a string or a separate file.
var waitInScript = regexp.MustCompile(`setTimeout\((?:done|resolve|r|f), *\d{3,}\)`)

// sleeps returns where the tests of a package let real time pass. Functions are identified by
// name only, which errs on the safe side.
func sleeps(files []*source, bubbles map[string]bool) (all []string) {
	byName := make(map[string][]*declared)
	var every []*declared
	for _, s := range files {
		for _, f := range functions(s) {
			d := &declared{decl: f, source: s}
			every = append(every, d)
			byName[f.Name.Name] = append(byName[f.Name.Name], d)
		}
	}
	uses := make(map[*declared]map[string]bool) // names referenced outside bubbles
	for _, d := range every {
		uses[d] = make(map[string]bool)
		d.real = walkReal(d.decl.Body, bubbles, uses[d])
	}
	isRoot := func(name string) bool {
		return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Benchmark") ||
			strings.HasPrefix(name, "Example") || name == "init" || name == "main" || name == "UntilNil"
	}
	var mark func(d *declared)
	mark = func(d *declared) {
		if d.outside {
			return
		}
		d.outside = true
		for name := range uses[d] {
			for _, next := range byName[name] {
				mark(next)
			}
		}
	}
	for _, d := range every {
		if d.decl.Recv == nil && isRoot(d.decl.Name.Name) {
			mark(d)
		}
	}
	for _, d := range every {
		for _, node := range d.real {
			if line := d.source.line(node.Pos()); d.outside && !virtual.MatchString(d.source.lines[line-1]) {
				all = append(all, fmt.Sprintf("%s: %s", d.source.path, d.decl.Name.Name))
			}
		}
	}
	slices.Sort(all)
	return all
}

// walkReal returns the sleeps of a function that are outside bubbles, and records the names that
// it references there.
func walkReal(body *ast.BlockStmt, bubbles map[string]bool, uses map[string]bool) (real []ast.Node) {
	if body == nil {
		return nil
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if bubbles[called(n)] {
				return false
			}
			switch called(n) {
			case "time.Sleep", "chromedp.Sleep":
				real = append(real, n)
			case "time.After":
				if !patient(n.Args[0]) {
					real = append(real, n)
				}
			}
		case *ast.BasicLit:
			if waitInScript.MatchString(n.Value) {
				real = append(real, n)
			}
		case *ast.Ident:
			uses[n.Name] = true
		}
		return true
	})
	return real
}

// patient reports whether a duration is a timeout of a test.
func patient(e ast.Expr) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == "Patience"
		return true
	})
	return found
}

// called returns the name of the called function or method, qualified by its package or variable.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

// bubbles returns the functions that run their argument in virtual time: synctest.Test, and those
// of our tests that call such a function.
func bubbles(all []*source) map[string]bool {
	found := map[string]bool{"synctest.Test": true}
	for grown := true; grown; {
		grown = false
		for _, s := range all {
			for _, f := range functions(s) {
				if f.Body == nil || f.Recv != nil || !takesFunction(f) || found[f.Name.Name] {
					continue
				}
				ast.Inspect(f.Body, func(n ast.Node) bool {
					if call, ok := n.(*ast.CallExpr); ok && found[called(call)] {
						found[f.Name.Name], found[s.ast.Name.Name+"."+f.Name.Name], grown = true, true, true
					}
					return true
				})
			}
		}
	}
	return found
}

func takesFunction(f *ast.FuncDecl) bool {
	return slices.ContainsFunc(f.Type.Params.List, func(p *ast.Field) bool {
		_, ok := p.Type.(*ast.FuncType)
		return ok
	})
}

// realSleeps returns where the tests of all packages let real time pass.
func realSleeps(t *testing.T) (all []string) {
	packages, every := make(map[string][]*source), sources(t)
	for _, s := range every {
		if s.test() || s.dir() == "internal/poll" {
			packages[s.dir()] = append(packages[s.dir()], s)
		}
	}
	bubbles := bubbles(every)
	for _, files := range packages {
		all = append(all, sleeps(files, bubbles)...)
	}
	for _, path := range files(t, ".mjs") {
		data, err := os.ReadFile("../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		for range waitInScript.FindAll(data, -1) {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}

// TestSleepsOfTests requires that tests let real time pass only where maySleep allows it.
func TestSleepsOfTests(t *testing.T) {
	found := make(map[string]bool)
	for _, where := range realSleeps(t) {
		if found[where] = true; !maySleep[where] {
			t.Errorf("%s lets real time pass", where)
		}
	}
	for where := range maySleep {
		if !found[where] {
			t.Errorf("%s does not: take it from the list", where)
		}
	}
}
