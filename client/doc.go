// Package client is a node outside the gateway: a Go program, a terminal or, with
// GOOS=js, a browser tab. A [Peer] has an address, calls other nodes and is called
// by them. Sockets come and go under it: it reconnects by itself, goes on with its
// session where it can, and says when it must subscribe again where it cannot.
package client
