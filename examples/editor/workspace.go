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
	Documents.Expose(&w.Mux, lmz.Anyone, w.documents)
	register.Expose(&w.Mux, onlyDocuments, w.register)
	return w
}

// onlyDocuments is a guard that lets documents call, and nobody else.
func onlyDocuments(ctx context.Context, _ *lmz.Request) error {
	if !isDocument(caller(ctx)) {
		return lmz.Errorf("only documents may call this")
	}
	return nil
}

func (w *Workspace) documents(ctx context.Context) ([]string, error) {
	keys, err := w.KV().List(ctx, documentPrefix)
	names := make([]string, 0, len(keys))
	for _, key := range keys {
		names = append(names, key[len(documentPrefix):])
	}
	return names, err
}

func (w *Workspace) register(ctx context.Context, name string) (struct{}, error) {
	return struct{}{}, w.KV().Put(ctx, documentPrefix+name, true)
}
