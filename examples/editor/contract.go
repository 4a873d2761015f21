package editor

import (
	"errors"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// Methods of a document for editors. The instance is the document's name. Positions and
// lengths count UTF-16 units, and a text is transferred in parts of [PartLength].
const (
	// Subscribe makes the calling client a subscriber and returns the state of the
	// document. From then on, the client receives edits and presence in order.
	Subscribe lmz.Method0[Opening] = "subscribe"
	// Peek returns the state of the document without subscribing, for readers. If there is no
	// document, it creates none and fails with an error named [NoDocumentName].
	Peek lmz.Method0[Opening] = "peek"
	// Read returns the part of the text of a version that begins at a position, a multiple
	// of PartLength. A character across the end of a part belongs to the next part.
	Read lmz.Method2[int, int, string] = "read"
	// Changes returns the edits made since a version. It fails with an error named
	// [TooOldName] if they are no longer known: the text has to be read again.
	Changes lmz.Method1[int, Missing] = "changes"
	// Push applies edits of one editor that are based on a version, even if there are newer
	// ones. An edit that was already applied is not applied again. An error named
	// [RefusedName] means that none was applied and that pushing them again is futile. Only
	// for subscribers.
	Push lmz.Method2[int, []text.Update, Pushed] = "push"
	// Present tells others where the calling client's cursor is. Only for subscribers.
	Present lmz.Method1[Cursor, struct{}] = "present"
	// Unsubscribe ends a subscription and its presence.
	Unsubscribe lmz.Method0[struct{}] = "unsubscribe"
	// Update replaces the text and returns the new version, for simple clients. It loses
	// what others typed since the client read the text, except what both texts share. Only
	// for subscribers.
	Update lmz.Method1[string, int] = "update"
	// History returns revisions, newest first: those that end before a version, or the
	// newest ones if the version is 0.
	History lmz.Method1[int, []Revision] = "history"
	// Restore makes the text of an earlier version the current one and returns the new
	// version. Only for subscribers.
	Restore lmz.Method1[int, int] = "restore"
)

// Methods of an editor, called by documents and the spell checker. The first argument is the
// name of the document.
const (
	// HandleEdits receives the document's new edits, including the editor's own, in order of
	// version.
	HandleEdits lmz.Method2[string, []Made, struct{}] = "handleEdits"
	// HandlePresence receives the position of another person's cursor, or that it is gone.
	HandlePresence lmz.Method2[string, Person, struct{}] = "handlePresence"
	// HandleSpelling receives the misspelled words in paragraphs that the editor changed.
	HandleSpelling lmz.Method2[string, Spelling, struct{}] = "handleSpelling"
)

// PartLength is the length, in units, of the parts in which a text is transferred.
const PartLength = 64 << 10

// Names of a document's errors, on which editors base decisions.
const (
	RefusedName = string(text.Refused)
	TooOldName  = string(text.TooOld)

	NoDocumentName = "NoDocument"
)

// Opening is the state of a document.
type Opening = text.Opening

// Made is an edit as the document applied it: an update in the terms of @codemirror/collab,
// with a number and a version.
type Made struct {
	text.Update
	Version int
	By      string // the displayed author
}

// Missing holds the edits since a version. If Version is newer than the last of Made, there
// are more.
type Missing struct {
	Made    []Made
	Version int // the current one
}

// Pushed is the result of a push.
type Pushed struct {
	Versions []int // the version that each edit made
	Version  int   // the current one
}

// Cursor is the position of a client's cursor and selection in the text of a version.
type Cursor = text.Cursor

// Person is somebody who has the document open.
type Person = text.Person

// Revision is a series of edits by one author without a long pause.
type Revision struct {
	First, Last int    // versions
	By          string // the displayed author
	At          int64  // time of the last edit, in Unix milliseconds
}

// Spelling holds the spelling mistakes in some parts of the text of a version.
type Spelling struct {
	Version int
	Checked []Range // earlier findings within these that are not in Found are obsolete
	Found   []Misspelling
}

// Range is a part of a text.
type Range struct{ From, To int }

// Misspelling is a word that seems to be misspelled.
type Misspelling struct {
	From, To    int
	Word        string
	Suggestions []string // best first
}

// refused turns an error into the answer to an edit that can never be applied. Storage
// errors are returned unchanged: they stay internal.
func refused(err error) error {
	for _, known := range []error{
		text.ErrTooOld, text.ErrFuture, text.ErrTooLong, text.ErrNumbers, text.ErrLength, text.ErrSplit, text.ErrWire,
	} {
		if errors.Is(err, known) {
			return &lmz.Error{Name: RefusedName, Message: err.Error()}
		}
	}
	if errors.Is(err, text.ErrBehind) {
		return &lmz.Error{Message: err.Error()} // it can succeed when based on a newer version
	}
	if e := new(lmz.Error); errors.As(err, &e) {
		return &lmz.Error{Name: RefusedName, Message: e.Message}
	}
	return err
}
