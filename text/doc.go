// Package text is collaborative text: everybody changes a text at once, and it becomes
// the same text everywhere. It has no I/O and imports nothing of lmz, so that an object,
// a terminal and a browser's page share it.
//
// A [ChangeSet] says how a text becomes another. Change sets are applied ([Text.Apply]),
// composed, inverted, and mapped over each other: what somebody did to an old version
// becomes what it means in the newer one.
//
// An [Authority] decides the order. It takes the edits of everybody, maps those that
// come late itself, and gives each a version. A [Client] is one editor's side: it has
// the text on the screen, which is the authority's and what was typed since, maps what
// others do under what is unsaved, and undoes one's own edits only. An edit is known by
// its editor, a random name made at each opening, and a number that counts that editor's
// edits from 1: so a repeated push counts once.
//
// # Units
//
// Positions and lengths count UTF-16 units, as JavaScript does, everywhere in this
// package. Text is valid UTF-8. A position inside a character of two units is an error,
// and half of such a character cannot be inserted: who has one, as JavaScript may, keeps
// it and says so.
//
// The only line break is "\n". A "\r" is a character like any other, so that edits are
// exact; a CodeMirror editor does the same when its lineSeparator is "\n". [Breaks] is for
// text that comes in. A family emoji is several characters, and nothing here divides or joins them.
//
// # On the wire
//
// Change sets are written as CodeMirror's ChangeSet.toJSON does, edits as the updates of
// @codemirror/collab with a number: {clientID, number, changes}. Mapping gives exactly
// what CodeMirror's gives, so that its own collaboration client can take part. It must be
// handed updates one at a time: mapping over two at once is something else than over one
// and then the other.
package text
