package editor

import (
	"context"
	"sync"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// Desk is the handler of a client that has documents open: what a document sends goes to
// its [Session]. Make one with [NewDesk], have it in [client.Options.Handler], and call
// SubscriptionRequired from OnSubscriptionRequired and Missed from OnMissed. Its methods may be called from any
// goroutine.
type Desk struct {
	lmz.Mux

	mu   sync.Mutex // guards the following field
	open map[string]*Session
}

// NewDesk returns a desk without documents.
func NewDesk() *Desk {
	d := &Desk{open: make(map[string]*Session)}
	HandleEdits.Expose(&d.Mux, FromDocument, d.handleEdits,
		lmz.Params("document", "edits"), lmz.Doc("Takes edits of a document, in order of version."))
	HandlePresence.Expose(&d.Mux, FromDocument, d.handlePresence,
		lmz.Params("document", "person"), lmz.Doc("Takes where somebody's cursor is."))
	HandleSpelling.Expose(&d.Mux, aboutOwnTyping, d.handleSpelling,
		lmz.Params("document", "spelling"), lmz.Doc("Takes what is misspelled in paragraphs that this client changed."))
	return d
}

// FromDocument is a guard for what documents tell their subscribers: only a document may
// call, at the origin of the chain, so nobody can speak through one.
func FromDocument(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	if len(c.Chain) != 1 || !isDocument(c.Chain[0]) {
		return lmz.Errorf("only documents may call this, on their own")
	}
	return nil
}

// aboutOwnTyping is a guard that lets the spell checker answer what this client typed into
// a document: the chain starts here.
func aboutOwnTyping(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	checker := lmz.Identity{Type: lmz.TypeWorker, Address: lmz.Worker(SpellCheckBinding)}
	if len(c.Chain) != 3 || c.Origin().Address != c.Self.Address || !isDocument(c.Chain[1]) || c.Caller() != checker {
		return lmz.Errorf("only the spell checker may call this, about text that was typed here")
	}
	return nil
}

// SubscriptionRequired has every session subscribe: the documents do not know this
// client's session yet.
func (d *Desk) SubscriptionRequired(ctx context.Context) {
	d.mu.Lock()
	var all []*Session
	for _, s := range d.open {
		all = append(all, s)
	}
	d.mu.Unlock()
	var work sync.WaitGroup
	for _, s := range all {
		work.Go(func() { s.subscribe(ctx) })
	}
	work.Wait()
}

// Missed makes the session of a document subscribe again and fetch what it missed because
// the client read too slowly. It fits [client.Options.OnMissed].
func (d *Desk) Missed(_ context.Context, from lmz.Address, _ int) {
	if from.Binding != DocumentBinding {
		return
	}
	if s := d.session(from.Instance); s != nil {
		s.missed()
	}
}

func (d *Desk) session(document string) *Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[document]
}

func (d *Desk) forget(document string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, document)
}

// handleEdits goes by who calls, not by what it says.
func (d *Desk) handleEdits(ctx context.Context, _ string, all []Made) (struct{}, error) {
	s := d.session(caller(ctx).Instance)
	if s == nil {
		return struct{}{}, nil
	}
	entries, err := readMade(all)
	if err == nil {
		s.arrive(entries)
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
	if s := d.session(caller(ctx).Instance); s != nil {
		s.meet(p)
	}
	return struct{}{}, nil
}

func (d *Desk) handleSpelling(ctx context.Context, _ string, found Spelling) (struct{}, error) {
	c, _ := lmz.CallContextFrom(ctx)
	if s := d.session(c.Chain[1].Instance); s != nil {
		s.hearSpelling(found)
	}
	return struct{}{}, nil
}
