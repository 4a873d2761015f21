package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/lumenize/lmz/internal/httphead"
)

// callback is a listener on this machine to which the browser brings the code of a sign-in, in
// one request (RFC 8252). The code is worthless without the verifier (RFC 7636).
type callback struct {
	url      string
	state    string
	verifier string
	host     string
	codes    chan string
	server   *http.Server
}

func listenForCode() (*callback, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l, err = net.Listen("tcp", "[::1]:0") // a machine without IPv4
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the browser's answer: %w", err)
	}
	c := &callback{
		host: l.Addr().String(), state: randomText(16), verifier: randomText(32), codes: make(chan string, 1),
	}
	c.url = "http://" + c.host + "/callback"
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second}
	go c.server.Serve(l)
	return c, nil
}

// randomText returns n random bytes in base64url.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func (c *callback) challenge() string {
	sum := sha256.Sum256([]byte(c.verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ServeHTTP receives the code. The Host must be the address itself: another name that leads
// here is an attack, and so is another state.
func (c *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	httphead.Protect(h)
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	q := r.URL.Query()
	switch {
	case r.Host != c.host:
		http.Error(w, "wrong host", http.StatusMisdirectedRequest)
	case r.URL.Path != "/callback":
		http.NotFound(w, r)
	case r.Method != http.MethodGet:
		http.Error(w, "GET only", http.StatusMethodNotAllowed)
	case subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(c.state)) != 1 || q.Get("code") == "":
		http.Error(w, "This is not the sign-in that the terminal is waiting for.", http.StatusBadRequest)
	default:
		h.Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, callbackPage)
		select {
		case c.codes <- q.Get("code"):
		default: // the browser asked again
		}
	}
}

const callbackPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Back to the terminal</title>
<h1>Back to the terminal</h1>
<p>The terminal has its answer. You can close this tab.</p>
</html>
`

// wait waits for the code.
func (c *callback) wait(ctx context.Context) (string, error) {
	select {
	case code := <-c.codes:
		return code, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// close lets the browser load its page, then closes the listener.
func (c *callback) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if c.server.Shutdown(ctx) != nil {
		c.server.Close()
	}
}
