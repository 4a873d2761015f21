// Package editor lets people edit documents together, in a terminal or a browser, online
// and offline. It is the full version of the tutorial's collaborative editor: a [Document]
// object keeps a text and orders everybody's edits, a [SpellCheck] worker sends its findings
// straight to the author, a [Workspace] object lists the documents, and an [OpenDocument] is
// a document that a client has open.
//
// # The contract
//
// A document takes edits in CodeMirror's form (see package text) and gives each a version.
// Positions count UTF-16 units, and texts are transferred in parts of 64 KiB:
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
// It calls its subscribers:
//
//	handleEdits(document, made)    the new edits, in order, including their own
//	handlePresence(document, {clientID, name, color, version, anchor, head, gone, moment})
//
// The spell checker calls only the author:
//
//	handleSpelling(document, {version, checked: [{from, to}],
//		found: [{from, to, word, suggestions}]})
//
// The workspace lists the documents, in the byte order of their names:
//
//	list(after, limit)             {names, next}; next is the after of the next page, '' at the end
//	documents()                    the names of the first page
//
// The name of a new document has at most 256 bytes.
//
// An edit is identified by its clientID, which is random and new at each opening, and its
// number, which counts from 1. An edit that is pushed again, however late, is applied once.
// A push may be based on any version of the last 30 days: the document rebases it. An older
// or impossible push fails with an error named EditRefused, and none of its edits is
// applied; its editor still has the text. An edit inserts at most 64 KiB.
//
// The only line break is "\n". The document applies an edit that inserts "\r\n" or "\r"
// unchanged, and then replaces these with its own edit.
//
// A client has one editor in a document; presenting another one replaces it. People appear
// under the part of their address before the @, unless two people who ever used the
// document share it: then under the whole address, in versions too. One call may run at
// most 20 methods of a document, fewer if they are expensive.
//
// # An editor
//
// [Desk] is the handler of a client that has documents open, and [Desk.Open] opens one:
//
//	desk := editor.NewDesk()
//	peer, err := client.New(client.Options{
//		URL: url, Token: token, Handler: desk,
//		OnSubscriptionRequired: desk.SubscriptionRequired, OnMissed: desk.Missed,
//	})
//	...
//	doc, err := desk.Open(peer, editor.OpenOptions{
//		Document: "notes", Wake: wake, Journal: save, Restore: saved,
//	})
//
// The screen draws doc.Text(), passes the user's actions to Edit, Undo and SetCursor, and
// calls Pull after each Wake. Edits of others change the text only within Pull. The open
// document pushes, catches up after a lost connection, and writes unsaved edits to a
// journal, from which the next opening pushes them even if the process was killed.
// [text.Sync] decides what it does when, in the browser page too.
//
// # Storage
//
// A document is stored as a log of edits with occasional snapshots, in rows of at most some
// tens of KiB; a keystroke writes three small rows. A snapshot is a list of parts of the
// text, most of which it shares with the previous snapshot. The document drops everything
// older than 30 days, except the text, in turns that touch a bounded number of rows.
//
// Reading a part of an earlier version does not build the whole text: the document traces
// the part back through the log to a snapshot. restore stores references to the text of the
// restored version, which is kept as long as the log refers to it. Subscribers see a
// restoration as ordinary edits.
package editor
