//go:build !js

package link

import (
	"bytes"
	"context"
	"errors"

	"github.com/coder/websocket"
)

// WebSocket is conn as a [Transport] that takes binary messages of at most limit
// bytes.
func WebSocket(conn *websocket.Conn, limit int64) Transport {
	conn.SetReadLimit(limit)
	t := &webSocket{conn: conn}
	t.ctx, t.cancel = context.WithCancel(context.Background()) // a call's ctx would close the socket
	return t
}

// webSocket is a native socket.
type webSocket struct {
	conn   *websocket.Conn
	ctx    context.Context // the socket's life
	cancel context.CancelFunc
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
	if kind != websocket.MessageBinary {
		return nil, errors.New("a text message where only binary ones belong")
	}
	return b.Bytes(), nil
}

func closeError(err error) error {
	var e websocket.CloseError
	if errors.As(err, &e) {
		return &CloseError{Code: int(e.Code), Reason: e.Reason}
	}
	return err
}

func (t *webSocket) Write(message []byte) error {
	return t.conn.Write(t.ctx, websocket.MessageBinary, message)
}

func (t *webSocket) Close(code int, reason string) error {
	defer t.cancel()
	return t.conn.Close(websocket.StatusCode(code), reason)
}
