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
	maxHeader     = 64 << 10 // bytes; tokens and cookies take a few kilobytes
)

// New returns an HTTP server with these limits. There is no limit on the duration of a request
// that makes progress.
func New(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           withProgress(httphead.Handler(h)),
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{SendPingTimeout: idleTimeout, WriteByteTimeout: writePatience},
	}
}
