package httpserver

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// How long a request may stall. There is no limit on its duration: a page over a slow line
// takes minutes, which is fine as long as it makes progress. A socket wakes a writer only when
// a third of its buffer is free, which takes a while on a slow line.
const (
	readPatience  = 30 * time.Second // for the next bytes of a body
	writePatience = 2 * time.Minute  // for the next chunk of an answer
	leastRate     = 1 << 10          // bytes a second, on average, after that time
	writeChunk    = 16 << 10         // bytes that are written under one deadline
)

// pace measures a transfer: how long it has waited, and how many bytes it has moved.
type pace struct {
	patience time.Duration
	waited   time.Duration
	moved    int64
}

// left is how long the next step may take.
func (p *pace) left() time.Duration {
	return min(p.patience, p.patience+time.Duration(p.moved)*time.Second/leastRate-p.waited)
}

// step runs one step, whose deadline is already set.
func (p *pace) step(do func() (int, error)) (int, error) {
	began := time.Now()
	n, err := do()
	p.waited += time.Since(began)
	p.moved += int64(n)
	return n, err
}

// withProgress ends requests whose body or response stalls or is too slow.
func withProgress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := &moving{ResponseWriter: w, at: http.NewResponseController(w), out: pace{patience: writePatience}}
		m.extendWrite(writePatience) // the deadline of the previous request may have passed
		if r.Body != nil && r.Body != http.NoBody {
			m.extendRead(readPatience)
			r.Body = &movingBody{ReadCloser: r.Body, m: m, in: pace{patience: readPatience}}
		}
		next.ServeHTTP(m, r)
		m.extendWrite(writePatience) // for what the server still has in its buffer
	})
}

// moving is a response that must not stall.
type moving struct {
	http.ResponseWriter
	at  *http.ResponseController
	out pace

	mu        sync.Mutex // guards the following fields
	readOver  bool       // the handler has set its own deadline
	writeOver bool
}

// Unwrap is for [http.ResponseController].
func (m *moving) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// Write implements [http.ResponseWriter].
func (m *moving) Write(b []byte) (n int, err error) {
	for {
		chunk := b[n:min(len(b), n+writeChunk)]
		m.extendWrite(m.out.left())
		wrote, err := m.out.step(func() (int, error) { return m.ResponseWriter.Write(chunk) })
		n += wrote
		if err != nil || n >= len(b) {
			return n, err
		}
	}
}

// FlushError implements what [http.ResponseController.Flush] asks for.
func (m *moving) FlushError() error {
	m.extendWrite(m.out.left())
	_, err := m.out.step(func() (int, error) { return 0, m.at.Flush() })
	return err
}

// SetReadDeadline sets the handler's own deadline, which replaces ours.
func (m *moving) SetReadDeadline(t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.readOver = true
	return m.at.SetReadDeadline(t)
}

// SetWriteDeadline sets the handler's own deadline, which replaces ours.
func (m *moving) SetWriteDeadline(t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writeOver = true
	return m.at.SetWriteDeadline(t)
}

func (m *moving) extendWrite(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.writeOver {
		m.at.SetWriteDeadline(time.Now().Add(d)) // fails once a WebSocket has the connection
	}
}

// extendRead extends the deadline of a body, or removes it if d is 0.
func (m *moving) extendRead(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.readOver:
	case d == 0:
		m.at.SetReadDeadline(time.Time{})
	default:
		m.at.SetReadDeadline(time.Now().Add(d))
	}
}

// movingBody is a request body that must not stall.
type movingBody struct {
	io.ReadCloser
	m  *moving
	in pace
}

// Read implements [io.Reader].
func (b *movingBody) Read(p []byte) (int, error) {
	b.m.extendRead(b.in.left())
	n, err := b.in.step(func() (int, error) { return b.ReadCloser.Read(p) })
	if err == io.EOF {
		b.m.extendRead(0) // the server now waits for the end of the connection
	}
	return n, err
}
