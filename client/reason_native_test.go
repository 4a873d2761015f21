//go:build !js

package client_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lumenize/lmz/client"
)

func TestConnectWithABadAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	defer secure.Close()
	for url, why := range map[string]string{
		"http://" + closed: "connection refused",
		"http" + strings.TrimPrefix(secure.URL, "https"): "HTTP request to an HTTPS server",
		"https" + strings.TrimPrefix(plain.URL, "http"):  "HTTP response to HTTPS client",
		plain.URL + "/elsewhere":                         "404",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		p, err := client.New(client.Options{
			URL: url, Token: func(context.Context, string) (string, error) { return annsToken, nil },
			OnConnectionError: func(error) { cancel() },
		})
		if err != nil {
			t.Fatal(err)
		}
		told(t, url, p.Connect(ctx), context.Canceled, why)
		p.Close()
		p.Wait()
	}
}
