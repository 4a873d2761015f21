// Package gateway lets clients into a mesh, and decides whose they are. It is the trust
// boundary: it takes the identity of a client from a verified token or from a hook, and carries
// calls between clients, workers and objects, and HTTP requests to objects. Whatever a client
// claims about itself is dropped, or marked as its claim ([lmz.CallContext].ClientState).
//
// A [Gateway] is an http.Handler for the paths below Options.Prefix. The same server may serve
// anything else. [ClientOptions] are the rules of a binding under which clients connect.
//
// # Errors
//
// New and Close return the errors of the data directory, such as object.ErrInUse. What clients
// and callers get:
//
//	error                                        who gets it, and why
//	a *Refusal, or 401 or 403                    a client or request that a rule did not admit
//	429 with Retry-After                         one that exceeds Budget.Connects
//	lmz.ErrNotExecuted (absent)                  a caller: no such binding, or not for this client
//	lmz.ErrNotExecuted (guard)                   a caller: a hook refused the call
//	lmz.ErrRateLimited, lmz.ErrQuotaExceeded     a caller over its Budget
//	lmz.ErrBusy                                  a client with too many calls in flight
//	lmz.DisconnectedClient                       the caller of a client whose session has ended
//	NotAdminError, NoObjectError                 callers of the methods in package admin
package gateway
