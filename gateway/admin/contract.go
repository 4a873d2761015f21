package admin

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/value"
)

// Contract is what the nodes of a mesh expose, sorted by binding.
type Contract struct {
	Nodes      []NodeContract
	TypeScript string // declarations for all nodes
}

// NodeContract is what the nodes of one binding expose.
type NodeContract struct {
	Binding    string
	Type       lmz.NodeType
	BeforeCall string           // the guard of all methods, or ""
	Listed     bool             // false if the handler does not list its methods
	Methods    []MethodContract // sorted by name
}

// MethodContract is one exposed method. Its types are in TypeScript notation, which has a
// name for every value that travels.
type MethodContract struct {
	Name   string
	Typed  bool // false if its types are unknown
	Params []string
	Result string
	Guard  string

	// Names are the names of the parameters. If empty, they are called arg1, arg2 and so on.
	Names       []string `lmz:",omitempty"`
	Doc         string   `lmz:",omitempty"` // one line, or ""
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

// parameters formats a parameter list.
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

// reserved are the words that are reserved in TypeScript but not in Go.
var reserved = map[string]bool{
	"await": true, "catch": true, "class": true, "debugger": true, "delete": true, "do": true, "enum": true, "export": true,
	"extends": true, "false": true, "finally": true, "function": true, "implements": true, "in": true, "instanceof": true,
	"let": true, "new": true, "null": true, "private": true, "protected": true, "public": true, "static": true, "super": true,
	"this": true, "throw": true, "true": true, "try": true, "typeof": true, "void": true, "while": true, "with": true, "yield": true,
	"arguments": true, "eval": true,
}

// Marks returns the words for the method's effect on the node: read-only, destructive,
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
