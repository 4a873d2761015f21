package editor

// Buffer is what an editor knows of one document: the text on the screen, what the
// document has, and a text that arrived meanwhile. It does no I/O. The zero value is
// an empty document that was never loaded. Not safe for concurrent use.
//
// An arriving text replaces the one on the screen only if everything typed is saved.
// Otherwise it is held until somebody takes it.
type Buffer struct {
	Text string  // on the screen
	Held *Change // arrived over unsaved typing; nil when there is none

	saved   string // what the document has, as far as we know
	version int    // its version
	saving  bool
	sent    string // the text that is being saved
}

// Dirty reports whether something typed is not saved.
func (b *Buffer) Dirty() bool { return b.saving || b.Text != b.saved }

// Version returns the last version of the document that the buffer knows of.
func (b *Buffer) Version() int { return b.version }

// Arrive takes a text of the document and reports whether the one on the screen
// changed.
func (b *Buffer) Arrive(c Change) (changed bool) {
	if c.Version <= b.version {
		return false
	}
	b.version = c.Version
	switch {
	case c.Content == b.saved: // what was held is not the document's text any more
		b.Held = nil
		return false
	case c.Content == b.Text:
		b.saved, b.Held = c.Content, nil
		return false
	case b.Dirty():
		b.Held = &c
		return false
	}
	b.Text, b.saved = c.Content, c.Content
	return true
}

// BeginSave returns the text to save, unless there is nothing to save or a save is
// under way. Finish with Saved or SaveFailed.
func (b *Buffer) BeginSave() (text string, ok bool) {
	if b.saving || b.Text == b.saved {
		return "", false
	}
	b.saving, b.sent = true, b.Text
	return b.sent, true
}

// Saved says that the document has the text of BeginSave now, as this version.
func (b *Buffer) Saved(version int) {
	b.saving, b.saved = false, b.sent
	b.version = max(b.version, version)
}

// SaveFailed says that nobody knows whether the document has the text of BeginSave.
// The next BeginSave returns the text again: to save it twice does no harm.
func (b *Buffer) SaveFailed() { b.saving = false }

// Take puts the held text on the screen. What was typed instead of it is gone.
func (b *Buffer) Take() {
	if b.Held == nil {
		return
	}
	b.Text = b.Held.Content
	if b.Held.Version >= b.version && !b.saving {
		b.saved = b.Text // it is what the document has
	}
	b.Held = nil
}
