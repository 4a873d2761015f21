//go:build !js

package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
)

// fillRandom fills b with unpredictable bytes.
func fillRandom(b []byte) { rand.Read(b) } // it never fails (package crypto/rand)

// blind says whether the platform hides the status of a refused upgrade.
const blind = false

// dialWebSocket opens a WebSocket.
func dialWebSocket(ctx context.Context, url string, protocols []string) (Transport, error) {
	return dialWith(ctx, nil, url, protocols)
}

// DialWith returns an Options.Dial that opens sockets with c, for proxies, private root
// certificates and networks in memory.
func DialWith(c *http.Client) func(context.Context, string, []string) (Transport, error) {
	return func(ctx context.Context, url string, protocols []string) (Transport, error) {
		return dialWith(ctx, c, url, protocols)
	}
}

func dialWith(ctx context.Context, c *http.Client, url string, protocols []string) (Transport, error) {
	if c == nil {
		c = http.DefaultClient
	}
	using, upgrade := *c, &upgrader{transport: c.Transport}
	using.Transport = upgrade
	conn, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: &using, Subprotocols: protocols})
	if err != nil {
		return nil, dialError(response, err)
	}
	switch conn.Subprotocol() {
	case proto.SubprotocolCBOR:
		return batchSocket{newSocket(conn, upgrade.socket, websocket.MessageBinary)}, nil
	case proto.SubprotocolJSON:
		return newSocket(conn, upgrade.socket, websocket.MessageText), nil
	}
	conn.CloseNow()
	return nil, &DialError{Err: errors.New("the server speaks neither " + proto.SubprotocolCBOR + " nor " + proto.SubprotocolJSON)}
}

// socket adapts a native WebSocket to this package's interface.
type socket struct {
	link.Transport
	subprotocol string
}

func newSocket(conn *websocket.Conn, c *link.Socket, kind websocket.MessageType) *socket {
	return &socket{link.WebSocket(conn, c, kind, proto.MaxFrame, link.DialerGoodbye), conn.Subprotocol()}
}

// Subprotocol returns the one that the server chose.
func (s *socket) Subprotocol() string { return s.subprotocol }

// Read implements [Transport].
func (s *socket) Read() ([]byte, error) {
	message, err := s.Transport.Read()
	if closed, ok := err.(*link.CloseError); ok {
		return nil, (*CloseError)(closed)
	}
	return message, err
}

// batchSocket is a socket whose messages are acknowledged, so that one write may combine
// several.
type batchSocket struct{ *socket }

// WriteAll implements [link.Batcher].
func (s batchSocket) WriteAll(messages [][]byte) error {
	return s.Transport.(link.Batcher).WriteAll(messages)
}

// upgrader keeps the socket of the last response, which an upgrade takes over.
type upgrader struct {
	transport http.RoundTripper // nil means the default
	socket    *link.Socket
}

// RoundTrip implements [http.RoundTripper].
func (u *upgrader) RoundTrip(r *http.Request) (*http.Response, error) {
	transport := u.transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if stream, ok := response.Body.(io.ReadWriteCloser); ok { // as after an upgrade
		u.socket = link.NewSocket(stream)
		response.Body = u.socket
	}
	return response, nil
}

// dialError returns the gateway's response to a refused upgrade as an error.
func dialError(response *http.Response, err error) error {
	if response == nil || response.StatusCode == http.StatusSwitchingProtocols {
		return &DialError{Err: err}
	}
	e := &DialError{Status: response.StatusCode, Err: err}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 && seconds < 1<<20 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
	var problem struct {
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &problem) == nil && problem.Description != "" {
		e.Reason = problem.Description
	} else {
		e.Reason, _, _ = strings.Cut(strings.TrimSpace(string(body)), "\n")
	}
	return e
}
