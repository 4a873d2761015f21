// Package httpserver is the HTTP server in front of a gateway: its limits, the requests it
// refuses, and its answers to health checks.
package httpserver

import (
	"net/http"
	"time"

	"github.com/lumenize/lmz/internal/httphead"
)

// Limits of a connection. Connections of clients are hijacked and have their own.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10 // bytes of the head of a request: tokens and cookies have some kilobytes
)

// New returns a server for all connections. Nothing limits the time of a whole request, see
// withProgress.
func New(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           withProgress(httphead.Handler(h)),
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{SendPingTimeout: idleTimeout, WriteByteTimeout: writePatience},
	}
}
