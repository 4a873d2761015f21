// Package object runs objects: nodes with a name, a state of their own and one
// turn at a time. A [Runtime] keeps the objects of one data directory; a [Kind]
// says how the objects of one binding are made; an [Object] is what the code of
// one instance gets: its identity, its [KV] storage and the calling half of a
// node.
//
//	objects.Register("COUNTER_DO", object.Kind{New: func(o *object.Object) lmz.Handler {
//		c := &counter{kv: o.KV()}
//		Increment.Expose(&c.Mux, lmz.Anyone, c.increment)
//		return c
//	}})
//
// # Turns
//
// A handler runs while it holds the object's turn, which is given in the order in
// which calls arrived. Nobody else runs on the object then, so memory needs no
// locks. Waiting in CallRaw ends the turn and the answer begins the next; nothing
// else does. What a turn wrote is committed when it has ended, and what it sent
// (calls, sends, the answer) leaves only when that is on disk. Each turn is kept or
// lost as a whole, so a handler that waits in CallRaw is not atomic as a whole, and
// may find the state changed when CallRaw returns.
//
// Turns that end while others wait in the line share one commit, and so one fsync;
// it is made when nobody waits any more, or before a turn begins once it is 2 ms
// old. A turn that only read answers after it too, because it may have read what was
// not on disk yet. If the commit fails, so do all calls in it, and the object starts
// anew from what is on disk.
//
// A turn whose handler returns an error or panics is rolled back: its writes and
// sends vanish, and those of the turns it shares a commit with stay. What it changed
// in memory stays changed, so change that last.
//
// # Storage
//
// What an object stores is in one file of its own: keys and values ([KV]), and SQL
// tables ([SQL]), which migrations make ([Kind].Schema). Both are written in the same
// transactions; [Object.Tx] takes back a part of a turn. An object that never wrote
// has no file; the first SQL statement makes one. Commits are durable: they return when
// the data is on disk ([Kind].Relaxed trades that for speed).
//
// # Time
//
// [Alarms] are work that an object does at a time, once or again and again. What it
// sends to other objects, and what it wants a reply to, is stored with the turn
// ([Object.Send]), and so is what waits for the end of a client's session
// ([Object.Watch]). All that survives the closing of the object and the death of the
// gateway, and needs nobody to call: the data directory has an index of the objects
// that have something to do, and [Runtime.Start] opens those, and no others.
//
// [Runtime.List], [Runtime.Inspect], [Runtime.Backup], [Runtime.Restore] and [Runtime.Remove] are
// for administrators; lmz objects has them as commands. [Service] gives an object parts of your
// own making.
//
// # The ctx of a handler
//
// The turn is in the ctx that the handler got. Storage wants that ctx, or one
// derived from it, and fails with [ErrNoTurn] once the turn has ended. The ctx
// itself ends when the handler returns: what goes on longer is a Send, or runs
// with a ctx of its own.
//
// A handler that keeps the turn for a second without using storage is named in the
// log. One that goes on after its ctx has ended keeps the turn too; new calls are
// refused with its name until it returns. Other objects do not notice.
//
// Several calls at once are [Object.Calls], [Go] and [Calls.Wait], which gives up the
// turn once. A goroutine that a handler starts has no turn: storage refuses it by name.
// It may call with the handler's ctx, and its call leaves when the handler's turn has
// ended, so a handler must not wait for it.
package object
