package memnet

import (
	"io"
	"sync"
	"time"
)

// Reorder breaks the port's connections after d/2, at the client's end only: what the client wrote
// until then arrives at the server d after it was written, and the end of the connection after
// that. If the client reconnects in between, the server receives data of the old connection after
// the new one has begun.
func (p *Port) Reorder(d time.Duration) {
	for _, c := range p.open() {
		c.ends[0].reorder(d)
	}
}

// tail is data at the end of a connection that is still travelling.
type tail struct {
	late time.Duration
	wake chan struct{} // has one element when there is something to do

	mu     sync.Mutex // guards the following fields
	queue  []letter
	closed bool
}

// letter is the data of one write.
type letter struct {
	data []byte
	at   time.Time // when it arrives
}

// reorder begins the tail of the near end.
func (c *conn) reorder(d time.Duration) {
	c.pair.mu.Lock()
	defer c.pair.mu.Unlock()
	if c.pair.tail != nil || c.pair.stalled {
		return
	}
	t := &tail{late: d, wake: make(chan struct{}, 1)}
	c.pair.tail = t
	go t.deliver(c)
	time.AfterFunc(d/2, func() { c.SetDeadline(time.Unix(1, 0)) }) // the client finds it broken
}

// write takes the data of one write of the near end.
func (t *tail) write(b []byte) {
	t.mu.Lock()
	t.queue = append(t.queue, letter{append([]byte(nil), b...), time.Now().Add(t.late)})
	t.mu.Unlock()
	t.signal()
}

// close marks the end of the data.
func (t *tail) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.signal()
}

func (t *tail) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// deliver writes the data to the other end, late, and then closes the connection.
func (t *tail) deliver(c *conn) {
	for range t.wake {
		for {
			t.mu.Lock()
			if len(t.queue) == 0 {
				closed := t.closed
				t.mu.Unlock()
				if closed {
					c.Conn.Close()
					return
				}
				break
			}
			next := t.queue[0]
			t.queue = t.queue[1:]
			t.mu.Unlock()
			time.Sleep(time.Until(next.at))
			c.Conn.SetWriteDeadline(time.Now().Add(time.Second)) // a server that is half-open does not read
			c.Conn.Write(next.data)                              // an error means that the server has closed it
		}
	}
}

// abandon closes the near end: data that travels from the other end is lost.
func (t *tail) abandon(c *conn) {
	c.Conn.SetReadDeadline(time.Time{})
	go io.Copy(io.Discard, c.Conn)
	t.close()
}
