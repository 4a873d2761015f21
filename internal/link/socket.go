//go:build !js

package link

import (
	"io"
	"sync"
)

// maxHeld is how many bytes a [Socket] buffers before it writes them.
const maxHeld = 64 << 10

// A Socket is the byte stream under a WebSocket. It can buffer writes, so that the frames of
// several messages leave in one write, which is one system call. Its methods may be called
// from any goroutine.
type Socket struct {
	stream io.ReadWriteCloser

	mu      sync.Mutex // guards the following fields, and is locked during a write
	holding bool
	held    *[]byte // from buffers, while the socket buffers something
}

// buffers are shared by the sockets: idle ones need none.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// NewSocket returns a socket over stream that does not buffer.
func NewSocket(stream io.ReadWriteCloser) *Socket { return &Socket{stream: stream} }

// Read reads from the stream.
func (s *Socket) Read(p []byte) (int, error) { return s.stream.Read(p) }

// Close closes the stream. It does not wait for a write, which then fails.
func (s *Socket) Close() error { return s.stream.Close() }

// Write writes p, or buffers a copy until release.
func (s *Socket) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.holding {
		return s.stream.Write(p)
	}
	if s.held == nil {
		s.held = buffers.Get().(*[]byte)
	}
	*s.held = append(*s.held, p...)
	if len(*s.held) < maxHeld {
		return len(p), nil
	}
	return len(p), s.flush()
}

// hold starts buffering writes.
func (s *Socket) hold() {
	s.mu.Lock()
	s.holding = true
	s.mu.Unlock()
}

// release writes the buffer and ends buffering.
func (s *Socket) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = false
	return s.flush()
}

// flush writes the buffer; s.mu is locked.
func (s *Socket) flush() error {
	if s.held == nil {
		return nil
	}
	_, err := s.stream.Write(*s.held)
	if cap(*s.held) <= 2*maxHeld {
		*s.held = (*s.held)[:0]
		buffers.Put(s.held)
	}
	s.held = nil
	return err
}
