package editor

import (
	"errors"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// Methods of a document for editors. The instance is the name of the document. Positions
// and lengths count UTF-16 units, and a text is transferred in parts of [PartLength].
const (
	// Subscribe makes the calling client a subscriber and returns the state of the
	// document. From then on, the client receives edits and presence in order.
	Subscribe lmz.Method0[Opening] = "subscribe"
	// Peek returns the state of the document without subscribing, for readers. It creates no
	// document: if there is none, it fails with an error named [NoDocumentName].
	Peek lmz.Method0[Opening] = "peek"
	// Read returns the part of the text of a version that begins at a position, a multiple
	// of PartLength. A character across the end of a part belongs to the next part.
	Read lmz.Method2[int, int, string] = "read"
	// Changes returns the edits made since a version. It fails with an error named
	// [TooOldName] if they are no longer known: the text has to be read again.
	Changes lmz.Method1[int, Missing] = "changes"
	// Push makes edits of one editor that are based on a version, whatever was made since.
	// An edit that was already made is not made again. An error named [RefusedName] means
	// that none was made, and that pushing them again is futile. Only for subscribers.
	Push lmz.Method2[int, []text.Update, Pushed] = "push"
	// Present tells others where the calling client's cursor is. Only for subscribers.
	Present lmz.Method1[Cursor, struct{}] = "present"
	// Unsubscribe ends a subscription and its presence.
	Unsubscribe lmz.Method0[struct{}] = "unsubscribe"
	// Update replaces the text and returns the new version, for simple clients. What others
	// typed since the client read the text is lost, except what both texts share. Only for
	// subscribers.
	Update lmz.Method1[string, int] = "update"
	// History returns revisions, newest first: those that end before a version, or the
	// newest ones if the version is 0.
	History lmz.Method1[int, []Revision] = "history"
	// Restore makes the text of an earlier version the current one, as a new version, which
	// it returns. Only for subscribers.
	Restore lmz.Method1[int, int] = "restore"
)

// Methods of an editor, called by documents and the spell checker. The first argument is the
// name of the document.
const (
	// HandleEdits takes the edits that were made, including the editor's own, in order of
	// version.
	HandleEdits lmz.Method2[string, []Made, struct{}] = "handleEdits"
	// HandlePresence takes where somebody else's cursor is, or that it is gone.
	HandlePresence lmz.Method2[string, Person, struct{}] = "handlePresence"
	// HandleSpelling takes what is misspelled in paragraphs that the editor changed.
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

// Made is an edit as the document made it: what @codemirror/collab calls an update, with a
// number and a version.
type Made struct {
	text.Update
	Version int
	By      string // the author, for people
}

// Missing is what was made since a version. If Version is newer than the last of Made, there
// is more.
type Missing struct {
	Made    []Made
	Version int // the current one
}

// Pushed is the result of a push.
type Pushed struct {
	Versions []int // the version that each edit made
	Version  int   // the current one
}

// Cursor is where a client's cursor and selection are, in the text of a version.
type Cursor = text.Cursor

// Person is somebody who has the document open.
type Person = text.Person

// Revision is a series of edits by one author without a long pause.
type Revision struct {
	First, Last int    // versions
	By          string // the author, for people
	At          int64  // when the last edit was made, in Unix milliseconds
}

// Spelling is what is wrong in some parts of the text of a version.
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

// refused turns an error into the answer to an edit that can never be made. Errors of the
// storage are returned as they are: they stay internal.
func refused(err error) error {
	for _, known := range []error{
		text.ErrTooOld, text.ErrFuture, text.ErrTooLong, text.ErrNumbers, text.ErrLength, text.ErrSplit, text.ErrWire,
	} {
		if errors.Is(err, known) {
			return &lmz.Error{Name: RefusedName, Message: err.Error()}
		}
	}
	if errors.Is(err, text.ErrBehind) {
		return &lmz.Error{Message: err.Error()} // possible when it is based on a newer version
	}
	if e := new(lmz.Error); errors.As(err, &e) {
		return &lmz.Error{Name: RefusedName, Message: e.Message}
	}
	return err
}
