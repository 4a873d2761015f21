//go:build !js

package client_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/memnet"
)

// endless is a server that upgrades, and then begins a frame of a terabyte.
func endless(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455 section 4.2.2
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"+
		"Sec-WebSocket-Protocol: lmz.cbor\r\n\r\n", base64.StdEncoding.EncodeToString(accept[:]))
	go conn.Write(append([]byte{0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0}, make([]byte, 2<<20)...))
	io.Copy(io.Discard, conn)
}

func TestFrameWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		server := &http.Server{Handler: http.HandlerFunc(endless)}
		go server.Serve(network)
		defer server.Close()
		p, err := client.New(client.Options{
			URL: "http://mesh", Dial: client.DialWith(network.Client()),
			Token: func(context.Context, string) (string, error) { return "h.eyJzdWIiOiJhbm4ifQ.s", nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.Connect(ctx); err == nil || p.State() != client.Reconnecting {
			t.Errorf("connected: %v, %v", err, p.State())
		}
		begun := time.Now()
		p.Close()
		p.Wait()
		if took := time.Since(begun); took > 11*time.Second {
			t.Errorf("it took %v to close", took)
		}
	})
}

// mute is a server that upgrades and then sends nothing, not even a close frame.
func mute(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455 section 4.2.2
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"+
		"Sec-WebSocket-Protocol: lmz.cbor\r\n\r\n", base64.StdEncoding.EncodeToString(accept[:]))
	io.Copy(io.Discard, conn)
}

func TestCloseWithoutGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		server := &http.Server{Handler: http.HandlerFunc(mute)}
		go server.Serve(network)
		defer server.Close()
		p, err := client.New(client.Options{
			URL: "http://mesh", Dial: client.DialWith(network.Client()),
			Token: func(context.Context, string) (string, error) { return annsToken, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.Connect(ctx) // the socket opens, but no welcome arrives
		begun := time.Now()
		p.Close()
		p.Wait()
		if took := time.Since(begun); took > 250*time.Millisecond { // virtual
			t.Errorf("closing took %v", took)
		}
	})
}
