// Package store is the seam between objects and where their state is kept. A turn needs
// storage that commits all or nothing, undoes one turn of several that share a commit, and
// says when a commit can no longer be lost, because only then may what the turn sent leave.
// Package object knows no more of storage than this package says; sqlite keeps each object in
// a file, memory keeps all of them in a process and can crash, and storetest has the tests
// that every implementation passes.
//
// A [Disk] has the objects of one data directory, a [Store] has one object.
//
// # The two ends of a commit
//
// [Store.Commit] returns when the commit is applied: the next turn may begin and sees it. Its
// callback says, later or before that, that the commit is durable, or lost with everything
// that was applied after it. SQLite's COMMIT waits for the disk, so both ends are one moment
// there. A store that ships its commits elsewhere returns at once and calls back when the
// other side has acknowledged; meanwhile the object's next turns run, and what they send
// waits in order.
package store
