package gateway

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/value"
)

// Contract is what the nodes of a mesh expose, in the order of their bindings.
type Contract struct {
	Nodes      []NodeContract
	TypeScript string // declarations for all of it
}

// NodeContract is what the nodes of one binding expose.
type NodeContract struct {
	Binding    string
	Type       lmz.NodeType
	BeforeCall string           // the guard of all methods, or ""
	Listed     bool             // false: the handler does not say what it exposes
	Methods    []MethodContract // in the order of their names
}

// MethodContract is one exposed method. Its types are TypeScript's, in which every
// value that travels has a name.
type MethodContract struct {
	Name   string
	Typed  bool // false: its types are not known
	Params []string
	Result string
	Guard  string

	// The names of the parameters, or none: then they are called arg1, arg2 and so on.
	Names       []string `lmz:",omitempty"`
	Doc         string   `lmz:",omitempty"` // a line, or ""
	ReadOnly    bool     `lmz:",omitempty"`
	Destructive bool     `lmz:",omitempty"`
	Idempotent  bool     `lmz:",omitempty"`
}

// String returns the method as TypeScript declares it.
func (m MethodContract) String() string {
	params := "...args: unknown[]"
	switch {
	case m.Typed:
		params = parameters(m.Params, m.Names)
	case len(m.Names) > 0:
		params = parameters(slices.Repeat([]string{"unknown"}, len(m.Names)), m.Names)
	}
	return value.Property(m.Name) + "(" + params + "): " + m.Result
}

// parameters writes a list of parameters.
func parameters(types, names []string) string {
	out := make([]string, len(types))
	for i, t := range types {
		name := "arg" + strconv.Itoa(i+1)
		if i < len(names) {
			name = names[i]
		}
		if reserved[name] {
			name += "_"
		}
		out[i] = name + ": " + t
	}
	return strings.Join(out, ", ")
}

// reserved are words that TypeScript takes for something else, and Go does not.
var reserved = map[string]bool{
	"await": true, "catch": true, "class": true, "debugger": true, "delete": true, "do": true, "enum": true, "export": true,
	"extends": true, "false": true, "finally": true, "function": true, "implements": true, "in": true, "instanceof": true,
	"let": true, "new": true, "null": true, "private": true, "protected": true, "public": true, "static": true, "super": true,
	"this": true, "throw": true, "true": true, "try": true, "typeof": true, "void": true, "while": true, "with": true, "yield": true,
	"arguments": true, "eval": true,
}

// Marks are the words for what the method does to the node: read-only, destructive,
// idempotent.
func (m MethodContract) Marks() (marks []string) {
	for _, mark := range []struct {
		is   bool
		word string
	}{{m.ReadOnly, "read-only"}, {m.Destructive, "destructive"}, {m.Idempotent, "idempotent"}} {
		if mark.is {
			marks = append(marks, mark.word)
		}
	}
	return marks
}

// comment is what a declaration says above the method.
func (m MethodContract) comment() string {
	said := append(m.Marks(), "guard: "+m.Guard)
	if m.Doc == "" {
		return strings.Join(said, ", ")
	}
	doc := strings.Join(strings.Fields(m.Doc), " ")
	return strings.ReplaceAll(doc, "*/", "* /") + " (" + strings.Join(said, ", ") + ")"
}

// contract looks at the tables of all nodes that exist for the calling client.
func (g *Gateway) contract(ctx context.Context) (Contract, error) {
	called, _ := lmz.CallContextFrom(ctx)
	hidden := func(binding string) bool {
		f := g.fronts[called.Caller().Binding]
		return f != nil && !f.shows(binding)
	}
	var ts value.TypeScript
	var c Contract
	for _, binding := range slices.Sorted(maps.Keys(g.workers)) {
		if hidden(binding) {
			continue
		}
		c.Nodes = append(c.Nodes, nodeContract(&ts, binding, lmz.TypeWorker, g.workers[binding].Table()))
	}
	objects := g.objects.Contract()
	for _, binding := range slices.Sorted(maps.Keys(objects)) {
		if hidden(binding) {
			continue
		}
		c.Nodes = append(c.Nodes, nodeContract(&ts, binding, lmz.TypeObject, objects[binding]))
	}
	slices.SortFunc(c.Nodes, func(a, b NodeContract) int { return cmp.Compare(a.Binding, b.Binding) })
	c.TypeScript = declare(&ts, c.Nodes)
	return c, nil
}

func nodeContract(ts *value.TypeScript, binding string, t lmz.NodeType, table lmz.Table) NodeContract {
	n := NodeContract{Binding: binding, Type: t}
	if table == nil {
		return n
	}
	n.Listed, n.BeforeCall = true, table.BeforeCall()
	for _, info := range table.Methods() {
		m := MethodContract{Name: info.Name, Typed: info.Typed, Guard: info.Guard, Result: "unknown",
			Names: info.Names, Doc: info.Doc, ReadOnly: info.ReadOnly, Destructive: info.Destructive, Idempotent: info.Idempotent}
		for _, p := range info.Params {
			m.Params = append(m.Params, ts.Type(p))
		}
		if info.Typed {
			m.Result = ts.Type(info.Result)
		}
		n.Methods = append(n.Methods, m)
	}
	return n
}

// declare writes the declarations: the structs, and an interface for each binding.
func declare(ts *value.TypeScript, nodes []NodeContract) string {
	var b strings.Builder
	b.WriteString("// What the nodes of a mesh expose: ctn<DOCUMENT_DO>().update(\"text\"). Made by lmz contract.\n")
	declarations := ts.Declarations()
	if ts.Imports() != "" {
		b.WriteString("\n" + ts.Imports())
	}
	for _, d := range declarations {
		b.WriteString("\n" + d)
	}
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = ts.Name(identifier(n.Binding))
		b.WriteString("\n/** " + string(n.Type) + " */\nexport interface " + names[i] + " {\n")
		for _, m := range n.Methods {
			b.WriteString("  /** " + m.comment() + " */\n  " + m.String() + ";\n")
		}
		if !n.Listed {
			b.WriteString("  [method: string]: (...args: unknown[]) => unknown;\n")
		}
		b.WriteString("}\n")
	}
	b.WriteString("\n/** The nodes by binding. */\nexport interface Bindings {\n")
	for i, n := range nodes {
		b.WriteString("  " + value.Property(n.Binding) + ": " + names[i] + ";\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// identifier makes a name for an interface of a binding.
func identifier(binding string) string {
	name := strings.Map(func(r rune) rune {
		if r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, binding)
	if name == "" || unicode.IsDigit([]rune(name)[0]) {
		name = "_" + name
	}
	return name
}
