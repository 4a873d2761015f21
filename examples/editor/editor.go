package editor

import (
	"context"
	"strings"

	"github.com/lumenize/lmz"
)

// Bindings of the editor's nodes.
const (
	DocumentBinding   = "DOCUMENT_DO"
	WorkspaceBinding  = "WORKSPACE_DO"
	SpellCheckBinding = "SPELLCHECK_WORKER"
)

// WorkspaceName is the instance of the one workspace.
const WorkspaceName = "main"

// CheckParts has the spelling of parts of the calling document checked, and the findings
// sent to the client that the chain starts at, who wrote them. They have at most
// [MaxChecked] bytes together.
const CheckParts lmz.Method1[Parts, struct{}] = "checkParts"

// MaxChecked is how many bytes of text the spell checker takes at once.
const MaxChecked = 64 << 10

// Parts is parts of the text of a version of a document.
type Parts struct {
	Version int
	Parts   []Part
}

// Part is a part of a text, whole paragraphs.
type Part struct {
	From int
	Text string
}

// Documents lists the names of the documents in the workspace, sorted.
const Documents lmz.Method0[[]string] = "documents"

// register adds a document to the workspace.
const register lmz.Method1[string, struct{}] = "register"

// author names the user on whose behalf a call runs, for other people: the part of
// the address before the @.
func author(ctx context.Context) string {
	c, _ := lmz.CallContextFrom(ctx)
	if c.Auth == nil {
		return c.Origin().Binding
	}
	email, _ := c.Auth.Claims["email"].(string)
	if name, _, ok := strings.Cut(email, "@"); ok {
		return name
	}
	return "user " + c.Auth.Subject[:min(8, len(c.Auth.Subject))]
}

// isDocument reports whether a node is a document.
func isDocument(who lmz.Identity) bool {
	return who.Type == lmz.TypeObject && who.Binding == DocumentBinding
}

// caller returns the node that made the call which ctx is of.
func caller(ctx context.Context) lmz.Identity {
	c, _ := lmz.CallContextFrom(ctx)
	return c.Caller()
}
