package lmz

import (
	"strconv"
	"unicode"
)

// ExposeOption describes an exposed method for tools, which show it to people and assistants:
// [Params], [Doc], [ReadOnly], [Destructive], [Idempotent]. Nothing is enforced.
type ExposeOption func(*exposed)

// Params names the parameters of a method, in order. The names are distinct identifiers. A typed
// method needs as many names as it has parameters. Without names tools show arg1, arg2 and so on.
func Params(names ...string) ExposeOption {
	return func(m *exposed) { m.about.names = names }
}

// Doc describes in one line what a method does.
func Doc(text string) ExposeOption { return func(m *exposed) { m.about.doc = text } }

// ReadOnly marks a method that changes nothing.
func ReadOnly(m *exposed) { m.about.readOnly = true }

// Destructive marks a method that may delete or overwrite data that cannot be restored.
func Destructive(m *exposed) { m.about.destructive = true }

// Idempotent marks a method that can be called again with the same arguments without a further
// effect.
func Idempotent(m *exposed) { m.about.idempotent = true }

// about holds what the options of a method say.
type about struct {
	names                             []string
	doc                               string
	readOnly, destructive, idempotent bool
}

// describe applies the options to a method.
func (m *exposed) describe(name string, options []ExposeOption) {
	if len(options) == 0 {
		return
	}
	m.about = new(about)
	for _, option := range options {
		option(m)
	}
	seen := make(map[string]bool)
	for _, p := range m.about.names {
		if !isIdentifier(p) || seen[p] {
			panic("lmz: Expose " + name + ": Params: " + strconv.Quote(p) + " is not an identifier, or occurs twice")
		}
		seen[p] = true
	}
	if t, ok := m.handler.(typed); ok && m.about.names != nil && len(m.about.names) != len(t.params) {
		panic("lmz: Expose " + name + ": Params has " + strconv.Itoa(len(m.about.names)) + " names for " + strconv.Itoa(len(t.params)) + " parameters")
	}
}

// isIdentifier reports whether a name can be that of a parameter in Go and JavaScript.
func isIdentifier(name string) bool {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}
