// Package patterns is how nodes of a mesh work together, one pattern a file, each with a
// test that runs it:
//
//   - oneway.go: two one-way calls instead of one that waits
//   - direct.go: a result that goes straight to who needs it, past the caller; and a
//     worker that a client calls straight
//   - capability.go: admin().forceReset(), a method that returns what may be called next
//   - broadcast.go: one message to many nodes, flat or as a tree
//   - fetch.go: an object that has a worker fetch a URL, and may sleep meanwhile
package patterns
