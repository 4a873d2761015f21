//go:build !js

package link

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ends returns both ends of a WebSocket on this machine, near the dialler's and far the
// other. Writes of the near end are counted.
func ends(t *testing.T, writes *atomic.Int64) (near, far Transport) {
	t.Helper()
	accepted := make(chan Transport)
	closed := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		accepted <- WebSocket(conn, NewSocket(nopStream{}), websocket.MessageBinary, 1<<20, 0)
		<-closed
	}))
	transport := &http.Transport{}
	up := &upgraded{transport: transport, writes: writes}
	conn, _, err := websocket.Dial(t.Context(), server.URL, &websocket.DialOptions{HTTPClient: &http.Client{Transport: up}})
	if err != nil {
		t.Fatal(err)
	}
	near, far = WebSocket(conn, up.socket, websocket.MessageBinary, 1<<20, DialerGoodbye), <-accepted
	t.Cleanup(func() {
		var both sync.WaitGroup
		both.Go(func() { near.Close(1000, "") })
		both.Go(func() { far.Close(1000, "") })
		both.Wait()
		close(closed)
		server.Close()
		transport.CloseIdleConnections()
	})
	return near, far
}

type nopStream struct{ io.ReadWriter }

func (nopStream) Close() error { return nil }

// upgraded puts a [Socket] over a counting one under the dialled connection.
type upgraded struct {
	transport http.RoundTripper
	writes    *atomic.Int64
	socket    *Socket
}

func (u *upgraded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := u.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	stream := response.Body.(io.ReadWriteCloser)
	u.socket = NewSocket(countedStream{stream, u.writes})
	response.Body = u.socket
	return response, nil
}

type countedStream struct {
	io.ReadWriteCloser
	writes *atomic.Int64
}

func (c countedStream) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.ReadWriteCloser.Write(p)
}

// TestWritesOfABatch counts writes: the frames of queued messages leave in one.
func TestWritesOfABatch(t *testing.T) {
	var writes atomic.Int64
	near, far := ends(t, &writes)
	writes.Store(0)
	var messages [][]byte
	for i := range 100 {
		messages = append(messages, bytes.Repeat([]byte{byte(i)}, 200))
	}
	l := New(1, near)
	for _, m := range messages {
		l.Send(m)
	}
	var running sync.WaitGroup
	running.Go(func() { l.Run(func(*Link, []byte) {}, func(*Link, error) {}) })
	for i, want := range messages {
		if got, err := far.Read(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("message %d: %d bytes, %v", i, len(got), err)
		}
	}
	if n := writes.Load(); n != 1 {
		t.Errorf("100 messages of 200 bytes took %d writes", n)
	}
	l.Close(1000, "")
	go far.Read() // answers the close frame
	running.Wait()
	if l.Written() != 100 {
		t.Errorf("%d of 100 messages were written", l.Written())
	}
}

// TestOwnershipOfMessages reads messages of lengths around the buffer sizes. None may change
// when the next is read.
func TestOwnershipOfMessages(t *testing.T) {
	near, far := ends(t, new(atomic.Int64))
	var sent, got [][]byte
	for i, n := range []int{0, 1, 511, 512, 513, 1024, 4095, 4096, 4097, 8192, 100_000, 3, 700_000, 5} {
		sent = append(sent, bytes.Repeat([]byte{byte(i + 1)}, n))
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		for _, m := range sent {
			if err := near.Write(m); err != nil {
				t.Error(err)
			}
		}
	})
	defer writer.Wait()
	for range sent {
		m, err := far.Read()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	for i := range sent {
		if !bytes.Equal(sent[i], got[i]) {
			t.Errorf("message %d of %d bytes was changed: %d bytes, starts %.4x", i, len(sent[i]), len(got[i]), got[i])
		}
	}
}

// TestShortReadAllocatesOnce checks that reading a short message allocates only the message.
func TestShortReadAllocatesOnce(t *testing.T) {
	near, far := ends(t, new(atomic.Int64))
	message := make([]byte, 200)
	if n := testing.AllocsPerRun(100, func() {
		if err := near.Write(message); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Read(); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("writing and reading a message allocates %v times", n)
	}
}
