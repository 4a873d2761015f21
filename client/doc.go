// Package client connects a program to a mesh. A Go program, a terminal or, with GOOS=js, a
// browser tab calls objects, workers and other clients, and is called by them, over a network
// that may come and go.
//
// A [Peer] has an address and keeps itself connected. It resumes its session after a lost
// connection, so no call is lost or executed twice. If the session has ended it asks the
// program to subscribe again ([Options].OnSubscriptionRequired).
//
// # Errors
//
// A call returns the errors of package lmz. A call that the peer itself gave up wraps one of
// these as well, and [Peer.Connect] returns them:
//
//	error                         what happened                     what to do
//	ErrLoginRequired              the gateway refused the user      sign in, then Connect
//	ErrSuperseded                 a newer client has the address    stop, or Connect to take it back
//	ErrClosed                     Close was called                  create a new peer
//	*LoginRequiredError           as ErrLoginRequired, with a code  sign in, then Connect
//	*DialError                    no connection could be opened     nothing: the peer tries again
//	*CloseError                   the gateway closed the socket     nothing: the peer tries again
//	context.DeadlineExceeded      the call's deadline passed        see the code of the lmz.Error
package client
