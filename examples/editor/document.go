//go:build !js

package editor

import (
	"context"
	"slices"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

// Document is an object that keeps one text, orders everybody's edits, and sends them to its
// subscribers.
type Document struct {
	*object.Object
	lmz.Mux

	// Used only within turns, starting with OnStart.
	archive    archive
	people     people
	names      names
	past       []pastText // texts being read
	registered bool       // the workspace knows the document
	broken     bool       // memory differs from what is stored
}

// NewDocument returns the handler of a document, for object.Kind.
func NewDocument(o *object.Object) lmz.Handler {
	d := &Document{Object: o, archive: archive{kv: o.KV()}}
	d.OnBeforeCall(d.hasName)
	Subscribe.Expose(&d.Mux, onlyClients, d.subscribe,
		lmz.Doc("Opens the document: returns its state and subscribes to edits and presence."), lmz.Idempotent)
	Unsubscribe.Expose(&d.Mux, onlyClients, d.unsubscribe,
		lmz.Doc("Ends a subscription and its presence."), lmz.Idempotent)
	Peek.Expose(&d.Mux, lmz.Anyone, d.peek,
		lmz.Doc("Returns the state of the document without opening it."), lmz.ReadOnly)
	Read.Expose(&d.Mux, lmz.Anyone, d.read,
		lmz.Params("version", "position"), lmz.Doc("Returns a part of the text of a version."), lmz.ReadOnly)
	Changes.Expose(&d.Mux, lmz.Anyone, d.changes,
		lmz.Params("since"), lmz.Doc("Returns the edits made since a version."), lmz.ReadOnly)
	History.Expose(&d.Mux, lmz.Anyone, d.history,
		lmz.Params("before"), lmz.Doc("Lists revisions that end before a version, newest first; 0: the newest."), lmz.ReadOnly)
	Push.Expose(&d.Mux, d.requireSubscriber, d.push,
		lmz.Params("version", "edits"), lmz.Doc("Makes edits that are based on a version, each once."), lmz.Idempotent)
	Update.Expose(&d.Mux, d.requireSubscriber, d.update,
		lmz.Params("text"), lmz.Doc("Replaces the whole text and returns its version."), lmz.Idempotent)
	Restore.Expose(&d.Mux, d.requireSubscriber, d.restore,
		lmz.Params("version"), lmz.Doc("Makes the text of an earlier version the current one."))
	Present.Expose(&d.Mux, d.requireSubscriber, d.present,
		lmz.Params("cursor"), lmz.Doc("Tells others where the caller's cursor is."), lmz.Idempotent)
	sessionEnded.Expose(&d.Mux, lmz.NoOne, d.sessionEnded,
		lmz.Params("instance", "number"), lmz.Doc("Ends the subscription of a client whose session ended."))
	deliveryFailed.Expose(&d.Mux, lmz.NoOne, d.deliveryFailed,
		lmz.Params("instance", "number", "failure"), lmz.Doc("Notes that a message to a client could not be delivered."))
	upkeep.Expose(&d.Mux, onItsOwn, d.upkeep,
		lmz.Doc("Takes snapshots and drops old edits; called by an alarm."))
	return d
}

// OnStart implements [object.Starter].
func (d *Document) OnStart(ctx context.Context) error {
	if _, err := d.KV().Get(ctx, headKey, &d.archive.head); err != nil {
		return err
	}
	if err := d.loadNames(ctx); err != nil {
		return err
	}
	return d.loadPeople(ctx)
}

// OnRemoved implements [object.Remover]: the workspace stops listing the document.
func (d *Document) OnRemoved(ctx context.Context) error {
	_, err := forget.Call(ctx, d, lmz.At(WorkspaceBinding, WorkspaceName), d.Identity().Instance)
	return err
}

// HandleCall implements [lmz.Handler]. It reloads the document if memory differs from
// storage: after an edit that failed halfway, and after a turn that was rolled back because
// something else in its chain failed.
func (d *Document) HandleCall(ctx context.Context, req *lmz.Request) (any, error) {
	if err := spend(ctx, max(1, stepsOf[req.Method])); err != nil {
		return nil, err
	}
	var stored head
	if _, err := d.KV().Get(ctx, headKey, &stored); err != nil {
		return nil, err
	}
	if d.broken || stored != d.archive.head {
		d.archive, d.past, d.registered = archive{kv: d.KV()}, nil, false
		if err := d.OnStart(ctx); err != nil {
			return nil, err
		}
		d.broken = false
	}
	return d.Mux.HandleCall(ctx, req)
}

// maxSteps limits the work of one call in steps: a method is one step, an expensive one
// farStep. A chain may have hundreds of methods, which would block the document. Editors
// call one method at a time, people a few.
const (
	maxSteps = 20
	farStep  = 4
)

// steps counts the steps of a call.
var steps = lmz.NewPerCall(func(context.Context) (*int, error) { return new(int), nil })

// spend counts steps, and fails if a call takes too many.
func spend(ctx context.Context, n int) error {
	done, err := steps.Get(ctx)
	if err != nil {
		return err
	}
	if *done += n; *done > maxSteps {
		return lmz.Errorf("one call does too much in a document: split it into several calls")
	}
	return nil
}

// stepsOf holds the number of steps of expensive methods.
var stepsOf = map[string]int{string(Push): farStep, string(Update): farStep, string(Restore): 2 * farStep, string(History): farStep}

// hasName is the guard of all methods: it refuses to create a document with an invalid name.
func (d *Document) hasName(context.Context, *lmz.Request) error {
	if d.version() > 0 {
		return nil
	}
	return checkName(d.Identity().Instance)
}

// load reads the text if it is not in memory. Methods that do not need it save the memory.
func (d *Document) load(ctx context.Context) error {
	if d.archive.authority != nil {
		return nil
	}
	if err := d.archive.load(ctx); err != nil {
		return err
	}
	for instance, p := range d.people {
		p.Anchor, p.Head = min(p.Anchor, d.text().Len()), min(p.Head, d.text().Len())
		d.people[instance] = p
	}
	return nil
}

// text returns the current text. It must be loaded.
func (d *Document) text() *text.Text { return d.archive.authority.Text() }

func (d *Document) version() int { return d.archive.head.Version }

// pastText is the text of a version.
type pastText struct {
	version int
	text    *text.Text
}

// maxPast is the number of texts kept for readers.
const maxPast = 2

func (d *Document) read(ctx context.Context, version, from int) (string, error) {
	if version < 0 || version > d.version() {
		return "", noVersion(version)
	}
	if version == d.version() && d.archive.authority != nil {
		return d.text().Slice(from, from+PartLength), nil
	}
	for _, p := range d.past {
		if p.version == version {
			return p.text.Slice(from, from+PartLength), nil
		}
	}
	if err := spend(ctx, farStep); err != nil {
		return "", err
	}
	return d.archive.slice(ctx, version, from, from+PartLength)
}

func noVersion(version int) error { return lmz.Errorf("the document has no version %d", version) }

// remember keeps a text that is about to be read.
func (d *Document) remember(version int, t *text.Text) {
	for _, p := range d.past {
		if p.version == version {
			return
		}
	}
	if len(d.past) == maxPast {
		d.past = d.past[1:]
	}
	d.past = append(d.past, pastText{version, t})
}

// Limits of one answer to changes.
const (
	maxMissing      = 1000
	maxMissingBytes = 256 << 10
)

func (d *Document) changes(ctx context.Context, since int) (Missing, error) {
	m := Missing{Made: []Made{}, Version: d.version()}
	if since > m.Version || since < 0 {
		return m, tooOld() // the document was restored from a backup
	}
	size := 0
	for e, err := range d.archive.edits(ctx, since+1, m.Version, false) {
		if err != nil {
			return m, err
		}
		if len(m.Made) == 0 && time.Since(e.At) > text.Retention {
			return m, tooOld()
		}
		size += sizeOf(e) - rowBytes
		m.Made = append(m.Made, d.made(e))
		if len(m.Made) == maxMissing || size >= maxMissingBytes {
			break
		}
	}
	return m, nil
}

func (d *Document) made(e text.Entry) Made { return Made{e.Update(), e.Version, d.names.shown(e.By)} }

// maxPush bounds the work of one push.
const maxPush = 1000

func (d *Document) push(ctx context.Context, base int, updates []text.Update) (Pushed, error) {
	if len(updates) > maxPush {
		return Pushed{}, refused(lmz.Errorf("a push has at most %d edits", maxPush))
	}
	edits, err := text.Edits(updates)
	if err != nil {
		return Pushed{}, refused(err)
	}
	if len(edits) > 0 {
		if _, err := d.checkEditor(ctx, edits[0].Editor); err != nil {
			return Pushed{}, err
		}
	}
	if err := d.load(ctx); err != nil {
		return Pushed{}, err
	}
	pushed, err := d.make(ctx, base, edits, subject(ctx), nil)
	if err != nil {
		return Pushed{}, err
	}
	return d.mendBreaks(ctx, edits, pushed)
}

// mendBreaks replaces other line breaks that edits inserted by "\n", in a following edit. So
// each edit is applied exactly as its editor knows it, and no "\r" stays.
func (d *Document) mendBreaks(ctx context.Context, edits []text.Edit, pushed Pushed) (Pushed, error) {
	if !slices.ContainsFunc(edits, func(e text.Edit) bool { return e.Changes.HasCR() }) {
		return pushed, nil
	}
	changes := text.BreakChanges(d.text().String())
	if changes.Empty() {
		return pushed, nil // these edits were applied before
	}
	mended, err := d.make(ctx, d.version(), d.own(restorer, changes), "", nil)
	pushed.Version = mended.Version
	return pushed, err
}

// make applies edits and tells the subscribers. owner is the editor's subject. of is the
// version that the edits restore; nil if they restore none.
func (d *Document) make(ctx context.Context, base int, edits []text.Edit, owner string, of *restored) (Pushed, error) {
	now := time.Now()
	pushed, err := d.archive.authority.Push(pastOf{ctx, &d.archive}, base, edits, now)
	if err != nil {
		return Pushed{}, refused(err)
	}
	if len(pushed.New) > 0 {
		d.broken = true // until everything is done, because an error rolls the storage back
		by, err := d.meetAuthor(ctx)
		if err != nil {
			return Pushed{}, err
		}
		if err := d.archive.store(ctx, pushed, by, owner, of); err != nil {
			return Pushed{}, err
		}
		d.movePeople(pushed.New)
		if err := d.tell(ctx, pushed.New); err != nil {
			return Pushed{}, err
		}
		if of == nil { // a restored text was checked when it was typed
			if err := d.checkSpelling(ctx, pushed.New); err != nil {
				return Pushed{}, err
			}
		}
		if err := d.tend(ctx, now); err != nil {
			return Pushed{}, err
		}
	}
	d.broken = false
	return Pushed{Versions: append([]int{}, pushed.Versions...), Version: d.version()}, nil
}

// tell sends the edits to the subscribers, and registers the document with the workspace.
func (d *Document) tell(ctx context.Context, entries []text.Entry) error {
	if err := d.broadcastEdits(ctx, entries); err != nil {
		return err
	}
	if d.registered {
		return nil
	}
	d.registered = true
	return d.Send(lmz.NewChain(ctx), lmz.At(WorkspaceBinding, WorkspaceName), register.Ctn(d.Identity().Instance))
}

// update replaces the parts of the text that differ.
func (d *Document) update(ctx context.Context, content string) (int, error) {
	if err := d.load(ctx); err != nil {
		return 0, err
	}
	pushed, err := d.make(ctx, d.version(), d.edits(updater, text.NewText(text.Breaks(content))), "", nil)
	return pushed.Version, err
}

// edits returns the edits that turn the text into content.
func (d *Document) edits(editor string, content *text.Text) []text.Edit {
	return d.own(editor, text.Between(d.text(), content))
}

// own returns changes to the current text as edits of one of the document's own editors.
func (d *Document) own(editor string, changes text.ChangeSet) []text.Edit {
	var edits []text.Edit
	for i, part := range text.Split(changes, text.MaxEdit) {
		edits = append(edits, text.Edit{Editor: editor, Number: d.version() + 1 + i, Changes: part})
	}
	return edits
}

// The document's own editors: for update, and for restore and mended line breaks, which
// are sent to their author too. They number edits by version.
const (
	updater  = "update"
	restorer = "restore"
)
