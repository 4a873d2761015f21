package main

import (
	"context"
	"slices"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// DocumentBinding is the binding of documents. A document's instance name is its id.
const DocumentBinding = "DOCUMENT_DO"

// Methods of a document.
const (
	Subscribe lmz.Method0[string]           = "subscribe" // returns the content
	Update    lmz.Method1[string, struct{}] = "update"    // replaces the content and notifies every subscriber
)

// HandleContentUpdate is the method that a document calls on subscribed clients, with its id and
// its content.
const HandleContentUpdate lmz.Method2[string, string, struct{}] = "handleContentUpdate"

// Document is a text that several people edit. Its state is in its storage, never in a variable:
// the object is closed when nobody needs it, and recreated on demand.
type Document struct {
	*object.Object
	lmz.Mux
}

// NewDocument returns a document, for object.Kind.
func NewDocument(o *object.Object) lmz.Handler {
	d := &Document{Object: o}
	Subscribe.Expose(&d.Mux, lmz.Anyone, d.subscribe,
		lmz.Doc("Returns the content, and tells the caller of each update from then on."), lmz.Idempotent)
	Update.Expose(&d.Mux, d.requireSubscriber, d.update,
		lmz.Params("content"), lmz.Doc("Replaces the content and tells every subscriber."), lmz.Destructive, lmz.Idempotent)
	return d
}

func (d *Document) subscribe(ctx context.Context) (content string, err error) {
	subscribers, err := d.subscribers(ctx)
	if err != nil {
		return "", err
	}
	if client := clientOf(ctx); !slices.Contains(subscribers, client) {
		if err := d.KV().Put(ctx, "subscribers", append(subscribers, client)); err != nil {
			return "", err
		}
	}
	_, err = d.KV().Get(ctx, "content", &content)
	return content, err
}

// requireSubscriber is the guard of update.
func (d *Document) requireSubscriber(ctx context.Context, _ *lmz.Request) error {
	subscribers, err := d.subscribers(ctx)
	if err == nil && !slices.Contains(subscribers, clientOf(ctx)) {
		err = lmz.Errorf("Must be subscribed to edit")
	}
	return err
}

func (d *Document) update(ctx context.Context, content string) (none struct{}, err error) {
	subscribers, err := d.subscribers(ctx)
	if err != nil {
		return none, err
	}
	if err := d.KV().Put(ctx, "content", content); err != nil {
		return none, err
	}
	// A new chain: the document acts for itself, not for the client that edits.
	id, targets := d.Identity().Instance, make([]lmz.Address, len(subscribers))
	for i, client := range subscribers {
		targets[i] = lmz.At(lmz.DefaultGateway, client)
	}
	if err := d.Broadcast(lmz.NewChain(ctx), targets, HandleContentUpdate.Ctn(id, content)); err != nil {
		return none, err
	}
	// The worker reports its findings to the client itself: nobody waits for them here.
	return none, d.Send(ctx, lmz.Worker(SpellcheckBinding), Check.Ctn(content, clientOf(ctx), id))
}

// subscribers returns the instance names of the clients that have subscribed.
func (d *Document) subscribers(ctx context.Context) (names []string, err error) {
	_, err = d.KV().Get(ctx, "subscribers", &names)
	return names, err
}

// clientOf returns the instance name of the client that started the call chain. The
// gateway vouches for it.
func clientOf(ctx context.Context) string {
	c, _ := lmz.CallContextFrom(ctx)
	return c.Origin().Instance
}
