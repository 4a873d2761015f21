package text

import "errors"

// ErrGap says that an entry does not follow the version that the client has: ask for
// those in between.
var ErrGap = errors.New("versions are missing in between")

// ErrDiverged says that the authority has made something else of an own edit than this
// client. Load the text anew; what was unsaved has to be shown to the user.
var ErrDiverged = errors.New("the document went another way than this editor")

// Client is one editor's side of a document. It has the text on the screen, which is
// the authority's text of some version and what was typed since. It does no I/O and has
// no clock. Not safe for concurrent use.
type Client struct {
	editor string
	number int // of the last numbered edit

	version int
	text    Text
	sent    []Edit    // numbered and not confirmed, the first one made for version's text
	pending ChangeSet // typed since, not numbered yet; made for what sent makes

	pushing int // how many of sent are being pushed
	await   int // the version that confirms what was pushed; 0 when not known

	history history
}

// NewClient returns a client with a text at a version, for one opening of a document.
// editor is a random name, made for this opening. It takes t.
func NewClient(editor string, version int, t *Text) *Client {
	return &Client{editor: editor, version: version, text: *t, pending: Identity(t.Len())}
}

// Editor returns the name given to NewClient.
func (c *Client) Editor() string { return c.editor }

// Version returns the version up to which the client knows the document.
func (c *Client) Version() int { return c.version }

// Text returns the text on the screen. Do not change it but through the client.
func (c *Client) Text() *Text { return &c.text }

// Saved reports whether the document has everything that was typed.
func (c *Client) Saved() bool { return len(c.sent) == 0 && c.pending.Empty() }

// Edit makes a change of the user, made for the text on the screen. The error is that of
// [Text.Apply].
func (c *Client) Edit(changes ChangeSet) error {
	if err := c.text.check(changes); err != nil {
		return err
	}
	c.history.typed(changes, changes.Invert(&c.text))
	c.apply(changes)
	return nil
}

// apply makes a change that fits, as something that is to be pushed.
func (c *Client) apply(changes ChangeSet) {
	c.pending = must(c.pending.Compose(changes))
	c.text.apply(changes)
}

// Receive takes the entry that follows the client's version and returns what it changes
// on the screen, which for one's own edits is nothing. Entries that are known already
// change nothing. Errors are [ErrGap], [ErrDiverged], and [ErrLength] or [ErrSplit] for
// an entry that cannot have come from this document's authority.
func (c *Client) Receive(e Entry) (ChangeSet, error) {
	switch {
	case e.Version <= c.version:
		return Identity(c.text.Len()), nil
	case e.Version > c.version+1:
		return ChangeSet{}, ErrGap
	}
	if e.Editor == c.editor && len(c.sent) > 0 && c.sent[0].Number == e.Number {
		if !c.sent[0].Changes.Equal(e.Changes) {
			return ChangeSet{}, ErrDiverged
		}
		c.version++
		c.sent = c.sent[1:]
		c.pushing = max(0, c.pushing-1)
		return Identity(c.text.Len()), nil
	}
	return c.remote(e.Changes)
}

// remote maps what is not confirmed over a change of somebody else, and that under it.
func (c *Client) remote(changes ChangeSet) (ChangeSet, error) {
	sent := make([]Edit, len(c.sent))
	for i, e := range c.sent {
		mine, err := e.Changes.Map(changes, false)
		if err != nil {
			return ChangeSet{}, err
		}
		changes = must(changes.Map(e.Changes, true))
		sent[i] = Edit{e.Editor, e.Number, mine}
	}
	pending, err := c.pending.Map(changes, false)
	if err != nil {
		return ChangeSet{}, err
	}
	changes = must(changes.Map(c.pending, true))
	if err := c.text.Apply(changes); err != nil {
		return ChangeSet{}, err
	}
	c.sent, c.pending = sent, pending
	c.version++
	c.history.remote(changes)
	return changes, nil
}

// Push returns what is to be pushed now, and the version that it is based on. It returns
// nothing while a push is under way, and while the confirmation of one is on its way.
// Finish with [Client.Pushed] or [Client.PushFailed].
func (c *Client) Push() (base int, edits []Edit) {
	if c.pushing > 0 || c.await > c.version {
		return 0, nil
	}
	c.await = 0
	if len(c.sent) == 0 {
		c.freeze()
	}
	c.pushing = Batch(c.sent)
	return c.version, append([]Edit(nil), c.sent[:c.pushing]...)
}

// freeze numbers what is pending.
func (c *Client) freeze() {
	if c.pending.Empty() {
		return
	}
	for _, part := range Split(c.pending, MaxEdit) {
		c.number++
		c.sent = append(c.sent, Edit{c.editor, c.number, part})
	}
	c.pending = Identity(c.text.Len())
}

// Pushed says that the document took the push, and which version it had then. The edits
// count as saved when Receive gets them.
func (c *Client) Pushed(version int) { c.pushing, c.await = 0, version }

// Awaits reports whether the document has taken edits of which Receive did not hear yet.
func (c *Client) Awaits() bool { return c.await > c.version }

// PushFailed says that nobody knows what became of the push. The next one has the same
// edits again, with the same numbers.
func (c *Client) PushFailed() { c.pushing, c.await = 0, 0 }

// Undo takes back the last step of this user that is not taken back yet, and leaves what
// others did meanwhile, also within it. It returns what changes on the screen, and false
// when there is nothing to undo.
func (c *Client) Undo() (ChangeSet, bool) { return c.step(&c.history.undo, &c.history.redo) }

// Redo does again what the last Undo took back.
func (c *Client) Redo() (ChangeSet, bool) { return c.step(&c.history.redo, &c.history.undo) }

func (c *Client) step(from, to *stack) (ChangeSet, bool) {
	c.history.boundary()
	for {
		changes, ok := from.pop()
		if !ok {
			return ChangeSet{}, false
		}
		if changes.Empty() || c.text.check(changes) != nil {
			continue // others have removed all of it
		}
		to.push(changes.Invert(&c.text))
		c.apply(changes)
		return changes, true
	}
}

// Boundary ends a step of the undo history: what is typed next is one of its own. Call
// it after a pause. What is not typed on where the last edit ended begins a step anyway.
func (c *Client) Boundary() { c.history.boundary() }

// Unsaved returns what the document may not have yet, without edits if it has everything.
func (c *Client) Unsaved() Record {
	if c.pending.size() > MaxEdit {
		c.freeze() // so that every part keeps its number
	}
	r := Record{c.editor, c.version, Updates(c.sent)}
	if !c.pending.Empty() {
		r.Edits = append(r.Edits, Edit{c.editor, c.number + 1, c.pending}.Update())
	}
	return r
}

// Confirmed returns where a position on the screen is in the text of Version, which is
// where it is for others.
func (c *Client) Confirmed(pos int) int {
	pos = c.pending.UnmapPos(pos)
	for i := len(c.sent) - 1; i >= 0; i-- {
		pos = c.sent[i].Changes.UnmapPos(pos)
	}
	return pos
}

// OnScreen returns where a position in the text of Version is on the screen. For side
// see [ChangeSet.MapPos].
func (c *Client) OnScreen(pos, side int) int {
	for _, e := range c.sent {
		pos = e.Changes.MapPos(pos, side)
	}
	return c.pending.MapPos(pos, side)
}
