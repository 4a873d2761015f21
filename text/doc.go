// Package text lets several people edit one text at the same time. Each types into a local
// copy, without waiting for the others, and all copies converge. The package does no I/O
// and imports nothing of lmz, so a stateful object, a terminal and a browser page share it.
//
// A [ChangeSet] describes how one text becomes another. Change sets are applied to a text
// ([Text.Apply]), composed, inverted, and mapped over each other: a change to an old
// version of a text becomes the same change to a newer one.
//
// An [Authority] decides the order. It takes everybody's edits, maps late ones over those
// before them, and gives each a version. A [Client] is one editor's side: it holds the text
// on the screen, which is the authority's text at some version plus what was typed since,
// and its Undo reverts only its own user's changes. A [Sync] is an open document: it adds
// everything that keeps a Client in step with an Authority over an unreliable connection,
// such as catching up, retrying, and a journal for crashes.
//
// An edit is identified by its editor, a random name for one opening of a document, and a
// number that counts that editor's edits from 1. So an edit that is pushed twice is
// applied once.
//
// # Units
//
// Positions and lengths count UTF-16 units, as in JavaScript. Text is valid UTF-8. A
// position inside a character of two units is an error, and half of such a character cannot
// be inserted: a JavaScript editor that holds one has to keep it and tell the user.
//
// The only line break is "\n". A "\r" is a character like any other, so edits stay exact; a
// CodeMirror editor does the same when its lineSeparator is "\n". [Breaks] converts text
// from elsewhere. A family emoji is several characters; nothing here treats them as one.
//
// # On the wire
//
// Change sets have the form of CodeMirror's ChangeSet.toJSON, and edits that of the updates
// of @codemirror/collab plus a number: {clientID, number, changes}. Mapping gives exactly
// the results of CodeMirror's, so its own collaboration client can take part. That client
// has to receive updates one at a time: mapping over two composed changes is not the same
// as mapping over one and then the other.
//
// # Errors
//
// Compare errors with errors.Is.
//
//	error          returned by                     what to do
//	ErrLength      Apply, Edit, Map, Receive       the change is for another text: fix the caller
//	ErrSplit       Apply, Edit, Receive            a position is inside a character: fix the caller
//	ErrWire        Parse, Edits                    refuse the message
//	ErrTooOld      Authority.Push                  read the text again; show the user the edits
//	ErrFuture      Authority.Push                  the same: the document was rolled back
//	ErrTooLong     Authority.Push                  the same: the edit or the text is too long
//	ErrNumbers     Authority.Push                  refuse the message
//	ErrBehind      Authority.Push                  fetch the later edits, rebase, push again
//	ErrGap         Client.Receive                  fetch the versions in between
//	ErrDiverged    Client.Receive                  read the text again and show the unsaved edits
//	ErrNotLoaded   Sync.Edit                       wait until Pull returns News.Loaded
package text
