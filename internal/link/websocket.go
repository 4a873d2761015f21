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
func WebSocket(conn *websocket.Conn, socket *Socket, kind websocket.MessageType, limit int64, goodbye time.Duration) Transport {
	conn.SetReadLimit(limit)
	return &webSocket{conn: conn, socket: socket, kind: kind, goodbye: goodbye}
}

// webSocket is a native socket. What is binary where text belongs is read as an empty message: it
// means nothing in JSON, and is ignored like everything else that means nothing there.
type webSocket struct {
	conn    *websocket.Conn
	socket  *Socket
	kind    websocket.MessageType
	goodbye time.Duration // how long Close waits for the other side's
	scratch []byte        // where Read puts a message until its length is known
}

// forever is the ctx of reads and writes. One that can end costs allocations for each message,
// and [webSocket.Close] ends both anyway.
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

// maxScratch is the longest message that is read into a buffer which the link keeps, and then
// copied: so a short message costs one allocation of its own length.
const maxScratch = 4 << 10

// readAll reads one message into a buffer of its own.
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

// How long the other side may take to say goodbye as well. Who dialled waits for nobody:
// some servers never do. A server gives a slow line time to read why it closes.
const (
	DialerGoodbye = 250 * time.Millisecond
	ServerGoodbye = 5 * time.Second
)

func (t *webSocket) Close(code int, reason string) error {
	// conn waits for all bytes of a frame that has begun, however many it is said to
	// have and however long they take.
	force := time.AfterFunc(t.goodbye, func() { t.socket.Close() })
	defer force.Stop()
	return t.conn.Close(websocket.StatusCode(code), Reason(reason))
}
