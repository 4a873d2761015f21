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

// NewWorkspace makes the handler of a workspace, for object.Kind.
func NewWorkspace(o *object.Object) lmz.Handler {
	w := &Workspace{Object: o}
	ListDocuments.Expose(&w.Mux, lmz.Anyone, w.list,
		lmz.Params("after", "limit"), lmz.Doc("Lists the documents, from where the page before ended."), lmz.ReadOnly)
	Documents.Expose(&w.Mux, lmz.Anyone, w.documents,
		lmz.Doc("The names of the first documents."), lmz.ReadOnly)
	register.Expose(&w.Mux, onlyItself, w.register,
		lmz.Params("name"), lmz.Doc("Adds a document to the list."), lmz.Idempotent)
	forget.Expose(&w.Mux, onlyItself, w.forget,
		lmz.Params("name"), lmz.Doc("Takes a removed document off the list."), lmz.Idempotent)
	return w
}

// onlyDocuments is a guard that lets documents call, and nobody else.
func onlyDocuments(ctx context.Context, _ *lmz.Request) error {
	if !isDocument(caller(ctx)) {
		return lmz.Errorf("only documents may call this")
	}
	return nil
}

// onlyItself is a guard that lets a document call with its own name.
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

// Limits of a page: of names, and of their bytes, which JSON may make six times as many.
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
	// One more for the name to begin after, which may be gone, and one that says that there are more.
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
