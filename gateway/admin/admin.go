// Package admin has the methods by which programs inspect and administer a gateway: what its
// nodes expose, whether a call would be allowed, and what objects have stored. They are methods of
// the gateway's own node:
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

// Binding is where the gateway itself is: a worker, whose methods are below. They are for clients
// that have signed in; other nodes are refused. A gateway whose clients may call certain bindings
// only has to name this one among them.
const Binding = "LMZ_GATEWAY"

const (
	// GetContract returns what the nodes of the mesh expose, apart from bindings that do
	// not exist for the calling client (Bindings in gateway.ClientOptions).
	GetContract lmz.Method0[Contract] = "contract"

	// Can asks whether the calling client may call the method of the node with these
	// arguments, without doing it. The guards of an object run in a turn that is rolled
	// back, in which it cannot call and nothing is sent. An object that does not exist is
	// not made, and only who may call learns whether it exists.
	Can lmz.Method3[lmz.Address, string, []lmz.Value, Decision] = "can"
)

// Decision is the answer to [Can].
type Decision struct {
	Allowed bool
	Guard   string     // which decided: the one that refused, or the last that was asked
	Error   *lmz.Error `lmz:",omitempty"` // what a call would be refused with
	Code    lmz.Code   // of the error: guard or absent. Anything else means that nobody can say
	Exists  bool       // the call is allowed and the object is there; true for a worker
}
