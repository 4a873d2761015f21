package editor

import (
	"context"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// Record holds the edits of one opening that the document may lack.
type Record = text.Record

// Refusal is a record that a document refused for good.
type Refusal = text.Refusal

// OpenOptions configures [Desk.Open].
type OpenOptions struct {
	// Document is the name of the document. Required.
	Document string

	// Wake is called when Pull has something to return. It may be called from any
	// goroutine, must not block, and must not call the open document.
	Wake func()

	// Journal keeps what the document may lack, so that it survives a crash of the
	// process: it stores a record under its editor, replacing the previous one, and
	// deletes it when the record has no edits. Calls come from another goroutine, one at a
	// time, within half a second of an edit. A record that could not be stored is passed
	// again. Nil keeps nothing.
	Journal func(Record) error

	// Restore holds the journal's records from earlier openings of the document. They are
	// pushed before new edits, and edits that the document already has are not applied
	// twice.
	Restore []Record
}

// News reports what has changed since the last Pull.
type News struct {
	text.News
	Spelling bool // Findings has changed
}

// OpenDocument is a document that a client has open: the text on the screen, unsaved edits,
// other people, and misspelled words. It keeps the text up to date across lost connections,
// restarts and crashes, and works without a connection once the text is loaded. [text.Sync]
// decides what it does; OpenDocument adds the goroutines, timers and calls.
//
// The text changes only within Edit, Undo, Redo and Pull, so an editor always knows what is
// on its screen: call those, and Text, from one goroutine, the screen's. After each Wake
// call Pull. Everything else is safe for concurrent use.
type OpenDocument struct {
	desk    *Desk
	caller  lmz.Caller
	options OpenOptions
	ctx     context.Context // of calls; ends with Close
	stop    context.CancelFunc
	work    sync.WaitGroup // calls and journal writes under way

	mu       sync.Mutex // guards the following fields
	sync     *text.Sync
	timers   map[text.Timer]*time.Timer
	spelling spelling
	pulled   bool // Wake was not called since
}

// Open opens a document. The text is available once Pull returns News.Loaded, which needs a
// connection. A document can be open once at each desk. Close it after use.
func (d *Desk) Open(via lmz.Caller, o OpenOptions) (*OpenDocument, error) {
	ctx, cancel := context.WithCancel(context.Background())
	doc := &OpenDocument{
		desk: d, caller: via, options: o, ctx: ctx, stop: cancel,
		sync: text.NewSync(), timers: make(map[text.Timer]*time.Timer), pulled: true,
	}
	d.mu.Lock()
	_, taken := d.open[o.Document]
	if !taken {
		d.open[o.Document] = doc
	}
	d.mu.Unlock()
	if taken {
		cancel()
		return nil, lmz.Errorf("document %q is open already", o.Document)
	}
	doc.do(func(s *text.Sync) {
		for _, r := range o.Restore {
			s.Restore(r)
		}
		s.Start()
	})
	return doc, nil
}

// Close writes unsaved edits to the journal, and unsubscribes unless ctx has ended. If
// writing the journal fails, Close can be called again.
func (d *OpenDocument) Close(ctx context.Context) error {
	d.halt()
	d.mu.Lock()
	d.sync.Close()
	effects := d.sync.Effects()
	d.mu.Unlock()
	var err error
	for _, e := range effects {
		if e, ok := e.(text.Store); ok {
			err = d.store(e.Records)
		}
	}
	if ctx.Err() != nil {
		return err
	}
	d.caller.Send(ctx, d.address(), Unsubscribe.Ctn()) // if it fails, the document notices later
	return err
}

// halt stops goroutines and timers, without writing the journal.
func (d *OpenDocument) halt() {
	d.mu.Lock()
	d.stop() // within the lock: nothing starts after it
	d.mu.Unlock()
	d.work.Wait()
	d.mu.Lock()
	for _, timer := range d.timers {
		timer.Stop()
	}
	d.mu.Unlock()
	d.desk.forget(d.options.Document, d)
}

func (d *OpenDocument) address() lmz.Address { return lmz.At(DocumentBinding, d.options.Document) }

// wake tells the screen that there is news, once before each Pull. d.mu is held.
func (d *OpenDocument) wake() {
	if d.pulled && d.options.Wake != nil {
		d.options.Wake()
	}
	d.pulled = false
}

// Ready reports whether the text is loaded.
func (d *OpenDocument) Ready() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync.Ready()
}

// Text returns the text on the screen, empty before it is loaded. Do not change it.
func (d *OpenDocument) Text() *text.Text {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.sync.Ready() {
		return new(text.Text)
	}
	return d.sync.Client().Text()
}

// Version returns the version up to which the screen has the document's edits.
func (d *OpenDocument) Version() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.sync.Ready() {
		return 0
	}
	return d.sync.Client().Version()
}

// Saved reports whether the document has everything typed in this and earlier openings.
func (d *OpenDocument) Saved() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync.Saved()
}

// Err returns why the document currently makes no progress, or nil. Failed calls are
// retried.
func (d *OpenDocument) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.sync.Problem()
	return err
}

// JournalErr returns why the journal could not be written, or nil. Writing is retried.
func (d *OpenDocument) JournalErr() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync.JournalErr()
}

// Unsaved returns what the document may lack, from earlier openings and from this one.
func (d *OpenDocument) Unsaved() []Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync.Unsaved()
}

// People returns everyone else who has the document open, with cursor positions on the
// screen.
func (d *OpenDocument) People() []Person {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync.People()
}

// Edit applies a change of the user. The error is that of [text.Sync.Edit].
func (d *OpenDocument) Edit(changes text.ChangeSet) (err error) {
	d.do(func(s *text.Sync) {
		if err = s.Edit(changes); err == nil {
			d.spelling.move(changes)
		}
	})
	return err
}

// Undo reverts this user's last step, but nothing that others did. It returns what changed
// on the screen, and false if there was nothing to undo.
func (d *OpenDocument) Undo() (text.ChangeSet, bool) { return d.step((*text.Sync).Undo) }

// Redo repeats the step that the last Undo reverted.
func (d *OpenDocument) Redo() (text.ChangeSet, bool) { return d.step((*text.Sync).Redo) }

func (d *OpenDocument) step(take func(*text.Sync) (text.ChangeSet, bool)) (changes text.ChangeSet, ok bool) {
	d.do(func(s *text.Sync) {
		if changes, ok = take(s); ok {
			d.spelling.move(changes)
		}
	})
	return changes, ok
}

// Boundary ends a step of undo: call it after a pause in typing.
func (d *OpenDocument) Boundary() { d.do((*text.Sync).Boundary) }

// SetCursor tells the others where this user's cursor is: the selection goes from anchor
// to head, both on the screen.
func (d *OpenDocument) SetCursor(anchor, head int) {
	d.do(func(s *text.Sync) { s.SetCursor(anchor, head) })
}

// Discard deletes a refused record from the journal.
func (d *OpenDocument) Discard(r Refusal) { d.do(func(s *text.Sync) { s.Discard(r.Record.Editor) }) }

// Pull applies everything that arrived since the last Pull to the text.
func (d *OpenDocument) Pull() (news News) {
	d.do(func(s *text.Sync) {
		d.pulled = true
		news.News = s.Pull()
		if news.Loaded {
			d.spelling = spelling{news: true}
		}
		for _, c := range news.Changes {
			d.spelling.move(c)
		}
		d.spelling.hear(s, nil)
		news.Spelling = d.spelling.news
		d.spelling.news = false
	})
	return news
}
