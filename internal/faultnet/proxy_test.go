package faultnet

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echoing starts a server that says back what it hears, and a proxy before it.
func echoing(t *testing.T) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	p, err := Listen(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// heard writes a text and returns what comes back before the deadline.
func heard(t *testing.T, c net.Conn, text string, within time.Duration) (string, error) {
	t.Helper()
	c.Write([]byte(text)) // an error shows below
	c.SetReadDeadline(time.Now().Add(within))
	b := make([]byte, len(text))
	n, err := io.ReadFull(c, b)
	return string(b[:n]), err
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

func TestProxyModes(t *testing.T) {
	const soon, long = 100 * time.Millisecond, 2 * time.Minute
	p := echoing(t)
	c := dial(t, p)
	for _, mode := range []Mode{Pass, Split} {
		p.Set(mode)
		if got, err := heard(t, c, "hello", long); got != "hello" {
			t.Fatalf("mode %d: heard %q, %v", mode, got, err)
		}
	}
	p.Set(Stall)
	if got, err := heard(t, c, "later", soon); got != "" || !isTimeout(err) {
		t.Errorf("stalled: heard %q, %v", got, err)
	}
	p.Set(Pass)
	c.SetReadDeadline(time.Now().Add(long))
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); string(b) != "later" {
		t.Errorf("after the stall: heard %q, %v", b, err)
	}
	p.Set(Lose)
	if got, err := heard(t, c, "lost", soon); got != "" || !isTimeout(err) {
		t.Errorf("half-open: heard %q, %v", got, err)
	}
	p.Set(Pass)
	if got, err := heard(t, c, "more", soon); got != "" || !isTimeout(err) {
		t.Errorf("half-open before: heard %q, %v", got, err)
	}
	p.Set(Cut)
	if _, err := heard(t, c, "x", long); err == nil || isTimeout(err) {
		t.Errorf("cut: %v", err)
	}
	if _, err := heard(t, dial(t, p), "x", long); err == nil || isTimeout(err) {
		t.Errorf("a new connection while it is cut: %v", err)
	}
	p.Set(Pass)
	if got, err := heard(t, dial(t, p), "again", long); got != "again" {
		t.Errorf("after the cut: heard %q, %v", got, err)
	}
}
