//go:build !js

package conform

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"

	"github.com/coder/websocket"
)

// NewServer returns the server of the suite.
func NewServer() http.Handler {
	s := &server{told: make(map[string]chan string), now: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("/refused", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for path, serve := range map[string]func(context.Context, *websocket.Conn, *http.Request){
		"/echo": s.echo, "/text": s.echo, "/odd": s.odd, "/burst": s.burst, "/tell": s.tell, "/told": s.answer, "/late": s.late,
		"/now": func(context.Context, *websocket.Conn, *http.Request) { s.now <- struct{}{} }, "/other": s.echo,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			protocol := map[string]string{"/text": "lmz", "/odd": "lmz", "/other": "other"}[path]
			if protocol == "" {
				protocol = "lmz.cbor"
			}
			conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol}, InsecureSkipVerify: true})
			if err != nil {
				return
			}
			defer conn.CloseNow()
			conn.SetReadLimit(4 << 20)
			serve(context.Background(), conn, r) // the request's ctx ends when the connection is hijacked
		})
	}
	return mux
}

type server struct {
	now chan struct{} // signals late to read

	mu   sync.Mutex // guards the following fields
	told map[string]chan string
}

func (s *server) echo(ctx context.Context, conn *websocket.Conn, _ *http.Request) {
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil || conn.Write(ctx, kind, message) != nil {
			return
		}
	}
}

// odd sends a message of the wrong kind, which contains a text, and then one of the right kind.
func (s *server) odd(ctx context.Context, conn *websocket.Conn, _ *http.Request) {
	conn.Write(ctx, websocket.MessageBinary, []byte(`{"type":"connection_status"}`))
	conn.Write(ctx, websocket.MessageText, []byte("{}"))
	conn.Read(ctx)
}

func (s *server) burst(ctx context.Context, conn *websocket.Conn, _ *http.Request) {
	for i := range burstSize {
		conn.Write(ctx, websocket.MessageBinary, []byte(strconv.Itoa(i)))
	}
	conn.Close(4401, "Token expired")
}

func (s *server) channel(r *http.Request) chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.URL.Query().Get("name")
	if s.told[name] == nil {
		s.told[name] = make(chan string, 1)
	}
	return s.told[name]
}

// tell records how the client closed, for answer.
func (s *server) tell(ctx context.Context, conn *websocket.Conn, r *http.Request) {
	_, _, err := conn.Read(ctx)
	var closed websocket.CloseError
	errors.As(err, &closed)
	s.channel(r) <- strconv.Itoa(int(closed.Code)) + " " + closed.Reason
}

func (s *server) answer(ctx context.Context, conn *websocket.Conn, r *http.Request) {
	conn.Write(ctx, websocket.MessageBinary, []byte(<-s.channel(r)))
	conn.Read(ctx)
}

// late reads only when told to, and then reports how much it read.
func (s *server) late(ctx context.Context, conn *websocket.Conn, _ *http.Request) {
	<-s.now
	total := 0
	for total < pressure {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return
		}
		total += len(message)
	}
	conn.Write(ctx, websocket.MessageBinary, []byte(strconv.Itoa(total)))
	conn.Read(ctx)
}
