package editor

import (
	"context"

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

// CheckParts checks the spelling of parts of the calling document and sends the findings
// to the client at the origin of the chain, which wrote them. The parts have at most
// [MaxChecked] bytes together.
const CheckParts lmz.Method1[Parts, struct{}] = "checkParts"

// MaxChecked is how many bytes of text one call of the spell checker may have.
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

// MaxName is the longest name of a new document, in bytes. Existing documents may have
// longer ones.
const MaxName = 256

// ListDocuments takes after and limit, and returns documents of the workspace in the byte
// order of their names: those after the name after, or from the beginning if it is "". A
// limit of 0 or of more than 500 means 500. Long names make a page shorter.
const ListDocuments lmz.Method2[string, int, DocumentPage] = "list"

// DocumentPage is some of the documents of a workspace.
type DocumentPage struct {
	Names []string
	Next  string // the name after which the next page begins; "" if this is the last
}

// Documents returns the names of the first page of [ListDocuments], for clients that do
// not know pages.
const Documents lmz.Method0[[]string] = "documents"

// Methods of the workspace for documents.
const (
	register lmz.Method1[string, struct{}] = "register" // adds a document
	forget   lmz.Method1[string, struct{}] = "forget"   // takes one that was removed off the list
)

// checkName refuses a name that no new document may have.
func checkName(name string) error {
	if len(name) <= MaxName {
		return nil
	}
	return lmz.Errorf("a document's name has at most %d bytes, and this one has %d: choose a shorter name", MaxName, len(name))
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
