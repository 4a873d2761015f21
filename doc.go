// Package lmz is the vocabulary of Lumenize Mesh: addresses, continuations,
// handlers and guards, call context, values and errors. It does no I/O and
// imports nothing but the standard library, so every node speaks it: an object
// or a worker inside a gateway, a Go program, a terminal, a browser tab.
//
// A node is two things. It is a [Handler], what others may call:
//
//	const Update lmz.Method1[string, struct{}] = "update"
//
//	var mux lmz.Mux
//	Update.Expose(&mux, doc.requireSubscriber, doc.update, lmz.Params("text"))
//
// and it has a [Caller], what it may call:
//
//	_, err := Update.Call(ctx, peer, lmz.At("DOCUMENT_DO", "notes"), "text")
//
// Nothing is callable unless it is exposed: the table in the [Mux] is the
// security boundary, and the guard of each method is an argument that cannot be
// left out. Who called, on whose behalf and by which way is in the context:
// [CallContextFrom].
//
// Package client is a node outside the gateway, package object a stateful node
// inside it, package gateway takes clients in.
package lmz
