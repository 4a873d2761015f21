package editor

import (
	"context"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// Record is what one opening of a document has typed and the document may not have.
type Record = text.Record

// Refusal is what a document refused for good.
type Refusal = text.Refusal

// OpenOptions configures [Desk.Open].
type OpenOptions struct {
	// Document is the name of the document. Required.
	Document string

	// Wake is called when Pull has something to return. It may be called from any
	// goroutine, must not wait, and must not call the open document.
	Wake func()

	// Journal keeps what the document may not have yet, so that it survives the death of
	// the process: it stores a record under its editor, in place of the one before, and
	// deletes it when the record has no edits. It is called on a goroutine of its own, one
	// call at a time, within half a second after something was typed. A record that could
	// not be stored is given again. Nil keeps nothing.
	Journal func(Record) error

	// Restore is what the journal has from earlier openings of the document. It is pushed
	// before what is typed now, and each edit is made once, even if it was made before.
	Restore []Record
}

// News is what happened since the last Pull.
type News struct {
	text.News
	Spelling bool // Findings returns something else
}

// OpenDocument is a document that is open at a client: the text on the screen, what is not
// saved, who else is here, and what is misspelled. It keeps the text up to date across lost
// connections, restarts and crashes, and works without a connection once the text is
// loaded. What it does, [text.Sync] decides; this is its goroutines, timers and calls.
//
// The text changes only within Edit, Undo, Redo and Pull, so that an editor always knows
// what is on its screen: call those, and Text, from one goroutine, that of the screen.
// After each Wake call Pull. Everything else may be called from any goroutine.
type OpenDocument struct {
	desk    *Desk
	caller  lmz.Caller
	options OpenOptions
	ctx     context.Context // of calls; ends with Close
	stop    context.CancelFunc
	work    sync.WaitGroup // calls under way, and writes to the journal

	mu       sync.Mutex // guards the following fields
	sync     *text.Sync
	timers   map[text.Timer]*time.Timer
	spelling spelling
	pulled   bool // Wake was not called since
}

// Open opens a document. The text is there when Pull returns News.Loaded, which needs a
// connection. A document can be open once at each desk. Close it.
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

// Close stores in the journal what is not saved, and unsubscribes if ctx allows it. If the
// journal could not be written, Close can be called again.
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
	d.caller.Send(ctx, d.address(), Unsubscribe.Ctn()) // if it fails the document learns it later
	return err
}

// halt ends what runs beside, and leaves the journal as it is.
func (d *OpenDocument) halt() {
	d.mu.Lock()
	d.stop() // within the lock: nothing is begun after it
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

// wake tells the screen that there is news, once until it pulls. d.mu is held.
func (d *OpenDocument) wake() {
	if d.pulled && d.options.Wake != nil {
		d.options.Wake()
	}
	d.pulled = false
}

// Ready reports whether the text is there.
func (d *OpenDocument) Ready() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync.Ready()
}

// Text returns the text on the screen, empty before it is there. Do not change it.
func (d *OpenDocument) Text() *text.Text {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.sync.Ready() {
		return new(text.Text)
	}
	return d.sync.Client().Text()
}

// Version returns the version up to which the text on the screen is the document's.
func (d *OpenDocument) Version() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.sync.Ready() {
		return 0
	}
	return d.sync.Client().Version()
}

// Saved reports whether the document has everything that was typed, now and in earlier
// openings.
func (d *OpenDocument) Saved() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync.Saved()
}

// Err returns why nothing goes forward at the moment, or nil. What failed is tried again.
func (d *OpenDocument) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.sync.Problem()
	return err
}

// JournalErr returns why what is not saved is not in the journal either, or nil. It is
// tried again.
func (d *OpenDocument) JournalErr() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync.JournalErr()
}

// Unsaved returns what the document may not have, of earlier openings and of this one.
func (d *OpenDocument) Unsaved() []Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync.Unsaved()
}

// People returns who else has the document open, with their cursors as on the screen.
func (d *OpenDocument) People() []Person {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync.People()
}

// Edit makes a change of the user. The error is that of [text.Sync.Edit].
func (d *OpenDocument) Edit(changes text.ChangeSet) (err error) {
	d.do(func(s *text.Sync) {
		if err = s.Edit(changes); err == nil {
			d.spelling.move(changes)
		}
	})
	return err
}

// Undo takes back the last step of this user and nothing of anybody else. It returns what
// changed on the screen, and false if there was nothing to undo.
func (d *OpenDocument) Undo() (text.ChangeSet, bool) { return d.step((*text.Sync).Undo) }

// Redo does again what the last Undo took back.
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
// to head, both as on the screen.
func (d *OpenDocument) SetCursor(anchor, head int) {
	d.do(func(s *text.Sync) { s.SetCursor(anchor, head) })
}

// Discard deletes from the journal what a document refused.
func (d *OpenDocument) Discard(r Refusal) { d.do(func(s *text.Sync) { s.Discard(r.Record.Editor) }) }

// Pull takes what has happened since the last Pull, and puts it into the text.
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
