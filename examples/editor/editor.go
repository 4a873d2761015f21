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

// CheckParts checks the spelling of parts of the calling document and sends the findings to
// their author, the client at the origin of the chain. Together the parts have at most
// [MaxChecked] bytes.
const CheckParts lmz.Method1[Parts, struct{}] = "checkParts"

// MaxChecked is the most bytes of text in one call of the spell checker.
const MaxChecked = 64 << 10

// Parts are parts of the text of a version of a document.
type Parts struct {
	Version int
	Parts   []Part
}

// Part is a part of a text that consists of whole paragraphs.
type Part struct {
	From int
	Text string
}

// MaxName is the longest name of a new document, in bytes. Existing documents may have
// longer ones.
const MaxName = 256

// ListDocuments takes after and limit, and returns names of documents in byte order: those
// greater than after, or from the beginning if that is "". A limit of 0 or above 500 means
// 500. Long names make a page shorter.
const ListDocuments lmz.Method2[string, int, DocumentPage] = "list"

// DocumentPage is one page of a workspace's documents.
type DocumentPage struct {
	Names []string
	Next  string // the after of the next page; "" if this is the last one
}

// Documents returns the first page of [ListDocuments], for clients that do not support
// pages.
const Documents lmz.Method0[[]string] = "documents"

// Methods of the workspace for documents.
const (
	register lmz.Method1[string, struct{}] = "register" // adds a document
	forget   lmz.Method1[string, struct{}] = "forget"   // removes a document from the list
)

// checkName refuses a name that is too long for a new document.
func checkName(name string) error {
	if len(name) <= MaxName {
		return nil
	}
	return lmz.Errorf("the name of a document has at most %d bytes, and this one has %d: choose a shorter name", MaxName, len(name))
}

// isDocument reports whether a node is a document.
func isDocument(who lmz.Identity) bool {
	return who.Type == lmz.TypeObject && who.Binding == DocumentBinding
}

// caller returns the calling node.
func caller(ctx context.Context) lmz.Identity {
	c, _ := lmz.CallContextFrom(ctx)
	return c.Caller()
}
