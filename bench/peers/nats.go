package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

func serveNATS(string) (string, func(), error) {
	return runNATS(server.Options{}, func(s *server.Server) string { return s.ClientURL() })
}

func serveNATSOverWebSocket(string) (string, func(), error) {
	o := server.Options{Websocket: server.WebsocketOpts{Host: "127.0.0.1", Port: -1, NoTLS: true}}
	return runNATS(o, func(s *server.Server) string { return s.WebsocketURL() })
}

// runNATS starts a server, and within its process a service that answers: the fewest hops
// that NATS can have.
func runNATS(o server.Options, url func(*server.Server) string) (string, func(), error) {
	o.Host, o.Port, o.NoSigs, o.NoLog = "127.0.0.1", -1, true, true
	s, err := server.NewServer(&o)
	if err != nil {
		return "", nil, err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return "", nil, fmt.Errorf("NATS does not start")
	}
	service, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return "", nil, err
	}
	answer := make([]byte, answered)
	if _, err := service.Subscribe("echo", func(m *nats.Msg) { m.Respond(answer) }); err != nil {
		return "", nil, err
	}
	return url(s), func() { service.Close(); s.Shutdown() }, service.Flush()
}

type natsConn struct{ *nats.Conn }

func dialNATS(_ context.Context, url string) (conn, error) {
	c, err := nats.Connect(url)
	return natsConn{c}, err
}

func (c natsConn) call(ctx context.Context, request []byte) error {
	_, err := c.RequestWithContext(ctx, "echo", request)
	return err
}

func (c natsConn) join(_ context.Context, heard func()) error {
	if _, err := c.Subscribe("room", func(*nats.Msg) { heard() }); err != nil {
		return err
	}
	return c.Flush()
}

func (c natsConn) say(_ context.Context, message []byte) error {
	if err := c.Publish("room", message); err != nil {
		return err
	}
	return c.Flush()
}

func (c natsConn) close() { c.Close() }
