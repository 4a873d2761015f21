//go:build js

// Package wasmclient makes JavaScript programs nodes of the mesh with the same client core as
// Go programs: it is a main package for GOOS=js and, in the folder js, an ES module that
// programs import. See js/lmz.d.ts.
//
// Only bytes cross the border between the two, never objects. JavaScript makes promises,
// encodes and decodes values, and checks which methods others may call. Go handles the
// connection, its sessions and the frames. There is one function in each direction (border.go
// and js/border.js agree on names and arguments), so a call needs no function object, and
// nothing has to be released. With the build tag text, the module also has the sync engine
// of the editor (text.go), which web/page/sync.js uses.
package main
