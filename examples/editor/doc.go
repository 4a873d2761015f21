// Package editor is the collaborative editor of the tutorial: a [Document] object that
// keeps a text and puts everybody's edits in order, a [SpellCheck] worker that sends its
// findings straight to the author, a [Workspace] object that lists the documents, and a
// [Session], which is an open document at a client.
//
// # The contract
//
// A document takes edits in CodeMirror's form (see package text) and gives each a version.
// With positions in UTF-16 units and texts in parts of 64 KiB:
//
//	subscribe()                    {version, length, text: the first part, people, moment}
//	read(version, from)            the part of that version's text that begins at from
//	changes(since)                 {made: [{clientID, number, changes, version, by}], version}
//	push(version, updates)         {versions, version}; updates are [{clientID, number, changes}]
//	present({clientID, version, anchor, head})
//	unsubscribe()
//	history(before)                [{first, last, by, at}], newest first
//	restore(version)               the new version
//	update(text)                   the new version, for clients without edits
//
// and it calls, at its subscribers,
//
//	handleEdits(document, made)    what was made, in order, one's own edits too
//	handlePresence(document, {clientID, name, color, version, anchor, head, gone, moment})
//
// while the spell checker calls at the author alone
//
//	handleSpelling(document, {version, checked: [{from, to}], found: [{from, to, word, suggestions}]})
//
// The workspace lists the documents, in the byte order of their names:
//
//	list(after, limit)             {names, next}; next is the after of the next page, '' at the end
//	documents()                    the names of the first page
//
// The name of a new document has at most 256 bytes.
//
// An edit is known by its clientID, which is random and new at each opening, and its
// number, which counts from 1. A push that is repeated, however late, is made once. It may
// be based on any version of the last 30 days: the document moves it. What is older, and
// what cannot be, is refused with an error called EditRefused, and nothing of it is made:
// whoever pushed it still has the text. An edit inserts at most 64 KiB.
//
// The only line break is "\n". An edit that brings "\r\n" or "\r" is made as its editor has
// it, and the document follows it with one of its own that mends them.
//
// A client has one editor in a document: presenting another replaces it. People are shown
// by the part of their address before the @, unless two who ever used the document share
// it: then by the whole address, in versions too. One call may run at most 20 methods of a
// document, fewer if they are expensive.
//
// # An editor
//
// [Desk] is the handler of a client that has documents open, [Desk.Open] opens one:
//
//	desk := editor.NewDesk()
//	peer, err := client.New(client.Options{
//		URL: url, Token: token, Handler: desk,
//		OnSubscriptionRequired: desk.SubscriptionRequired, OnMissed: desk.Missed,
//	})
//	...
//	session, err := desk.Open(peer, editor.SessionOptions{Document: "notes", Wake: wake, Journal: save, Restore: saved})
//
// The screen draws session.Text(), hands what the user does to Edit, Undo and SetCursor,
// and calls Pull when it is woken, which is the only time at which somebody else changes
// the text. Everything else goes on behind it: pushing, catching up after a lost
// connection, and writing what is not saved to a journal, so that it is pushed at the next
// opening, also after the process was killed.
//
// # Storage
//
// A document is a log of edits and a snapshot now and then, in rows of at most some tens of
// KiB: a keystroke writes three small ones. A snapshot is a list of parts of the text, of
// which it shares most with the one before. What is older than 30 days is dropped, apart
// from the text. What that takes, the document does in turns of a bounded number of rows.
//
// A part of an earlier version is read without building the whole text: it is followed
// back through the log to a snapshot. restore stores references to the text of the
// restored version, which is kept as long as the log refers to it. Subscribers see a
// restoration as ordinary edits.
package editor
