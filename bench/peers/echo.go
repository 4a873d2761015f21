package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// serveEcho runs the least that a WebSocket server can do: it answers every message with its
// number and so many bytes.
func serveEcho(string) (string, func(), error) {
	return listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer socket.CloseNow()
		answer := make([]byte, answered)
		for {
			_, request, err := socket.Read(context.Background())
			if err != nil {
				return
			}
			copy(answer, request[:4])
			if socket.Write(context.Background(), websocket.MessageBinary, answer) != nil {
				return
			}
		}
	}))
}

// listen serves HTTP on a free port of this machine.
func listen(h http.Handler) (string, func(), error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h}
	go server.Serve(listener)
	return "http://" + listener.Addr().String(), func() { server.Close() }, nil
}

// echoConn numbers its calls and finds them by these numbers.
type echoConn struct {
	socket *websocket.Conn
	mu     sync.Mutex // guards calls and last
	calls  map[uint32]chan struct{}
	last   uint32
}

func dialEcho(ctx context.Context, url string) (conn, error) {
	socket, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	c := &echoConn{socket: socket, calls: map[uint32]chan struct{}{}}
	go c.read()
	return c, nil
}

func (c *echoConn) read() {
	for {
		_, answer, err := c.socket.Read(context.Background())
		if err != nil {
			return
		}
		number := binary.BigEndian.Uint32(answer)
		c.mu.Lock()
		done := c.calls[number]
		delete(c.calls, number)
		c.mu.Unlock()
		done <- struct{}{}
	}
}

func (c *echoConn) call(_ context.Context, request []byte) error {
	done := make(chan struct{}, 1)
	c.mu.Lock()
	c.last++
	number := c.last
	c.calls[number] = done
	c.mu.Unlock()
	message := make([]byte, len(request))
	binary.BigEndian.PutUint32(message, number)
	if err := c.socket.Write(context.Background(), websocket.MessageBinary, message); err != nil {
		return err
	}
	<-done
	return nil
}

func (c *echoConn) join(context.Context, func()) error { return errors.ErrUnsupported }
func (c *echoConn) say(context.Context, []byte) error  { return errors.ErrUnsupported }
func (c *echoConn) close()                             { c.socket.CloseNow() }
