//go:build !js

package editor

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

// Document is an object that keeps one text, puts everybody's edits in order and tells
// its subscribers.
type Document struct {
	*object.Object
	lmz.Mux

	// Of whoever has the turn, from OnStart on.
	archive    archive
	people     people
	names      names
	past       []pastText // texts that somebody may be reading
	registered bool       // the workspace knows the document
	broken     bool       // what is in memory is not what is stored
}

// NewDocument makes the handler of a document, for object.Kind.
func NewDocument(o *object.Object) lmz.Handler {
	d := &Document{Object: o, archive: archive{kv: o.KV()}}
	d.OnBeforeCall(d.hasName)
	Subscribe.Expose(&d.Mux, onlyClients, d.subscribe)
	Unsubscribe.Expose(&d.Mux, lmz.Anyone, d.unsubscribe)
	Read.Expose(&d.Mux, lmz.Anyone, d.read)
	Changes.Expose(&d.Mux, lmz.Anyone, d.changes)
	History.Expose(&d.Mux, lmz.Anyone, d.history)
	Push.Expose(&d.Mux, d.requireSubscriber, d.push)
	Update.Expose(&d.Mux, d.requireSubscriber, d.update)
	Restore.Expose(&d.Mux, d.requireSubscriber, d.restore)
	Present.Expose(&d.Mux, d.requireSubscriber, d.present)
	sessionEnded.Expose(&d.Mux, lmz.NoOne, d.sessionEnded)
	deliveryFailed.Expose(&d.Mux, lmz.NoOne, d.deliveryFailed)
	return d
}

// OnStart implements [object.Starter].
func (d *Document) OnStart(ctx context.Context) error {
	if err := d.archive.load(ctx); err != nil {
		return err
	}
	if err := d.loadNames(ctx); err != nil {
		return err
	}
	return d.loadPeople(ctx)
}

// OnRemoved implements [object.Remover]: the workspace lists the document no more.
func (d *Document) OnRemoved(ctx context.Context) error {
	_, err := forget.Call(ctx, d, lmz.At(WorkspaceBinding, WorkspaceName), d.Identity().Instance)
	return err
}

// HandleCall implements [lmz.Handler]. It loads the document again when what is in memory
// is not what is stored: after an edit that failed halfway, and after a turn that was
// rolled back because something else in its chain failed.
func (d *Document) HandleCall(ctx context.Context, req *lmz.Request) (any, error) {
	if err := count(ctx); err != nil {
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

// maxSteps is how many methods one call runs on a document: a chain may have hundreds, and
// the document would be held for all of them. Editors run one, people who chain a few.
const maxSteps = 20

// steps counts the methods that a call has run.
var steps = lmz.NewPerCall(func(context.Context) (*int, error) { return new(int), nil })

// count refuses a call that runs too many methods.
func count(ctx context.Context) error {
	n, err := steps.Get(ctx)
	if err != nil {
		return err
	}
	if *n++; *n > maxSteps {
		return lmz.Errorf("one call runs at most %d methods of a document: make several calls", maxSteps)
	}
	return nil
}

// hasName is the guard of all methods: a document that is not there yet must have a name
// that it may have.
func (d *Document) hasName(context.Context, *lmz.Request) error {
	if d.version() > 0 {
		return nil
	}
	return checkName(d.Identity().Instance)
}

func (d *Document) text() *text.Text { return d.archive.authority.Text() }

func (d *Document) version() int { return d.archive.authority.Version() }

// pastText is the text of a version.
type pastText struct {
	version int
	text    *text.Text
}

// maxPast is how many texts are kept for those who read them.
const maxPast = 4

func (d *Document) read(ctx context.Context, version, from int) (string, error) {
	t, err := d.textAt(ctx, version)
	if err != nil {
		return "", err
	}
	return t.Slice(from, from+PartLength), nil
}

// textAt returns the text of a version. Do not change it.
func (d *Document) textAt(ctx context.Context, version int) (*text.Text, error) {
	switch {
	case version == d.version():
		return d.text(), nil
	case version < 0 || version > d.version():
		return nil, lmz.Errorf("the document has no version %d", version)
	}
	for _, p := range d.past {
		if p.version == version {
			return p.text, nil
		}
	}
	t, err := d.archive.textAt(ctx, version)
	if err == nil {
		d.remember(version, t)
	}
	return t, err
}

// remember keeps a text for those who will read it.
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
		return m, tooOld() // the document was brought back from a backup
	}
	size := 0
	for v := since + 1; v <= m.Version && len(m.Made) < maxMissing && size < maxMissingBytes; v++ {
		e, found, err := (pastOf{ctx, &d.archive}).Entry(v)
		if err != nil {
			return m, err
		}
		if !found || v == since+1 && time.Since(e.At) > text.Retention {
			return m, tooOld()
		}
		size += len(e.Changes.Inserted())
		m.Made = append(m.Made, d.made(e))
	}
	return m, nil
}

func (d *Document) made(e text.Entry) Made { return Made{e.Update(), e.Version, d.names.shown(e.By)} }

// maxPush bounds what one push makes the document do in one turn.
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
	return d.make(ctx, base, edits, subject(ctx))
}

// make makes edits and tells everybody. owner is the subject whose editor it is.
func (d *Document) make(ctx context.Context, base int, edits []text.Edit, owner string) (Pushed, error) {
	pushed, err := d.archive.authority.Push(pastOf{ctx, &d.archive}, base, edits, time.Now())
	if err != nil {
		return Pushed{}, refused(err)
	}
	if len(pushed.New) > 0 {
		d.broken = true // until everything is done: an error rolls the storage back
		by, err := d.meetAuthor(ctx)
		if err != nil {
			return Pushed{}, err
		}
		if err := d.archive.store(ctx, pushed, by, owner); err != nil {
			return Pushed{}, err
		}
		d.movePeople(pushed.New)
		if err := d.tell(ctx, pushed.New); err != nil {
			return Pushed{}, err
		}
		d.broken = false
	}
	return Pushed{Versions: append([]int{}, pushed.Versions...), Version: d.version()}, nil
}

// tell tells the subscribers what was made, the spell checker what to look at, and the
// workspace that there is something here.
func (d *Document) tell(ctx context.Context, entries []text.Entry) error {
	if err := d.broadcastEdits(ctx, entries); err != nil {
		return err
	}
	if err := d.checkSpelling(ctx, entries); err != nil {
		return err
	}
	if d.registered {
		return nil
	}
	d.registered = true
	return d.Send(lmz.NewChain(ctx), lmz.At(WorkspaceBinding, WorkspaceName), register.Ctn(d.Identity().Instance))
}

// update replaces the text by way of what it differs in.
func (d *Document) update(ctx context.Context, content string) (int, error) {
	return d.replace(ctx, updater, content)
}

func (d *Document) restore(ctx context.Context, version int) (int, error) {
	t, err := d.textAt(ctx, version)
	if err != nil {
		return 0, err
	}
	return d.replace(ctx, restorer, t.String())
}

// replace makes content the text.
func (d *Document) replace(ctx context.Context, editor, content string) (int, error) {
	changes := text.Diff(d.text().String(), content)
	var edits []text.Edit
	for i, part := range text.Split(changes, text.MaxEdit) {
		edits = append(edits, text.Edit{Editor: editor, Number: d.version() + 1 + i, Changes: part})
	}
	pushed, err := d.make(ctx, d.version(), edits, "")
	return pushed.Version, err
}

// Who makes the edits of update and of restore. Their numbers are versions.
const (
	updater  = "update"
	restorer = "restore"
)
