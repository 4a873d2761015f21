// Package patterns shows how nodes of a mesh work together, one pattern per file, each with a
// test that runs it:
//
//   - oneway.go: two one-way calls instead of one that waits
//   - direct.go: a result that goes straight to the node that needs it, past the caller; and a
//     worker that a client calls straight
//   - capability.go: admin().forceReset(), a method that returns what may be called next
//   - broadcast.go: one stored message to many nodes, which drops those that are gone
//   - fetch.go: an object that lets a worker fetch a URL, and may be closed meanwhile
package patterns
