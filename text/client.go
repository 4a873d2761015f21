package text

import "errors"

// ErrGap says that an entry does not follow the client's version: fetch the versions in
// between.
var ErrGap = errors.New("versions are missing in between")

// ErrDiverged says that the authority mapped an edit differently than its client: read the
// text again, and show the user what was unsaved.
var ErrDiverged = errors.New("client diverged from the document")

// Client is one editor's side of a document. It holds the text on the screen: the
// authority's text at some version, plus what was typed since. It does no I/O and has no
// clock. Not safe for concurrent use.
type Client struct {
	editor string
	number int // of the last numbered edit

	version int
	text    Text
	sent    []Edit    // numbered, unconfirmed; the first applies to the text at version
	pending ChangeSet // typed since, not numbered yet; applies after sent

	pushing int // how many of sent are being pushed
	await   int // the version that confirms the last push; 0 if not known

	history history
}

// NewClient returns a client with the text at a version, for one opening of a document. It
// takes over t. editor is a random name for this opening.
func NewClient(editor string, version int, t *Text) *Client {
	return &Client{editor: editor, version: version, text: *t, pending: Identity(t.Len())}
}

// Editor returns the name given to NewClient.
func (c *Client) Editor() string { return c.editor }

// Version returns the version up to which the client knows the document.
func (c *Client) Version() int { return c.version }

// Text returns the text on the screen. Change it only through the client.
func (c *Client) Text() *Text { return &c.text }

// Saved reports whether the document has everything typed here.
func (c *Client) Saved() bool { return len(c.sent) == 0 && c.pending.Empty() }

// Edit applies the user's change to the text on the screen. Errors are those of
// [Text.Apply].
func (c *Client) Edit(changes ChangeSet) error {
	if err := c.text.check(changes); err != nil {
		return err
	}
	c.history.typed(changes, changes.Invert(&c.text))
	c.apply(changes)
	return nil
}

// apply applies a checked change and queues it for pushing.
func (c *Client) apply(changes ChangeSet) {
	c.pending = must(c.pending.Compose(changes))
	c.text.apply(changes)
}

// Receive applies the entry that follows the client's version and returns what it changes
// on the screen: nothing for the client's own edits and for known entries. Errors are
// [ErrGap], [ErrDiverged], and [ErrLength] or [ErrSplit] for an entry that cannot be from
// this document's authority.
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

// remote maps unconfirmed edits over another client's change, and that change over them.
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

// Push returns the edits to push now, and the version that they are based on. It returns
// none while a push or its confirmation is under way. End each push with [Client.Pushed] or
// [Client.PushFailed].
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

// freeze numbers the pending changes.
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

// Pushed reports that the document accepted the push, and the version that it made. The
// edits count as saved once Receive gets them.
func (c *Client) Pushed(version int) { c.pushing, c.await = 0, version }

// Awaits reports whether the document accepted edits that Receive did not get yet.
func (c *Client) Awaits() bool { return c.await > c.version }

// PushFailed reports that the outcome of the push is unknown. The next push repeats the
// edits under the same numbers.
func (c *Client) PushFailed() { c.pushing, c.await = 0, 0 }

// Undo reverts this user's last step, but not what others did since, even within it. It
// returns what changes on the screen, and false if there is nothing to undo.
func (c *Client) Undo() (ChangeSet, bool) { return c.step(&c.history.undo, &c.history.redo) }

// Redo repeats the step that the last Undo reverted.
func (c *Client) Redo() (ChangeSet, bool) { return c.step(&c.history.redo, &c.history.undo) }

func (c *Client) step(from, to *stack) (ChangeSet, bool) {
	c.history.boundary()
	for {
		changes, ok := from.pop()
		if !ok {
			return ChangeSet{}, false
		}
		if changes.Empty() || c.text.check(changes) != nil {
			continue // others removed all of it
		}
		to.push(changes.Invert(&c.text))
		c.apply(changes)
		return changes, true
	}
}

// Boundary ends a step of the undo history. Call it after a pause in typing. Typing in
// another place begins a new step anyway.
func (c *Client) Boundary() { c.history.boundary() }

// Unsaved returns the edits that the document may lack; none if everything is saved.
func (c *Client) Unsaved() Record {
	if c.pending.size() > MaxEdit {
		c.freeze() // so that each part keeps its number
	}
	r := Record{c.editor, c.version, Updates(c.sent)}
	if !c.pending.Empty() {
		r.Edits = append(r.Edits, Edit{c.editor, c.number + 1, c.pending}.Update())
	}
	return r
}

// Confirmed maps a position on the screen to the text at Version, which others see.
func (c *Client) Confirmed(pos int) int {
	pos = c.pending.UnmapPos(pos)
	for i := len(c.sent) - 1; i >= 0; i-- {
		pos = c.sent[i].Changes.UnmapPos(pos)
	}
	return pos
}

// OnScreen maps a position in the text at Version to the screen. For side see
// [ChangeSet.MapPos].
func (c *Client) OnScreen(pos, side int) int {
	for _, e := range c.sent {
		pos = e.Changes.MapPos(pos, side)
	}
	return c.pending.MapPos(pos, side)
}
