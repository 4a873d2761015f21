package link

import (
	"sync"
	"time"
)

// Link is one socket with its reader and its writer. It sends messages in order, and Send
// never waits for the network.
type Link struct {
	Number uint64 // its number in the state machines

	transport Transport
	done      chan struct{} // closed when all its goroutines have ended

	mu      sync.Mutex // guards the following fields
	queue   [][]byte
	queued  int       // bytes in queue
	begun   uint64    // messages whose write has begun
	since   time.Time // when the last write began
	written uint64    // messages written
	closing bool
	force   *time.Timer // closes the socket under a stuck writer
	code    int
	reason  string
	wake    chan struct{} // has one element when there is something to write
}

// New returns a link over t that does not run yet.
func New(number uint64, t Transport) *Link {
	return &Link{Number: number, transport: t, done: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// Done returns a channel that is closed when all the link's goroutines have ended.
func (l *Link) Done() <-chan struct{} { return l.done }

// Written returns how many messages the socket has accepted.
func (l *Link) Written() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written
}

// Abandon closes the socket like Close, but discards the queue, and returns how many messages
// may have been written.
func (l *Link) Abandon(code int, reason string) uint64 {
	l.mu.Lock()
	l.queue, l.queued = nil, 0
	begun := l.begun
	l.mu.Unlock()
	l.Close(code, reason)
	return begun
}

// Run serves the socket until it is closed. It passes each message to receive, and at the end
// the reason to lost.
func (l *Link) Run(receive func(*Link, []byte), lost func(*Link, error)) {
	defer close(l.done)
	var writer sync.WaitGroup
	writer.Go(l.write)
	var err error
	for {
		var message []byte
		if message, err = l.transport.Read(); err != nil {
			break
		}
		if !l.isClosing() { // ignore messages of an abandoned link
			receive(l, message)
		}
	}
	l.Close(broken, "")
	writer.Wait()
	lost(l, err)
}

// broken is the close code of a socket that failed at this end (PROTOCOL.md, "Close codes").
// It rarely arrives; where it does, it must not look like a goodbye, which would end the
// session.
const broken = 4410

func (l *Link) isClosing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closing
}

// What may wait for a socket, beyond what a session limits: answers to pings, and data that
// the other end acknowledged without reading it.
const (
	maxQueued      = 8192             // messages
	maxQueuedBytes = 72 << 20         // more than a session may keep
	writeTimeout   = 10 * time.Second // for one message
)

// Congested reports whether the socket accepts data too slowly.
func (l *Link) Congested() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > maxQueued || l.queued > maxQueuedBytes ||
		l.begun > l.written && time.Since(l.since) > writeTimeout
}

// Send queues a message for the writer.
func (l *Link) Send(message []byte) {
	l.mu.Lock()
	if !l.closing {
		l.queue = append(l.queue, message)
		l.queued += len(message)
	}
	l.mu.Unlock()
	l.signal()
}

// flushTimeout is how long a socket that is being closed may take to accept the queued
// messages.
const flushTimeout = 5 * time.Second

// Close closes the socket after the queued messages are written. Only the first call's code
// and reason count.
func (l *Link) Close(code int, reason string) {
	l.mu.Lock()
	if !l.closing {
		l.closing, l.code, l.reason = true, code, reason
		l.force = time.AfterFunc(flushTimeout, func() { l.transport.Close(code, reason) })
	}
	if code == broken {
		l.queue, l.queued = nil, 0
	}
	l.mu.Unlock()
	l.signal()
}

func (l *Link) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// write writes the queued messages until the link is closed or broken.
func (l *Link) write() {
	for range l.wake {
		for batch := l.next(); batch != nil; batch = l.next() {
			if l.writeAll(batch) != nil {
				l.Close(broken, "")
				break
			}
			l.wrote(batch)
		}
		l.mu.Lock()
		closing, code, reason := l.closing, l.code, l.reason
		l.mu.Unlock()
		if closing {
			l.force.Stop()
			l.transport.Close(code, reason)
			return
		}
	}
}

// A Batcher is a [Transport] that can combine several messages in fewer writes. When such a
// write fails, it is unknown which of them the other end has, so it is only for links whose
// messages are acknowledged: those of lmz.cbor.
type Batcher interface {
	WriteAll(messages [][]byte) error
}

func (l *Link) writeAll(batch [][]byte) error {
	if len(batch) > 1 {
		return l.transport.(Batcher).WriteAll(batch)
	}
	return l.transport.Write(batch[0])
}

// maxBatch is how many bytes a batch has, unless a single message is larger. A batch cannot
// be abandoned, and counts as one message against [writeTimeout].
const maxBatch = 32 << 10

// next removes the next batch from the queue.
func (l *Link) next() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	n, size := 1, len(l.queue[0])
	_, several := l.transport.(Batcher)
	for several && n < len(l.queue) && size+len(l.queue[n]) <= maxBatch {
		size += len(l.queue[n])
		n++
	}
	batch := l.queue[:n]
	l.queue = l.queue[n:]
	l.queued -= size
	l.begun += uint64(n)
	l.since = time.Now()
	return batch
}

// maxSpare is the capacity up to which an empty queue is kept for reuse.
const maxSpare = 16

// wrote counts a batch that the socket has accepted, and frees it.
func (l *Link) wrote(batch [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written += uint64(len(batch))
	clear(batch)
	if len(l.queue) == 0 {
		l.queue = nil
		if cap(batch) <= maxSpare {
			l.queue = batch[:0]
		}
	}
}
