package descriptors

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/lumenize/lmz/internal/poll"
)

// serve starts a server with a pool that has room for this number of sockets.
func serve(t *testing.T, sockets int, secure bool) (*Pool, *httptest.Server, *atomic.Int64) {
	t.Helper()
	pool, full := New(reserve+leastFiles+sockets), new(atomic.Int64)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/up" { // like a WebSocket
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			io.Copy(io.Discard, c)
			c.Close()
		}
	}))
	s.Listener = pool.Listen(s.Listener, s.Config, func() { full.Add(1) })
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return pool, s, full
}

// dial connects and, if there is a path, requests it.
func dial(t *testing.T, s *httptest.Server, path string) (c net.Conn, status int) {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if path == "" {
		return c, 0
	}
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	if r, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
		status = r.StatusCode
	}
	return c, status
}

func ended(c net.Conn) bool {
	_, err := c.Read(make([]byte, 1))
	return err != nil
}

// TestAFullServer opens more connections than there is room for: those without a request make
// room, those in use stay.
func TestAFullServer(t *testing.T) {
	pool, s, full := serve(t, 3, false)
	_, up := dial(t, s, "/up")
	slow, _ := dial(t, s, "") // never sends a request
	idle, ok := dial(t, s, "/")
	_, next := dial(t, s, "/")
	if up != 101 || ok != 200 || next != 200 || !ended(slow) {
		t.Errorf("answered %d, %d, %d; want 101, 200, 200, and the connection without a request closed", up, ok, next)
	}
	poll.Until(t, "the server notices, after the answers have left, that two are quiet", func() bool {
		l := s.Listener.(*Listener)
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.quiet.Len() >= 2
	})
	_, up2 := dial(t, s, "/up")
	_, up3 := dial(t, s, "/up")
	if up2 != 101 || up3 != 101 || !ended(idle) {
		t.Errorf("answered %d, %d; want 101 twice, and the idle connections closed", up2, up3)
	}
	if _, refused := dial(t, s, "/"); refused != 0 {
		t.Errorf("answered %d beyond the limit, want nothing", refused)
	}
	if n := full.Load(); n != 4 {
		t.Errorf("told %d times that it is full, want 4", n)
	}
	if files := pool.Files(); files != leastFiles {
		t.Errorf("files may have %d descriptors, want %d", files, leastFiles)
	}
}

// TestConnectionsThatEnd checks that closed connections release their descriptors, with TLS too.
func TestConnectionsThatEnd(t *testing.T) {
	pool, s, _ := serve(t, 2, true)
	for range 10 {
		r, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		s.Client().CloseIdleConnections()
	}
	s.Close()
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if pool.sockets != 0 {
		t.Errorf("%d sockets are counted after all have ended", pool.sockets)
	}
}

// TestFilesMakeRoomForSockets checks that OnLess functions run when sockets need descriptors of
// files.
func TestFilesMakeRoomForSockets(t *testing.T) {
	pool := New(reserve + 100)
	told := make(chan int, 200)
	stop := pool.OnLess(func() { told <- pool.Files() })
	if n := pool.Files(); n != 50 {
		t.Errorf("files may have %d descriptors at first, want half", n)
	}
	taken := 0
	for pool.addSocket() {
		taken++
	}
	if taken != 100-leastFiles {
		t.Errorf("%d sockets were let in, want %d", taken, 100-leastFiles)
	}
	least := 100
	for range taken - 50 {
		least = min(least, <-told)
	}
	if least != leastFiles {
		t.Errorf("files were told of %d descriptors at last, want %d", least, leastFiles)
	}
	stop()
	pool.dropSocket()
	pool.addSocket()
	if len(told) != 0 {
		t.Error("told after stop")
	}
}
