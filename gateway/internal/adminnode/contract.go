package adminnode

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/internal/value"
)

// comment returns the comment above the declaration of a method.
func comment(m admin.MethodContract) string {
	said := append(m.Marks(), "guard: "+m.Guard)
	if m.Doc == "" {
		return strings.Join(said, ", ")
	}
	doc := strings.Join(strings.Fields(m.Doc), " ")
	return strings.ReplaceAll(doc, "*/", "* /") + " (" + strings.Join(said, ", ") + ")"
}

// contract collects the tables of all nodes that exist for the calling client.
func (n *Node) contract(ctx context.Context) (admin.Contract, error) {
	called, _ := lmz.CallContextFrom(ctx)
	hidden := func(binding string) bool {
		return !n.gateway.Shows(called.Caller().Address, binding)
	}
	var ts value.TypeScript
	var c admin.Contract
	for _, binding := range slices.Sorted(maps.Keys(n.gateway.Workers())) {
		if hidden(binding) {
			continue
		}
		c.Nodes = append(c.Nodes, nodeContract(&ts, binding, lmz.TypeWorker, n.gateway.Workers()[binding].Table()))
	}
	objects := n.objects.Contract()
	for _, binding := range slices.Sorted(maps.Keys(objects)) {
		if hidden(binding) {
			continue
		}
		c.Nodes = append(c.Nodes, nodeContract(&ts, binding, lmz.TypeObject, objects[binding]))
	}
	slices.SortFunc(c.Nodes, func(a, b admin.NodeContract) int { return cmp.Compare(a.Binding, b.Binding) })
	c.TypeScript = declare(&ts, c.Nodes)
	return c, nil
}

func nodeContract(ts *value.TypeScript, binding string, t lmz.NodeType, table lmz.Table) admin.NodeContract {
	n := admin.NodeContract{Binding: binding, Type: t}
	if table == nil {
		return n
	}
	n.Listed, n.BeforeCall = true, table.BeforeCall()
	for _, info := range table.Methods() {
		m := admin.MethodContract{Name: info.Name, Typed: info.Typed, Guard: info.Guard, Result: "unknown",
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

// declare returns the declarations: the structs, and an interface for each binding.
func declare(ts *value.TypeScript, nodes []admin.NodeContract) string {
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
			b.WriteString("  /** " + comment(m) + " */\n  " + m.String() + ";\n")
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

// identifier returns a name for the interface of a binding.
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
