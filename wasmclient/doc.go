//go:build js

// Package wasmclient is the client core for JavaScript: a main package for GOOS=js
// and, in the folder js, its face, a plain ES module. See js/lmz.d.ts.
//
// Bytes cross the border between the two, not objects. JavaScript makes the
// promises, encodes and decodes values, and guards what others may call; the Go side
// keeps the connection, its sessions and the frames. There is one function in each
// direction (see border.go and js/border.js, which agree on names and arguments), so
// a call costs no function object and nothing has to be released.
package main
