// Package gateway admits clients to a mesh and establishes their identity. It is the trust
// boundary: it takes the identity of a client from a verified token or from a hook, and
// carries calls between clients, workers and objects, and HTTP requests to objects. It drops
// whatever a client claims about itself, or marks it as a claim
// ([lmz.CallContext].ClientState).
//
// A [Gateway] is an http.Handler for the paths below Options.Prefix; the same server may
// serve other paths. [ClientOptions] are the rules of a binding under which clients connect.
//
// # Errors
//
// New and Close return errors of the data directory, such as object.ErrInUse. Clients and
// callers get these:
//
//	error                                        recipient and reason
//	a *Refusal, or 401 or 403                    a client or request that the rules do not admit
//	429 with Retry-After                         a client that exceeds Budget.Connects
//	lmz.ErrNotExecuted (absent)                  a caller: no such binding, or hidden from this client
//	lmz.ErrNotExecuted (guard)                   a caller: a hook refused the call
//	lmz.ErrRateLimited, lmz.ErrQuotaExceeded     a caller over its Budget
//	lmz.ErrBusy                                  a client with too many calls in flight
//	lmz.DisconnectedClient                       the caller of a client whose session has ended
//	NotAdminError, NoObjectError                 callers of the methods in package admin
package gateway
