// Package admin has the methods by which programs inspect and administer a gateway: what its
// nodes expose, whether a call would be allowed, and what objects have stored. They are
// methods of the gateway's own node:
//
//	page, err := admin.ListObjects.Call(ctx, peer, lmz.Worker(admin.Binding), "DOC", "", 0)
//
// Most of them are for administrators: clients whose token has the claim isAdmin.
//
// # Errors
//
//	a *lmz.Error called [NotAdmin]    the caller is not an administrator
//	a *lmz.Error called [NoObject]    there is no such object or binding
//	lmz.ErrNotExecuted (absent)       the clients of this binding may not call [Binding]
package admin

import "github.com/lumenize/lmz"

// Binding is the binding of the gateway itself: a worker with the methods below. Only clients
// that have signed in may call it. A gateway that restricts Bindings in gateway.ClientOptions
// must include it.
const Binding = "LMZ_GATEWAY"

const (
	// GetContract returns what the nodes of the mesh expose, except bindings that do not exist
	// for the calling client (Bindings in gateway.ClientOptions).
	GetContract lmz.Method0[Contract] = "contract"

	// Can reports whether the calling client may call the method of the node with these
	// arguments, without calling it. The guards of an object run in a turn that is rolled back,
	// in which they cannot call and nothing is sent. An object that does not exist is not
	// created, and only callers who are allowed learn whether it exists.
	Can lmz.Method3[lmz.Address, string, []lmz.Value, Decision] = "can"
)

// Decision is the answer to [Can].
type Decision struct {
	Allowed bool
	Guard   string     // the guard that decided: the one that refused, or the last to run
	Error   *lmz.Error `lmz:",omitempty"` // the error that a call would get
	Code    lmz.Code   // of the error: guard or absent; anything else means that the answer is unknown
	Exists  bool       // the call is allowed and the object exists; true for a worker
}
