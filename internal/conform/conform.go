// Package conform defines what a socket of lmz must do on every platform. One suite tests the
// native socket, in-memory connections, and JavaScript's WebSocket.
package conform

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz/client"
)

// T is the part of testing.T that the suite needs. Fatalf does not return.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Dial opens a socket, as client.Options.Dial does.
type Dial func(ctx context.Context, url string, protocols []string) (client.Transport, error)

// Case is one requirement on a socket, tested with the server of this package.
type Case struct {
	Name string
	Run  func(t T, dial Dial, server string)
}

// Cases is the suite.
var Cases = []Case{
	{"messages of every size come back whole and in order", echo},
	{"text is carried where the two ends agreed on it", text},
	{"what is binary where text belongs says nothing", odd},
	{"nothing that was sent before a close is lost, and the close says why", burst},
	{"close codes of this end reach the server", closeCodes},
	{"a close ends reading and writing, also a second time", closeTwice},
	{"a dial that cannot succeed is an error of its kind", refused},
	{"a dial is given up with its context", abandoned},
	{"a server that does not read holds back who writes", backpressure},
}

var offered = []string{"lmz.cbor", "lmz", "lmz.access-token.x"}

func open(t T, dial Dial, url string) client.Transport {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	socket, err := dial(ctx, url, offered)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	return socket
}

func read(t T, socket client.Transport) []byte {
	t.Helper()
	message, err := socket.Read()
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return message
}

// closedWith reads until the end and returns how the server closed.
func closedWith(t T, socket client.Transport) client.CloseError {
	t.Helper()
	var closed *client.CloseError
	if _, err := socket.Read(); !errors.As(err, &closed) {
		t.Fatalf("the last read says %v", err)
	}
	return *closed
}

func echo(t T, dial Dial, server string) {
	socket := open(t, dial, server+"/echo")
	defer socket.Close(1000, "")
	sizes := []int{1, 125, 126, 65535, 65536, 1 << 20}
	go func() {
		for i, size := range sizes {
			socket.Write(bytes.Repeat([]byte{byte(i)}, size))
		}
	}()
	for i, size := range sizes {
		if got := read(t, socket); !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, size)) {
			t.Errorf("message %d: %d bytes, want %d", i, len(got), size)
		}
	}
}

func text(t T, dial Dial, server string) {
	socket := open(t, dial, server+"/text")
	defer socket.Close(1000, "")
	if s, ok := socket.(interface{ Subprotocol() string }); !ok || s.Subprotocol() != "lmz" {
		t.Errorf("the subprotocol is not told")
	}
	const message = `{"type":"ünï😀"}`
	if err := socket.Write([]byte(message)); err != nil {
		t.Fatalf("write: %v", err)
	}
	if got := read(t, socket); string(got) != message {
		t.Errorf("got %q", got)
	}
}

func odd(t T, dial Dial, server string) {
	socket := open(t, dial, server+"/odd")
	defer socket.Close(1000, "")
	for i, want := range []string{"", "{}"} {
		if got := read(t, socket); string(got) != want {
			t.Errorf("message %d is %q, want %q", i, got, want)
		}
	}
}

// burstSize is the number of messages that the server sends before it closes.
const burstSize = 50

func burst(t T, dial Dial, server string) {
	for round := range 10 {
		socket := open(t, dial, server+"/burst")
		if round == 0 {
			time.Sleep(200 * time.Millisecond) // by then everything has arrived, including the close
		}
		for i := range burstSize {
			if got := read(t, socket); string(got) != strconv.Itoa(i) {
				t.Fatalf("message %d is %q", i, got)
			}
		}
		if closed := closedWith(t, socket); closed.Code != 4401 || closed.Reason != "Token expired" {
			t.Errorf("closed with %d %q", closed.Code, closed.Reason)
		}
		if err := socket.Write([]byte("late")); err == nil {
			t.Errorf("a write after the close succeeds")
		}
	}
}

func closeCodes(t T, dial Dial, server string) {
	long := strings.Repeat("x", 122) + "é" // two bytes, but only one fits
	for code, reason := range map[int]string{1000: "Client disconnect", 4410: "", 4408: long} {
		name := strconv.Itoa(code)
		socket := open(t, dial, server+"/tell?name="+name)
		if err := socket.Close(code, reason); err != nil {
			t.Errorf("%d: %v", code, err)
		}
		asked := open(t, dial, server+"/told?name="+name)
		want := name + " " + strings.TrimSuffix(reason, "é")
		if got := read(t, asked); string(got) != want {
			t.Errorf("the server was told %q, want %q", got, want)
		}
		asked.Close(1000, "")
	}
}

func closeTwice(t T, dial Dial, server string) {
	socket := open(t, dial, server+"/echo")
	ended := make(chan error, 1)
	go func() {
		_, err := socket.Read()
		ended <- err
	}()
	for range 2 {
		socket.Close(1000, "")
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Errorf("a read after the close succeeds")
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("a read outlives the close")
	}
	if err := socket.Write([]byte("late")); err == nil {
		t.Errorf("a write after the close succeeds")
	}
}

func refused(t T, dial Dial, server string) {
	for _, path := range []string{"/refused", "/other"} {
		var failed *client.DialError
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if _, err := dial(ctx, server+path, offered); !errors.As(err, &failed) {
			t.Errorf("%s: %v", path, err)
		} else if failed.Status != 0 && failed.Status != 403 { // browsers do not report it
			t.Errorf("%s: status %d", path, failed.Status)
		}
		cancel()
	}
}

func abandoned(t T, dial Dial, server string) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var failed *client.DialError
	if _, err := dial(ctx, server+"/silent", offered); !errors.As(err, &failed) {
		t.Errorf("the dial ended with %v", err)
	}
}

// Amounts that the backpressure case writes: more than sockets and browsers buffer.
const (
	pressure      = 24 << 20
	pressureChunk = 256 << 10
	pressureBound = 16 << 20
)

func backpressure(t T, dial Dial, server string) {
	socket := open(t, dial, server+"/late")
	defer socket.Close(1000, "")
	written := make(chan struct{}, pressure/pressureChunk)
	go func() {
		chunk := make([]byte, pressureChunk)
		for range cap(written) {
			if socket.Write(chunk) != nil {
				return
			}
			written <- struct{}{}
		}
	}()
	time.Sleep(300 * time.Millisecond) // for any data that is not held back
	if n := len(written) * pressureChunk; n > pressureBound {
		t.Errorf("%d MiB were taken although the server reads nothing", n>>20)
	}
	release := open(t, dial, server+"/now")
	defer release.Close(1000, "")
	if got := read(t, socket); string(got) != strconv.Itoa(pressure) {
		t.Errorf("the server got %s bytes, want %d", got, pressure)
	}
}
