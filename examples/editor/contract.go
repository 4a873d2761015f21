package editor

import (
	"errors"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// Methods of a document for editors. The instance is its name. Positions and lengths
// count UTF-16 units, and a text is transferred in parts of [PartLength].
const (
	// Subscribe makes the calling client a subscriber and returns the state of the
	// document. Edits and presence arrive from then on, in order.
	Subscribe lmz.Method0[Opening] = "subscribe"
	// Peek returns the state of the document without subscribing, for who only reads. It
	// makes no document: it fails with an error called [NoDocumentName] if there is none.
	Peek lmz.Method0[Opening] = "peek"
	// Read returns the part of the text of a version that begins at a position, which is
	// a multiple of PartLength. A character that lies across the end belongs to the next.
	Read lmz.Method2[int, int, string] = "read"
	// Changes returns what was made since a version. It fails with an error called
	// [TooOldName] if that is not known any more: the text must be read anew.
	Changes lmz.Method1[int, Missing] = "changes"
	// Push makes edits of one editor that are based on a version, whatever was made
	// since. An edit that was made before is not made again. An error called
	// [RefusedName] means that none was made and that to push them again is of no use.
	// Only subscribers may.
	Push lmz.Method2[int, []text.Update, Pushed] = "push"
	// Present tells where the calling client's cursor is. Only subscribers may.
	Present lmz.Method1[Cursor, struct{}] = "present"
	// Unsubscribe ends a subscription, and with it the presence.
	Unsubscribe lmz.Method0[struct{}] = "unsubscribe"
	// Update replaces the text and returns its version, for simple clients: what others
	// typed since they read it is gone, apart from what the two texts share. Only
	// subscribers may.
	Update lmz.Method1[string, int] = "update"
	// History returns revisions, newest first: those that end before a version, or the
	// newest if it is 0.
	History lmz.Method1[int, []Revision] = "history"
	// Restore makes the text of an earlier version the current one, as a new version,
	// which it returns. Only subscribers may.
	Restore lmz.Method1[int, int] = "restore"
)

// Methods of an editor, which a document and the spell checker call. The first argument
// is the name of the document.
const (
	// HandleEdits tells what was made, one's own edits too, in order of version.
	HandleEdits lmz.Method2[string, []Made, struct{}] = "handleEdits"
	// HandlePresence tells where somebody else's cursor is, or that it is gone.
	HandlePresence lmz.Method2[string, Person, struct{}] = "handlePresence"
	// HandleSpelling tells an author about the paragraphs that it changed.
	HandleSpelling lmz.Method2[string, Spelling, struct{}] = "handleSpelling"
)

// PartLength is how much of a text travels at once, in units.
const PartLength = 64 << 10

// Names of a document's errors, by which an editor decides.
const (
	RefusedName = string(text.Refused)
	TooOldName  = string(text.TooOld)

	NoDocumentName = "NoDocument"
)

// Opening is the state of a document.
type Opening = text.Opening

// Made is an edit as the document has made it. It is what @codemirror/collab calls an
// update, with a number and a version.
type Made struct {
	text.Update
	Version int
	By      string // who, for people
}

// Missing is what was made since a version. If Version is newer than the last of Made,
// more is to be asked for.
type Missing struct {
	Made    []Made
	Version int // the current one
}

// Pushed is what became of a push.
type Pushed struct {
	Versions []int // that each edit has made
	Version  int   // the current one
}

// Cursor is where a client's cursor and selection are, in the text of a version.
type Cursor = text.Cursor

// Person is somebody who has the document open.
type Person = text.Person

// Revision is a stretch of edits of one author without a long pause.
type Revision struct {
	First, Last int    // versions
	By          string // who, for people
	At          int64  // when the last edit was made, in Unix milliseconds
}

// Spelling is what is wrong in some parts of the text of a version.
type Spelling struct {
	Version int
	Checked []Range // what was checked: what was wrong there before, and is not in Found, is right now
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

// refused is err as the answer to an edit that cannot be made, now or later. Errors of
// the storage are not: they stay inside.
func refused(err error) error {
	for _, known := range []error{
		text.ErrTooOld, text.ErrFuture, text.ErrTooLong, text.ErrNumbers, text.ErrLength, text.ErrSplit, text.ErrWire,
	} {
		if errors.Is(err, known) {
			return &lmz.Error{Name: RefusedName, Message: err.Error()}
		}
	}
	if errors.Is(err, text.ErrBehind) {
		return &lmz.Error{Message: err.Error()} // it can be made when it is based on a newer version
	}
	if e := new(lmz.Error); errors.As(err, &e) {
		return &lmz.Error{Name: RefusedName, Message: e.Message}
	}
	return err
}
