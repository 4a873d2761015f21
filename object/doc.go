// Package object runs stateful objects. In most systems, state that many clients change at
// once needs locks, transactions and a queue, and a crash between a write and the message
// about it still leaves the two sides in disagreement. An object has a name, its own storage
// and one turn at a time; a turn's writes and sends are kept or lost together, and nothing
// leaves before it is durable. A [Runtime] runs the objects of one data directory; a [Kind]
// configures the objects of one binding; an [Object] gives the code of one instance its
// identity, its [KV] and [SQL] storage, and the calling half of a node.
//
//	objects.Register("COUNTER_DO", object.Kind{New: func(o *object.Object) lmz.Handler {
//		c := &counter{kv: o.KV()}
//		Increment.Expose(&c.Mux, lmz.Anyone, c.increment)
//		return c
//	}})
//
// # Turns
//
// A handler runs while it holds the object's turn; calls get the turn in the order in which
// they arrived. Nothing else runs on the object meanwhile, so its memory needs no locks.
// Waiting in CallRaw ends the turn and the answer begins the next; nothing else does. A
// turn's writes are committed when it has ended, and its messages (calls, sends, the answer)
// leave only once that commit is durable. Each turn is kept or lost as a whole, so a handler
// that waits in CallRaw is not atomic as a whole, and may find the state changed when
// CallRaw returns.
//
// Turns that end while others wait in line share one commit, and so one fsync; it happens
// when nothing is waiting, or before the next turn once the commit is 2 ms old. A turn that
// only read also answers after it, because it may have read data that was not yet durable.
// If the commit fails, so do all calls in it, and the object restarts from what is stored.
//
// A turn whose handler returns an error or panics is rolled back: its writes and sends
// vanish, but those of the turns that share its commit stay. Changes in memory are not
// undone, so make them last.
//
// # Storage
//
// Each object has one file. It holds keys and values ([KV]), and SQL tables ([SQL]), which
// migrations create ([Kind].Schema). Both are written in the same transactions; [Object.Tx]
// undoes a part of a turn. An object that never wrote anything has no file; the first SQL
// statement creates one. Commits are durable: they return when the data is on disk
// ([Kind].Relaxed trades that for speed).
//
// # Time
//
// [Alarms] are work that an object does at a given time, once or repeatedly. Messages to
// other objects, and messages with a reply, are stored with the turn ([Object.Send]), and so
// is work for the end of a client's session ([Object.Watch]). All of these survive the
// closing of the object and the death of the gateway, and need no caller: the data directory
// has an index of the objects that have work to do, and [Runtime.Start] opens only those.
//
// [Runtime.List], [Runtime.Inspect], [Runtime.Backup], [Runtime.Restore] and
// [Runtime.Remove] are for administrators; the lmz objects commands use them. [Service] adds
// your own components to an object.
//
// # The ctx of a handler
//
// The turn is in the ctx that the handler got. Storage requires that ctx, or one derived
// from it, and fails with [ErrNoTurn] once the turn has ended. The ctx itself ends when the
// handler returns: work that takes longer is a Send, or runs with another ctx.
//
// A handler that keeps the turn for a second without using storage is named in the
// log. One that continues after its ctx has ended keeps the turn too; new calls are
// refused with its name until it returns. Other objects are not affected.
//
// Make several calls at once with [Object.Calls], [Go] and [Calls.Wait], which gives up the
// turn once. A goroutine that a handler starts has no turn: storage refuses it by name. It
// may call with the handler's ctx, and its call leaves when the handler's turn has ended, so
// a handler must not wait for it.
package object
