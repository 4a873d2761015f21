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

// WebSocket returns conn, which runs over socket, as a [Transport] of messages of one kind,
// with at most limit bytes. Close waits for the other side's close frame, but no longer than
// goodbye.
func WebSocket(conn *websocket.Conn, socket *Socket, kind websocket.MessageType, limit int64, goodbye time.Duration) Transport {
	conn.SetReadLimit(limit)
	return &webSocket{conn: conn, socket: socket, kind: kind, goodbye: goodbye}
}

// webSocket is a native socket. It reads a binary message where text belongs as an empty one,
// which means nothing in JSON and is ignored like any other meaningless message.
type webSocket struct {
	conn    *websocket.Conn
	socket  *Socket
	kind    websocket.MessageType
	goodbye time.Duration // how long Close waits for the other side's close frame
	scratch []byte        // buffers a message until its length is known
}

// forever is the ctx of reads and writes. One that can end would cost allocations for each
// message, and [webSocket.Close] ends both anyway.
var forever = context.Background()

func (t *webSocket) Read() ([]byte, error) {
	kind, r, err := t.conn.Reader(forever)
	if err != nil {
		return nil, closeError(err)
	}
	message, err := t.readAll(r)
	if err != nil {
		return nil, closeError(err)
	}
	if kind == websocket.MessageBinary && t.kind == websocket.MessageText {
		return nil, nil
	}
	if kind != t.kind {
		return nil, errors.New("a " + kind.String() + " where only a " + t.kind.String() + " belongs")
	}
	return message, nil
}

// maxScratch is the longest message that is read into the reused buffer and then copied, so
// that a short message costs one allocation of its exact length.
const maxScratch = 4 << 10

// readAll reads one message into a new buffer.
func (t *webSocket) readAll(r io.Reader) ([]byte, error) {
	if t.scratch == nil {
		t.scratch = make([]byte, 512)
	}
	for n := 0; ; {
		got, err := r.Read(t.scratch[n:])
		n += got
		switch {
		case err == io.EOF:
			return bytes.Clone(t.scratch[:n]), nil
		case err != nil:
			return nil, err
		case n < len(t.scratch):
		case n < maxScratch:
			t.scratch = append(t.scratch, make([]byte, len(t.scratch))...)
		default:
			b := bytes.NewBuffer(bytes.Clone(t.scratch))
			_, err := b.ReadFrom(r)
			return b.Bytes(), err
		}
	}
}

// Subprotocol returns the negotiated subprotocol.
func (t *webSocket) Subprotocol() string { return t.conn.Subprotocol() }

func closeError(err error) error {
	var e websocket.CloseError
	if errors.As(err, &e) {
		return &CloseError{Code: int(e.Code), Reason: e.Reason}
	}
	return err
}

func (t *webSocket) Write(message []byte) error {
	return t.conn.Write(forever, t.kind, message)
}

// WriteAll implements [Batcher].
func (t *webSocket) WriteAll(messages [][]byte) error {
	t.socket.hold()
	for _, m := range messages {
		if err := t.Write(m); err != nil {
			t.socket.release()
			return err
		}
	}
	return t.socket.release()
}

// How long the other side may take to answer a close frame. A client does not wait long,
// because some servers never answer. A server gives a slow line time to read why it closes.
const (
	DialerGoodbye = 250 * time.Millisecond
	ServerGoodbye = 5 * time.Second
)

func (t *webSocket) Close(code int, reason string) error {
	// conn waits for the rest of a frame that has begun, whatever its declared length and
	// however long that takes.
	force := time.AfterFunc(t.goodbye, func() { t.socket.Close() })
	defer force.Stop()
	return t.conn.Close(websocket.StatusCode(code), Reason(reason))
}
