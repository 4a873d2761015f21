package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/internal/origin"
)

// servedHere runs the server of lmz dev, and records the requests that it sees.
func servedHere(t *testing.T) (addr string, seen func() []string) {
	s, err := Open(Plan{
		Getenv: func(string) string { return "" }, Addr: "127.0.0.1:0", Data: t.TempDir(), CallLimit: time.Second, Log: slog.New(slog.DiscardHandler),
		Auth: auth.Options{Sender: new(auth.Mailbox), AutoApprove: true}, Answers: origin.IsLoopback,
	})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var paths []string
	real := s.http.Handler
	s.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.URL.Path)
		mu.Unlock()
		real.ServeHTTP(w, r)
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.listener.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		took := paths
		paths = nil
		return took
	}
}

// Requests that a proxy and a server may end at different bytes. What one of them takes for the
// body of the first request, the other must never take for a second one.
func TestRequestSmuggling(t *testing.T) {
	addr, seen := servedHere(t)
	const hidden = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
	post := func(path, head, body string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + head + "\r\n" + body
	}
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(s), s) }
	ends := "0\r\n\r\n" + hidden
	whole := fmt.Sprintf("Content-Length: %d\r\n", len(ends))
	tests := map[string]string{
		"length, and chunks that end before":    post("/auth/logout", whole+"Transfer-Encoding: chunked\r\n", ends),
		"chunks, and a length that comes after": post("/auth/logout", "Transfer-Encoding: chunked\r\n"+whole, ends),
		"chunks, and a short length":            post("/auth/logout", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", chunk(hidden)),
		"to the gateway":                        post("/gateway/document-do/x/y", whole+"Transfer-Encoding: chunked\r\n", ends),
		"to the page":                           post("/", whole+"Transfer-Encoding: chunked\r\n", ends),
		"to no path":                            post("/nothing", whole+"Transfer-Encoding: chunked\r\n", ends),
		"two lengths":                           post("/", "Content-Length: 0\r\n"+whole, ends),
		"two lengths in a line":                 post("/", fmt.Sprintf("Content-Length: 0, %d\r\n", len(ends)), ends),
		"HTTP/1.0, where chunks mean nothing":   "POST / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden,
		"a line feed in a chunk's extension":    post("/", "Transfer-Encoding: chunked\r\n", "2;\nxx\r\n"+ends),
		"a size that is too large":              post("/", "Transfer-Encoding: chunked\r\n", "10000000000000000\r\n"+ends),
		"a signed size":                         post("/", "Transfer-Encoding: chunked\r\n", "+0\r\n\r\n"+hidden),
		"an upgrade that is refused":            "GET /gateway/LUMENIZE_CLIENT_GATEWAY/a.b HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + ends,
		"two hosts":                             "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n" + hidden,
		"no host":                               "GET / HTTP/1.1\r\n\r\n" + hidden,
	}
	for name, line := range map[string]string{
		"identity": "Transfer-Encoding: identity", "chunked twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "a list": "Transfer-Encoding: chunked, identity",
		"gzip": "Transfer-Encoding: gzip, chunked", "another word": "Transfer-Encoding: xchunked", "quoted": `Transfer-Encoding: "chunked"`, "a vertical tab": "Transfer-Encoding: \x0bchunked",
		"a space before the colon": "Transfer-Encoding : chunked", "a folded line": "Transfer-Encoding:\r\n chunked", "a carriage return": "X: y\rTransfer-Encoding: chunked",
		"an underscore": "Transfer_Encoding: chunked", "a NUL": "Transfer-Encoding: chunked\x00", "a line without a colon": "Transfer-Encoding",
	} {
		tests["coding: "+name] = post("/", whole+line+"\r\n", ends)
		tests["coding, without a length: "+name] = post("/", line+"\r\n", ends)
	}
	for _, length := range []string{"+5", "-5", "0x5", "5 5", "", "5.", "99999999999999999999", "5\x00", "\x0b5"} {
		tests["length "+length] = post("/", "Content-Length: "+length+"\r\n", ends)
		tests["length with chunks "+length] = post("/", "Content-Length: "+length+"\r\nTransfer-Encoding: chunked\r\n", ends)
	}
	delete(tests, "coding, without a length: an underscore") // a header like others, and no body
	for name, raw := range tests {
		answers := exchange(t, addr, raw)
		paths := seen()
		if n := strings.Count(answers, "HTTP/1."); n != 1 || len(paths) > 1 || len(paths) == 1 && paths[0] == "/smuggled" {
			t.Errorf("%s: %d answers, to %q:\n%s", name, n, paths, answers)
		}
	}
	// Pipelined plain requests are two.
	if answers := exchange(t, addr, post("/auth/logout", "Content-Length: 2\r\n", "{}")+strings.Replace(hidden, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)); strings.Count(answers, "HTTP/1.1 ") != 2 {
		t.Errorf("two requests: %s", answers)
	}
	if paths := seen(); len(paths) != 2 {
		t.Errorf("two requests: %q", paths)
	}
}

// exchange sends bytes on a new connection, closes its sending side, and returns everything that
// comes back.
func exchange(t *testing.T, addr, raw string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Minute))
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("%q: %v after %q", raw, err, answer)
	}
	return string(answer)
}
