//go:build !js

package editor

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Workspace is an object that lists the documents.
type Workspace struct {
	*object.Object
	lmz.Mux
}

const documentPrefix = "document:"

// NewWorkspace returns the handler of a workspace, for object.Kind.
func NewWorkspace(o *object.Object) lmz.Handler {
	w := &Workspace{Object: o}
	ListDocuments.Expose(&w.Mux, lmz.Anyone, w.list,
		lmz.Params("after", "limit"), lmz.Doc("Lists the documents, beginning where the last page ended."), lmz.ReadOnly)
	Documents.Expose(&w.Mux, lmz.Anyone, w.documents,
		lmz.Doc("The names of the first documents."), lmz.ReadOnly)
	register.Expose(&w.Mux, onlyItself, w.register,
		lmz.Params("name"), lmz.Doc("Adds a document to the list."), lmz.Idempotent)
	forget.Expose(&w.Mux, onlyItself, w.forget,
		lmz.Params("name"), lmz.Doc("Removes a document from the list."), lmz.Idempotent)
	return w
}

// onlyDocuments is a guard that admits only documents.
func onlyDocuments(ctx context.Context, _ *lmz.Request) error {
	if !isDocument(caller(ctx)) {
		return lmz.Errorf("only documents may call this")
	}
	return nil
}

// onlyItself is a guard that admits a document only with its own name as the argument.
func onlyItself(ctx context.Context, req *lmz.Request) error {
	var name string
	if err := req.Arg(0, &name); err != nil {
		return err
	}
	if who := caller(ctx); !isDocument(who) || who.Instance != name {
		return lmz.Errorf("only the document itself may call this")
	}
	return nil
}

// Limits of a page: names, and their bytes, which JSON may multiply by six.
const (
	pageNames = 500
	pageBytes = 64 << 10
)

func (w *Workspace) list(ctx context.Context, after string, limit int) (DocumentPage, error) {
	if limit <= 0 || limit > pageNames {
		limit = pageNames
	}
	page := DocumentPage{Names: []string{}}
	begin := documentPrefix + after
	// One more for the name after which the page begins, which may be gone, and one to know
	// whether there are more.
	found, err := w.KV().Entries(ctx, object.Range{Prefix: documentPrefix, Start: begin, Limit: limit + 2})
	size := 0
	for _, e := range found {
		if e.Key == begin {
			continue
		}
		name := e.Key[len(documentPrefix):]
		if size += len(name); len(page.Names) == limit || size > pageBytes {
			page.Next = page.Names[len(page.Names)-1]
			break
		}
		page.Names = append(page.Names, name)
	}
	return page, err
}

func (w *Workspace) documents(ctx context.Context) ([]string, error) {
	page, err := w.list(ctx, "", 0)
	return page.Names, err
}

func (w *Workspace) register(ctx context.Context, name string) (struct{}, error) {
	return struct{}{}, w.KV().Put(ctx, documentPrefix+name, true)
}

func (w *Workspace) forget(ctx context.Context, name string) (struct{}, error) {
	return struct{}{}, w.KV().Delete(ctx, documentPrefix+name)
}
