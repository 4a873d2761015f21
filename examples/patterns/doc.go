// Package patterns shows how nodes of a mesh work together, one pattern per file, each with a
// test that runs it:
//
//   - oneway.go: two one-way calls instead of one that waits
//   - direct.go: a result that bypasses the caller and goes directly to the node that needs it;
//     and a worker that a client calls directly
//   - capability.go: admin().forceReset(), a method that returns a handler to call next
//   - broadcast.go: one stored message to many nodes; the sender drops those that are gone
//   - fetch.go: an object that fetches a URL through a worker, and may be closed meanwhile
package patterns
