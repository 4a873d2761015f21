package console

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/lumenize/lmz/debug"
)

const (
	outletBytes = 1 << 20     // buffered for a slow reader
	outletDrain = time.Second // to flush when the program ends
)

// outlet is the stdout or stderr of a long-running program. Its reader may vanish, stop
// reading, or run out of space, but the program must continue: a Write to an outlet never
// blocks and never fails. Lost lines are counted, and the count is reported as soon as writing
// works again.
type outlet struct {
	to   io.Writer
	note func(lines int, why error) error // reports lost lines; an error if it could not
	torn bool                             // a line was written in part

	mu     sync.Mutex
	queued [][]byte
	bytes  int // in queued
	lost   int // Writes, not reported yet
	why    error
	closed bool

	wake    chan struct{} // one slot: something is queued, or the outlet was closed
	drained chan struct{} // closed when nothing will be written any more
}

var errSlowReader = errors.New("its reader is too slow")

// newOutlet returns an outlet that reports lost lines with note, or if that is nil, in a line
// of the log that it carries.
func newOutlet(to io.Writer, note func(lines int, why error) error) *outlet {
	o := &outlet{to: to, note: note, wake: make(chan struct{}, 1), drained: make(chan struct{})}
	if note == nil {
		o.note = o.log
	}
	go o.run()
	return o
}

// Write implements [io.Writer].
func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.bytes+len(p) > outletBytes {
		o.lost, o.why = o.lost+1, errSlowReader
		return len(p), nil
	}
	o.queued = append(o.queued, append([]byte{}, p...))
	o.bytes += len(p)
	o.rouse()
	return len(p), nil
}

func (o *outlet) rouse() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run writes until the outlet is closed and the queue is empty.
func (o *outlet) run() {
	defer close(o.drained)
	for closed := false; !closed; {
		<-o.wake
		var lines [][]byte
		o.mu.Lock()
		lines, o.queued, closed = o.queued, nil, o.closed
		o.mu.Unlock()
		for _, line := range lines {
			err := o.put(line)
			o.mu.Lock()
			o.bytes -= len(line)
			if err != nil {
				o.lost, o.why = o.lost+1, err
			}
			o.mu.Unlock()
		}
		o.tell()
	}
}

// put writes a line. After a torn line it begins a new one.
func (o *outlet) put(line []byte) error {
	if o.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := o.to.Write(line)
	o.torn = err != nil && (o.torn || n > 0)
	return err
}

// tell reports lost lines, if that can be written.
func (o *outlet) tell() {
	o.mu.Lock()
	lost, why := o.lost, o.why
	o.mu.Unlock()
	if lost == 0 {
		return
	}
	if o.note(lost, why) != nil {
		return
	}
	o.mu.Lock()
	o.lost -= lost
	o.mu.Unlock()
}

// close flushes the queue, for at most [outletDrain].
func (o *outlet) close() {
	o.mu.Lock()
	o.closed = true
	o.rouse()
	o.mu.Unlock()
	timer := time.NewTimer(outletDrain)
	defer timer.Stop()
	select {
	case <-o.drained:
	case <-timer.C:
	}
}

// log reports lost lines in a line of the log.
func (o *outlet) log(lines int, why error) error {
	var line bytes.Buffer
	slog.New(debug.NewHandler(&line, debug.ParseFilter("*:warn"))).With(debug.Namespace, "lmz.log").Warn("lines of this log were lost", "lines", lines, "error", why)
	return o.put(line.Bytes())
}
