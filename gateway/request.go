package gateway

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/authority"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/credential"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
)

// Bearer returns the token of a request's header "Authorization: Bearer TOKEN". The scheme is
// case-insensitive.
func Bearer(r *http.Request) (token string, ok bool) { return credential.Bearer(r.Header) }

// serveObject carries a request to an object, if the rules and the budget allow it.
func (g *Gateway) serveObject(w http.ResponseWriter, r *http.Request, to lmz.Address) {
	log := g.log.Request.With("to", logs.Shown(to.String()), "method", logs.Shown(r.Method), "from", r.RemoteAddr)
	r = withoutClaims(r)
	number := g.authority.Number()
	auth, proof, ok := g.beforeRequest(w, r, to, log)
	if !ok {
		return
	}
	payer := budget.Nobody
	if auth != nil && auth.Subject != "" {
		payer = auth.Subject
	}
	if auth != nil {
		r = r.WithContext(node.WithCallContext(r.Context(), lmz.CallContext{Auth: authority.Seen(auth)}))
	}
	if refused := g.accounts.Take(payer, budget.Steps, 1); refused != nil {
		log.Warn("request refused", "subject", payer, "error", refused)
		refuseRate(w, refused)
		return
	}
	if !g.requests.enter(payer) {
		log.Warn("request refused", "subject", payer, "error", "too many at once")
		refuseRate(w, node.NewRateLimited("requests", time.Second))
		return
	}
	defer g.requests.leave(payer)
	if refused := g.accounts.Take(payer, budget.Waiting, requestOverhead); refused != nil {
		log.Warn("request refused", "subject", payer, "error", refused)
		refuseRate(w, refused)
		return
	}
	body := &chargedBody{ReadCloser: r.Body, accounts: g.accounts, payer: payer, charged: requestOverhead}
	defer body.giveBack()
	r.Body = body
	if auth != nil {
		var release func()
		w, r, release = g.hold(w, r, auth, &authority.Bearer{Log: log.With("subject", auth.Subject), Ask: proof}, number)
		defer release()
	}
	r = r.WithContext(proto.WithPayer(r.Context(), payer))
	g.withoutProof(r, auth != nil)
	g.objects.ServeHTTP(to, w, r)
}

// hold returns a request and a response writer that end when the authority of auth, which was
// verified after number was read, is revoked. release forgets it.
func (g *Gateway) hold(w http.ResponseWriter, r *http.Request, auth *lmz.Auth, b *authority.Bearer, number uint64) (_ http.ResponseWriter, _ *http.Request, release func()) {
	held := &heldAnswer{ResponseWriter: w, own: w.Header().Clone()}
	ctx, cancel := context.WithCancel(r.Context())
	b.Taken = func(reason string) {
		cancel()
		held.end(reason)
	}
	b.GoOn = func(now *lmz.Auth) {
		if now == nil || now.Subject != auth.Subject || !authority.SameClaims(auth, now) {
			b.Taken("What you may do has changed: try again")
		}
	}
	g.authority.Add(b, auth, number)
	return held, r.WithContext(ctx), func() {
		g.authority.Remove(b)
		cancel()
	}
}

// withoutProof removes credentials from a request: all of them if the sender is known, and
// from an anonymous request only the mesh's tokens, since an object may then require
// credentials of its own.
func (g *Gateway) withoutProof(r *http.Request, known bool) {
	r.Header.Del("Sec-WebSocket-Protocol") // carries a client's token, see proto.OfferedToken
	if known {
		r.Header.Del("Authorization")
		r.Header.Del("Cookie")
		return
	}
	credential.DropCookies(r.Header)
	if token, ok := Bearer(r); ok {
		if _, err := g.verify(r.Context(), token); err == nil {
			r.Header.Del("Authorization")
		}
	}
}

// beforeRequest returns the identity of a request, nil if anonymous, and a proof that checks
// it again. If the request is refused, beforeRequest answers it.
func (g *Gateway) beforeRequest(w http.ResponseWriter, r *http.Request, to lmz.Address, log *slog.Logger) (*lmz.Auth, proof, bool) {
	if g.options.BeforeRequest != nil {
		auth, err := hookProof(g.options.BeforeRequest, r, to)(r.Context())
		if err != nil {
			log.Warn("request refused", "error", err)
			refuseFor(w, err)
		}
		asked := r.Clone(r.Context()) // keeps the headers that the object does not see
		asked.Body = http.NoBody
		return auth, hookProof(g.options.BeforeRequest, asked, to), err == nil
	}
	token, ok := Bearer(r)
	if !ok {
		log.Info("request refused", "error", "no token")
		oauthError(w, http.StatusUnauthorized, "invalid_request", "Missing Authorization header with Bearer token")
		return nil, nil, false
	}
	p := g.tokenProof(token)
	auth, err := p(r.Context())
	if err != nil {
		log.Info("request refused", "error", err)
		refuseToken(w, err)
	}
	return auth, p, err == nil
}

// heldAnswer is the answer to a request whose authority may be revoked before it is complete:
// then the status is 401 or, if the answer has begun, it breaks off.
type heldAnswer struct {
	http.ResponseWriter
	own http.Header // set by the gateway

	mu     sync.Mutex // guards the following fields
	begun  bool
	ended  bool
	reason string
}

// end ends the request.
func (h *heldAnswer) end(reason string) {
	h.mu.Lock()
	begun := h.begun
	if !h.ended {
		h.ended, h.reason = true, reason
	}
	h.mu.Unlock()
	at := http.NewResponseController(h.ResponseWriter)
	at.SetReadDeadline(time.Unix(1, 0)) // of a body still being received; not every server supports it
	if begun {
		at.SetWriteDeadline(time.Unix(1, 0))
	}
}

// WriteHeader implements [http.ResponseWriter].
func (h *heldAnswer) WriteHeader(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begin(status)
}

// begin writes the header, once. h.mu is held.
func (h *heldAnswer) begin(status int) {
	if h.begun {
		return
	}
	h.begun = true
	if h.ended {
		clear(h.Header())
		maps.Copy(h.Header(), h.own)
		refuseToken(h.ResponseWriter, &Refusal{Status: http.StatusUnauthorized, Message: h.reason})
		return
	}
	h.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (h *heldAnswer) Write(b []byte) (int, error) {
	h.mu.Lock()
	h.begin(http.StatusOK)
	ended := h.ended
	h.mu.Unlock()
	if ended { // drop the rest of the answer
		return len(b), nil
	}
	return h.ResponseWriter.Write(b)
}

// withoutClaims returns a copy of a request without the headers in which other routers report
// an identity.
func withoutClaims(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Lumenize-") || strings.HasPrefix(name, "X-Partykit-") {
			delete(r.Header, name)
		}
	}
	return r
}

// requestOverhead is roughly what a request with a small answer occupies besides its body.
const requestOverhead = 64 << 10

// maxRequests is how many HTTP requests of one subject, or of all anonymous senders, are
// served at a time. Their bodies and answers stay in memory, even while a slow client sends
// or reads.
const maxRequests = 32

// underWay counts requests by subject.
type underWay struct {
	mu sync.Mutex // guards the following field
	of map[string]int
}

// enter counts one more, unless the subject has reached the limit.
func (u *underWay) enter(subject string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of[subject] >= maxRequests {
		return false
	}
	if u.of == nil {
		u.of = make(map[string]int)
	}
	u.of[subject]++
	return true
}

func (u *underWay) leave(subject string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of[subject]--; u.of[subject] == 0 {
		delete(u.of, subject)
	}
}
