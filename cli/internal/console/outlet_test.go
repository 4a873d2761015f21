package console

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// reader is the reader of a log. It may be full, truncate lines, or not read at all.
type reader struct {
	mu    sync.Mutex
	err   error
	takes int // bytes of a Write that fails
	block chan struct{}
	text  bytes.Buffer
}

func (r *reader) Write(p []byte) (int, error) {
	if r.block != nil {
		<-r.block
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		r.text.Write(p[:r.takes])
		return r.takes, r.err
	}
	return r.text.Write(p)
}

func (r *reader) fails(err error, takes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.takes = err, takes
}

func TestOutletOnFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(reader)
		o := newOutlet(r, nil)
		fmt.Fprintln(o, "first")
		synctest.Wait()
		r.fails(errors.New("no space left on device"), 3)
		for range 5 {
			fmt.Fprintln(o, "lost")
			synctest.Wait()
		}
		r.fails(nil, 0)
		fmt.Fprintln(o, "last")
		o.close()
		lines := strings.Split(strings.TrimSpace(r.text.String()), "\n")
		end := lines[len(lines)-1]
		if lines[0] != "first" || lines[len(lines)-2] != "last" {
			t.Errorf("lines are not whole: %q", lines)
		}
		if !strings.Contains(end, `"lines":5`) || !strings.Contains(end, "no space left on device") {
			t.Errorf("it does not say that 5 lines were lost: %s", end)
		}
	})
}

func TestOutletWithSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{block: make(chan struct{})}
		o := newOutlet(r, nil)
		line := []byte(strings.Repeat("x", 1023) + "\n")
		const lines = 3 * outletBytes / 1024
		for range lines {
			o.Write(line)
		}
		if o.bytes > outletBytes {
			t.Errorf("%d bytes wait", o.bytes)
		}
		close(r.block)
		synctest.Wait()
		written := strings.Count(r.text.String(), "x\n")
		if want := fmt.Sprintf(`"lines":%d`, lines-written); written < 1000 || !strings.Contains(r.text.String(), want) {
			t.Errorf("%d of %d lines written, and not said: %s", written, lines, want)
		}
		o.close()
	})
}

func TestEndOfUnreadOutlet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{block: make(chan struct{})}
		o := newOutlet(r, nil)
		fmt.Fprintln(o, "waits")
		o.close() // returns
		close(r.block)
	})
}
