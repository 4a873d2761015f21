package editor

import (
	"context"
	"sync"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// Desk is the handler of a client that has documents open: it passes messages from a
// document to its [OpenDocument]. Create one with [NewDesk], set it as
// [client.Options.Handler], and call SubscriptionRequired from OnSubscriptionRequired and
// Missed from OnMissed. Safe for concurrent use.
type Desk struct {
	lmz.Mux

	mu   sync.Mutex // guards the following field
	open map[string]*OpenDocument
}

// NewDesk returns a desk without documents.
func NewDesk() *Desk {
	d := &Desk{open: make(map[string]*OpenDocument)}
	HandleEdits.Expose(&d.Mux, FromDocument, d.handleEdits,
		lmz.Params("document", "edits"), lmz.Doc("Takes edits of a document, in order of version."))
	HandlePresence.Expose(&d.Mux, FromDocument, d.handlePresence,
		lmz.Params("document", "person"), lmz.Doc("Takes where somebody's cursor is."))
	HandleSpelling.Expose(&d.Mux, aboutOwnTyping, d.handleSpelling,
		lmz.Params("document", "spelling"), lmz.Doc("Takes what is misspelled in paragraphs that this client changed."))
	return d
}

// FromDocument is a guard for messages from documents to their subscribers: only a document
// may call, as the origin of the chain, so nobody else can call through one.
func FromDocument(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	if len(c.Chain) != 1 || !isDocument(c.Chain[0]) {
		return lmz.Errorf("only documents may call this, as the origin of the call")
	}
	return nil
}

// aboutOwnTyping is a guard that admits the spell checker's findings in what this client
// typed into a document: the chain starts here.
func aboutOwnTyping(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	checker := lmz.Identity{Type: lmz.TypeWorker, Address: lmz.Worker(SpellCheckBinding)}
	if len(c.Chain) != 3 || c.Origin().Address != c.Self.Address || !isDocument(c.Chain[1]) || c.Caller() != checker {
		return lmz.Errorf("only the spell checker may call this, about text that was typed here")
	}
	return nil
}

// SubscriptionRequired resubscribes to every open document: the documents do not know this
// client's session yet.
func (d *Desk) SubscriptionRequired(ctx context.Context) {
	d.mu.Lock()
	var all []*OpenDocument
	for _, doc := range d.open {
		all = append(all, doc)
	}
	d.mu.Unlock()
	var work sync.WaitGroup
	for _, doc := range all {
		work.Go(func() { doc.resubscribe(ctx) })
	}
	work.Wait()
}

// Missed resubscribes to a document and fetches what the client missed because it read too
// slowly. It fits [client.Options.OnMissed].
func (d *Desk) Missed(_ context.Context, from lmz.Address, _ int) {
	if from.Binding != DocumentBinding {
		return
	}
	if doc := d.document(from.Instance); doc != nil {
		doc.do((*text.Sync).Missed)
	}
}

func (d *Desk) document(name string) *OpenDocument {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[name]
}

// forget removes a closed document, but not a newer one of the same name.
func (d *Desk) forget(name string, doc *OpenDocument) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open[name] == doc {
		delete(d.open, name)
	}
}

// handleEdits identifies the document by the caller, not by the argument.
func (d *Desk) handleEdits(ctx context.Context, _ string, all []Made) (struct{}, error) {
	doc := d.document(caller(ctx).Instance)
	if doc == nil {
		return struct{}{}, nil
	}
	entries, err := readMade(all)
	if err == nil {
		doc.do(func(s *text.Sync) { s.Arrived(entries) })
	}
	return struct{}{}, err
}

func readMade(all []Made) ([]text.Entry, error) {
	entries := make([]text.Entry, len(all))
	for i, m := range all {
		edit, err := m.Edit()
		if err != nil {
			return nil, err
		}
		entries[i] = text.Entry{Edit: edit, Version: m.Version, By: m.By}
	}
	return entries, nil
}

func (d *Desk) handlePresence(ctx context.Context, _ string, p Person) (struct{}, error) {
	if doc := d.document(caller(ctx).Instance); doc != nil {
		doc.do(func(s *text.Sync) { s.Met(p) })
	}
	return struct{}{}, nil
}

func (d *Desk) handleSpelling(ctx context.Context, _ string, found Spelling) (struct{}, error) {
	c, _ := lmz.CallContextFrom(ctx)
	if doc := d.document(c.Chain[1].Instance); doc != nil {
		doc.hearSpelling(found)
	}
	return struct{}{}, nil
}
