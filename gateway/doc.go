// Package gateway takes clients into the mesh. It is the trust boundary: it alone
// says who a client is, from a verified token, and carries calls between clients,
// workers and objects. A [Gateway] is an http.Handler for one path of a server that
// may serve anything else beside it.
package gateway
