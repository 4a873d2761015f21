// Package lmz lets programs on different machines call each other's methods as peers: objects
// that keep state, stateless workers, and clients such as a terminal or a browser tab, which
// are called back over the connection that they opened. A caller learns whether a failed call
// ran, and a method learns who called it, on whose behalf and through which hops.
//
// This package is the vocabulary that all nodes share: addresses, continuations, handlers and
// guards, call context, values and errors. It does no I/O.
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
// Nothing is callable unless it is exposed: the table in the [Mux] is the security boundary,
// and each method has a [Guard], an argument that cannot be omitted. Guards and methods find
// the caller in their ctx: [CallContextFrom].
//
// Package client is a node outside the gateway, package object a stateful node inside it, and
// package gateway connects them.
//
// # Errors
//
// The code of an [Error] says who failed, and with that whether the method can have run. The
// class name says why, in every language:
//
//	errors.Is(err, ...)     code or class name      what happened              what to do
//	                        callee                  the method failed          read the error
//	lmz.ErrNotExecuted      guard, absent, gateway  the method did not run     call again
//	lmz.ErrOutcomeUnknown   unknown                 it may have run            find out
//	lmz.ErrBusy             BusyError               the callee is overloaded   call again later
//	lmz.ErrQueueFull        QueueFullError          too many wait to be sent   wait to be connected
//	lmz.ErrTooLarge         TooLargeError           it does not fit in a frame send less at once
//	lmz.ErrRateLimited      RateLimitedError        too many calls             wait for RetryAfter
//	lmz.ErrQuotaExceeded    QuotaExceededError      a budget is used up        free some of it
//	lmz.DisconnectedClient  ClientDisconnectedError the client's session ended unsubscribe it
//
// Errors of an application cross the mesh as *[Error] ([Errorf]), or with their own type
// ([RegisterError]). Any other error reaches the caller as "internal error".
package lmz
