package gateway

import (
	"context"
	"net/http"
	"slices"

	"github.com/lumenize/lmz"
)

// ClientOptions are the rules of one binding under which clients connect. With the zero value
// a token decides who may connect, the instance name must be "{sub}.{tab}", and clients may
// call every binding.
//
// The functions are hooks. They are called from many goroutines. An error or a panic refuses.
// Hooks that see calls delay the calls that follow: they should be quick, and must not wait
// for a client.
type ClientOptions struct {
	// Bindings are those that the clients may call; others do not exist for them. Nil means
	// all. HTTP requests to objects are subject to the Bindings of [Options].Binding.
	Bindings []string

	// BeforeConnect sees the request of a client that wants to connect, before its token is
	// checked. It may return the client's identity itself, for instance from a cookie or a
	// certificate: then the client needs no token. Nil and no error leaves the decision to the
	// token. An error refuses; see [Refusal]. The address of a client that leaves its subject
	// to the gateway has "~" in its place.
	BeforeConnect func(r *http.Request, client lmz.Address) (*lmz.Auth, error)

	// BeforeAccept decides whether auth may connect under an instance name, and returns claims
	// to add to those of auth, which it must not modify. It is called again for each new token
	// on the connection. An error refuses; see [Refusal]. The default is
	// InstanceName("{sub}.{tab}"); a hook that replaces it must check the name.
	BeforeAccept func(ctx context.Context, client lmz.Address, auth *lmz.Auth) (claims map[string]any, err error)

	// BeforeCallToMesh sees each call of a client. ctx carries the call context that the callee
	// will get: [lmz.SetState] adds to its state, as a trusted node. Its error reaches the
	// client like that of a guard.
	BeforeCallToMesh func(ctx context.Context, call *Call) error

	// BeforeCallToClient sees each call to a client. ctx carries the call context that the
	// client will get, as above. Its error reaches the caller like that of a guard.
	BeforeCallToClient func(ctx context.Context, call *Call) error
}

// front is a binding under which clients connect.
type front struct {
	gateway *Gateway
	binding string
	options ClientOptions
}

// HandleClients registers another binding under which clients connect, at its own path and
// with its own rules, in addition to that of [Options]. It panics if the name is empty or
// taken. Call it before the gateway serves.
func (g *Gateway) HandleClients(binding string, o ClientOptions) {
	g.mustBeFree(binding)
	if o.BeforeAccept == nil {
		o.BeforeAccept = InstanceName("{sub}.{tab}")
	}
	o.Bindings = slices.Clone(o.Bindings)
	g.fronts[binding] = &front{g, binding, o}
}

// Binding returns the binding.
func (f *front) Binding() string { return f.binding }
