package main

import "context"

// A call asks with 200 bytes and is answered with 100.
const (
	asked    = 200
	answered = 100
)

// A system is one of those compared.
type system struct {
	name  string
	serve func(dir string) (url string, stop func(), err error)
	dial  func(ctx context.Context, url string) (conn, error)
}

// A conn is one client. Its methods may be called by several goroutines.
type conn interface {
	// call asks with a request and waits for the answer.
	call(ctx context.Context, request []byte) error

	// join has the client hear every message.
	join(ctx context.Context, heard func()) error

	// say sends a message to all that have joined.
	say(ctx context.Context, message []byte) error

	close()
}

const (
	echoName     = "bare echo"
	natsName     = "NATS"
	natsWSName   = "NATS over WebSocket"
	workerName   = "lmz worker"
	objectName   = "lmz object"
	writeName    = "lmz object, durable"
	unsyncedName = "lmz object, no sync"
)

var systems = []system{
	{echoName, serveEcho, dialEcho},
	{natsName, serveNATS, dialNATS},
	{natsWSName, serveNATSOverWebSocket, dialNATS},
	{workerName, serveLmz, dialWorker},
	{objectName, serveLmz, dialObject},
	{unsyncedName, serveLmz, dialUnsynced},
	{writeName, serveLmz, dialWriting},
}
