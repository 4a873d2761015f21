package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// wire is a client connection that writes its bytes itself (RFC 6455 section 5).
type wire struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	r    *http.Response
}

func (m *mesh) wire(protocol string) *wire {
	m.t.Helper()
	conn, err := m.network.Client().Transport.(*http.Transport).DialContext(m.t.Context(), "tcp", "mesh:80")
	if err != nil {
		m.t.Fatal(err)
	}
	w := &wire{t: m.t, conn: conn, in: bufio.NewReader(conn)}
	w.raw([]byte("GET /gateway/LUMENIZE_CLIENT_GATEWAY/ann.tab HTTP/1.1\r\nHost: mesh\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n" +
		"Sec-WebSocket-Protocol: " + protocol + ", lmz.access-token." + token("ann", time.Time{}) + "\r\n\r\n"))
	if w.r, err = http.ReadResponse(w.in, nil); err != nil || w.r.StatusCode != http.StatusSwitchingProtocols {
		m.t.Fatalf("%+v, %v", w.r, err)
	}
	return w
}

func (w *wire) raw(b []byte) {
	if _, err := w.conn.Write(b); err != nil {
		w.t.Logf("write: %v", err) // the gateway may have hung up already
	}
}

// frame returns one frame with its first byte, masked with zeros.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// message returns a complete binary message.
func message(f proto.Frame) []byte { return frame(0x82, f.Append(nil)) }

var greeting = message(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{1}})

// read returns the next frame of the gateway: its first byte and its payload.
func (w *wire) read() (first byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(w.in, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(head[1])
	if n == 126 {
		var long [2]byte
		if _, err := io.ReadFull(w.in, long[:]); err != nil {
			return 0, nil, err
		}
		n = int(binary.BigEndian.Uint16(long[:]))
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(w.in, payload)
	return head[0], payload, err
}

// end reads until the gateway hangs up, and returns the close code, if any.
func (w *wire) end() (code int) {
	for {
		first, payload, err := w.read()
		if err != nil {
			return code
		}
		if first == 0x88 && len(payload) >= 2 {
			code = int(binary.BigEndian.Uint16(payload))
		}
	}
}

func TestHostileBytesEndTheirConnection(t *testing.T) {
	ping := proto.Frame{Kind: proto.KindPing}
	slowly := func(w *wire, every time.Duration, b []byte) {
		for i := range b {
			if _, err := w.conn.Write(b[i : i+1]); err != nil {
				return
			}
			time.Sleep(every) // virtual
		}
	}
	for name, tt := range map[string]struct {
		send  func(*wire)
		code  int
		after time.Duration // at most, followed by 5 s for the close handshake
	}{
		"a frame without a mask":    {func(w *wire) { w.raw([]byte{0x82, 1, 0x80}) }, 4410, 0},
		"a compressed message":      {func(w *wire) { w.raw(frame(0xc2, []byte{0x4b, 0x4c, 0x4a, 0x06, 0x00})) }, 1002, 0},
		"a compressed bomb":         {func(w *wire) { w.raw(frame(0xc2, bytes.Repeat([]byte{0}, 1<<20))) }, 1002, 0},
		"another reserved bit":      {func(w *wire) { w.raw(frame(0xa2, []byte{0x81, 0x13})) }, 1002, 0},
		"a reserved opcode":         {func(w *wire) { w.raw(frame(0x83, []byte{0x81, 0x13})) }, 1002, 0},
		"a long ping":               {func(w *wire) { w.raw(frame(0x89, make([]byte, 126))) }, 1002, 0},
		"a ping in two":             {func(w *wire) { w.raw(frame(0x09, nil)) }, 1002, 0},
		"a continuation of nothing": {func(w *wire) { w.raw(frame(0x80, []byte{0x13})) }, 1002, 0},
		"a message within another":  {func(w *wire) { w.raw(append(frame(0x02, []byte{0x81}), frame(0x82, []byte{0x13})...)) }, 1002, 0},
		"a length of 2^63":          {func(w *wire) { w.raw([]byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) }, 4410, 0},
		"a length of a terabyte": {func(w *wire) {
			w.raw(append([]byte{0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 1<<20+1)...))
		}, 1009, 0},
		"endless fragments": {func(w *wire) {
			w.raw(frame(0x02, []byte{0x81}))
			for range 1200 {
				w.raw(frame(0x00, make([]byte, 1<<10)))
			}
		}, 1009, 0},
		"a close with a broken code": {func(w *wire) { w.raw(frame(0x88, []byte{0x03})) }, 1002, 0},
		"a text where bytes belong":  {func(w *wire) { w.raw(frame(0x81, []byte{0xff, 0xfe})) }, 4410, 0},
		"a message a byte in 5 s": {func(w *wire) {
			slowly(w, 5*time.Second, message(proto.Frame{Kind: proto.KindToken, Token: strings.Repeat("x", 100)}))
		}, 4408, 75 * time.Second},
		"half a message": {func(w *wire) { w.raw(message(ping)[:3]) }, 4408, 75 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMesh(t)
				defer m.stop()
				bob := m.peer("bob", nil)
				defer closePeer(bob)
				w := m.wire("lmz.cbor")
				defer w.conn.Close()
				w.raw(greeting)
				if first, payload, err := w.read(); err != nil || first != 0x82 {
					t.Fatalf("%x %x %v", first, payload, err)
				}
				start := time.Now()
				go tt.send(w)
				if code := w.end(); code != tt.code || time.Since(start) > tt.after+5*time.Second {
					t.Errorf("closed with %d after %v", code, time.Since(start))
				}
				if _, err := echo.Call(t.Context(), bob, lmz.Worker("ECHO"), "x"); err != nil {
					t.Errorf("another client: %v", err)
				}
				time.Sleep(6 * time.Second) // virtual: the grace period
				if s := m.gateway.Stats(); s.Connections != 1 || s.Sessions != 1 {
					t.Errorf("it has left something: %+v", s)
				}
			})
		})
	}
}

func TestAFrameWithoutEndDoesNotHoldUpAClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		w := m.wire("lmz.cbor")
		defer w.conn.Close()
		w.raw(greeting)
		synctest.Wait()
		newer := m.raw("ann.tab", token("ann", time.Time{})) // takes the address, so that the older connection is closed
		defer newer.conn.CloseNow()
		newer.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{2}})
		go func() {
			ping := message(proto.Frame{Kind: proto.KindPing})
			w.raw(append(append(ping, ping...), []byte{0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}...))
		}()
		if code := w.end(); code != proto.CloseSuperseded {
			t.Errorf("closed with %d", code)
		}
		time.Sleep(6 * time.Second) // virtual
		if s := m.gateway.Stats(); s.Connections != 1 {
			t.Errorf("the older connection is still there: %+v", s)
		}
	})
}

func TestAGreetingThatDripsIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		w := m.wire("lmz.cbor")
		defer w.conn.Close()
		start := time.Now()
		go func() {
			for i := range greeting {
				w.raw(greeting[i : i+1])
				time.Sleep(time.Second) // virtual
			}
		}()
		if code := w.end(); code != proto.CloseTimeout || time.Since(start) > 16*time.Second {
			t.Errorf("closed with %d after %v", code, time.Since(start))
		}
		time.Sleep(time.Minute) // virtual: the rest of the bytes
	})
}

func TestFramesMayBeSplitAndMergedAnywhere(t *testing.T) {
	call := cborCall(t, 1, lmz.Worker("ECHO"), echo.Ctn("hi"), map[string]any{})
	whole := append(append([]byte(nil), greeting...), message(call)...)
	inTwo := call.Append(nil)
	parts := append(append([]byte(nil), greeting...), frame(0x02, inTwo[:7])...)
	parts = append(parts, frame(0x89, []byte("between"))...)
	parts = append(append(parts, frame(0x00, nil)...), frame(0x80, inTwo[7:])...)
	for name, send := range map[string]func(*wire){
		"all at once": func(w *wire) { w.raw(whole) },
		"a byte at a time": func(w *wire) {
			for i := range whole {
				w.raw(whole[i : i+1])
			}
		},
		"in fragments, with a ping between": func(w *wire) { w.raw(parts) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMesh(t)
				defer m.stop()
				w := m.wire("lmz.cbor")
				defer w.conn.Close()
				if got := w.r.Header.Get("Sec-WebSocket-Extensions"); got != "" {
					t.Errorf("the gateway agreed to %s", got)
				}
				send(w)
				for {
					first, payload, err := w.read()
					if err != nil {
						t.Fatal(err)
					}
					if f, err := proto.ParseFrame(payload); first == 0x82 && err == nil && f.Kind == proto.KindAnswer {
						if f.Failed != "" || !bytes.Equal(f.Payload, []byte{0x62, 'h', 'i'}) {
							t.Errorf("%+v", f)
						}
						return
					}
				}
			})
		})
	}
}
