// Package gateway takes clients into the mesh. It is the trust boundary: it alone
// says who a client is, from a verified token or from what a hook knows, and carries
// calls between clients, workers and objects, and HTTP requests to objects. What a
// client says of itself is dropped, or marked as its word ([lmz.CallContext]); [ClientOptions]
// add rules.
//
// A [Gateway] is an http.Handler for the paths below Options.Prefix, of a server that may
// serve anything else beside it.
package gateway
