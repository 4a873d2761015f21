//go:build !js

package link

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/coder/websocket"
)

// WebSocket is conn, which socket carries, as a [Transport] of messages of one kind, of
// at most limit bytes. Close waits for the other side's goodbye, but not longer than goodbye.
func WebSocket(conn *websocket.Conn, socket io.Closer, kind websocket.MessageType, limit int64, goodbye time.Duration) Transport {
	conn.SetReadLimit(limit)
	t := &webSocket{conn: conn, socket: socket, kind: kind, goodbye: goodbye}
	t.ctx, t.cancel = context.WithCancel(context.Background()) // a call's ctx would close the socket
	return t
}

// webSocket is a native socket. What is binary where text belongs is read as an empty message: it
// means nothing in JSON, and is ignored like everything else that means nothing there.
type webSocket struct {
	conn    *websocket.Conn
	socket  io.Closer
	kind    websocket.MessageType
	goodbye time.Duration   // how long Close waits for the other side's
	ctx     context.Context // the socket's life
	cancel  context.CancelFunc
}

func (t *webSocket) Read() ([]byte, error) {
	kind, r, err := t.conn.Reader(t.ctx)
	if err != nil {
		return nil, closeError(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		return nil, closeError(err)
	}
	if kind == websocket.MessageBinary && t.kind == websocket.MessageText {
		return nil, nil
	}
	if kind != t.kind {
		return nil, errors.New("a " + kind.String() + " where only a " + t.kind.String() + " belongs")
	}
	return b.Bytes(), nil
}

// Subprotocol returns what the two ends agreed on.
func (t *webSocket) Subprotocol() string { return t.conn.Subprotocol() }

func closeError(err error) error {
	var e websocket.CloseError
	if errors.As(err, &e) {
		return &CloseError{Code: int(e.Code), Reason: e.Reason}
	}
	return err
}

func (t *webSocket) Write(message []byte) error {
	return t.conn.Write(t.ctx, t.kind, message)
}

// How long the other side may take to say goodbye as well. Who dialled waits for nobody:
// some servers never do. A server gives a slow line time to read why it closes.
const (
	DialerGoodbye = 250 * time.Millisecond
	ServerGoodbye = 5 * time.Second
)

func (t *webSocket) Close(code int, reason string) error {
	defer t.cancel()
	// conn waits for all bytes of a frame that has begun, however many it is said to
	// have and however long they take.
	force := time.AfterFunc(t.goodbye, func() { t.socket.Close() })
	defer force.Stop()
	return t.conn.Close(websocket.StatusCode(code), Reason(reason))
}
