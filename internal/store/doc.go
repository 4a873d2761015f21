// Package store is the interface between objects and their storage. A turn needs storage
// that commits atomically, can undo one of several turns that share a commit, and reports
// when a commit can no longer be lost, because only then may the turn's sends leave. Package
// object depends only on this interface; sqlite keeps each object in a file, memory keeps
// all of them in memory and can simulate a crash, and storetest has the tests that every
// implementation must pass.
//
// A [Disk] holds the objects of one data directory, a [Store] one object.
//
// # The two ends of a commit
//
// [Store.Commit] returns when the commit is applied: the next turn may begin and sees it.
// Before or after that, its callback reports that the commit is durable, or lost together
// with everything applied after it. SQLite's COMMIT waits for the disk, so there the two
// ends coincide. A store that ships its commits elsewhere returns at once and calls back
// when the other side has acknowledged; meanwhile the object's next turns run, and their
// sends wait in order.
package store
