package gateway

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/clients"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/dialect"
	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
)

// connect admits a client, or says why not (PROTOCOL.md, "Connecting").
func (f *front) connect(w http.ResponseWriter, r *http.Request, instance string) {
	log := f.gateway.log.Connect.With("binding", f.binding, "instance", logs.Shown(instance), "from", r.RemoteAddr)
	switch {
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		refuseUpgrade(w, "Expected WebSocket upgrade")
		return
	case f.gateway.spoken(r.Header) == nil:
		log.Info("client refused", "error", "it offers no subprotocol that is spoken here", "offered", logs.Shown(offeredNames(r.Header)))
		refuseUpgrade(w, unspoken)
		return
	}
	number := f.gateway.authority.Number()
	auth, proof, ok := f.identify(w, r, instance, log)
	if !ok {
		return
	}
	log = log.With("subject", auth.Subject)
	if refused := f.gateway.accounts.Take(auth.Subject, budget.Connects, 1); refused != nil {
		log.Warn("client refused", "error", "it connects too often")
		refuseRate(w, refused)
		return
	}
	if refused := f.gateway.accounts.Check(auth.Subject, budget.Sessions, 1); refused != nil {
		log.Warn("client refused", "error", refused)
		refuseRate(w, refused)
		return
	}
	instance, err := ownName(instance, auth)
	if err == nil {
		auth, err = f.Admit(r.Context(), instance, auth)
	}
	if err != nil {
		log.Warn("client refused", "error", err)
		refuseFor(w, err)
		return
	}
	f.accept(w, r, clients.Accepted{Rules: f, Instance: instance, Auth: auth, Proof: clients.Proof(proof), Number: number})
}

// proof verifies credentials and returns their owner.
type proof func(context.Context) (*lmz.Auth, error)

// hookProof returns a proof that runs a hook on a request.
func hookProof(hook func(*http.Request, lmz.Address) (*lmz.Auth, error), r *http.Request, to lmz.Address) proof {
	return func(ctx context.Context) (auth *lmz.Auth, err error) {
		err = protect(func() error {
			auth, err = hook(r.WithContext(ctx), to)
			return err
		})
		if err == nil && auth != nil && auth.Subject == proto.Myself {
			err = errReserved
		}
		return auth, err
	}
}

// tokenProof returns a proof that runs Options.Verify on a token.
func (g *Gateway) tokenProof(token string) proof {
	return func(ctx context.Context) (*lmz.Auth, error) { return g.verify(ctx, token) }
}

// identify returns the identity of a request, and a proof that checks it again. If the
// identity is unknown, identify answers the request.
func (f *front) identify(w http.ResponseWriter, r *http.Request, instance string, log *slog.Logger) (*lmz.Auth, proof, bool) {
	if f.options.BeforeConnect != nil {
		p := hookProof(f.options.BeforeConnect, r, lmz.At(f.binding, instance))
		auth, err := p(r.Context())
		if err != nil {
			log.Warn("client refused", "error", err)
			refuseFor(w, err)
			return nil, nil, false
		}
		if auth != nil {
			return auth, p, true
		}
	}
	token, ok, err := proto.OfferedToken(protocols(r.Header))
	switch {
	case !ok:
		log.Info("client refused", "error", "no token")
		refuse(w, http.StatusUnauthorized, "Unauthorized: Missing access token in WebSocket subprotocol")
		return nil, nil, false
	case err != nil:
		log.Info("client refused", "error", err)
		refuse(w, http.StatusUnauthorized, "Unauthorized: "+err.Error())
		return nil, nil, false
	}
	p := f.gateway.tokenProof(token)
	auth, err := p(r.Context())
	if err != nil {
		log.Info("client refused", "error", err)
		refuseToken(w, err)
		return nil, nil, false
	}
	return auth, p, true
}

// verify calls Options.Verify, which must return a subject. A string that cannot be a token
// never reaches it.
func (g *Gateway) verify(ctx context.Context, token string) (auth *lmz.Auth, err error) {
	if err := proto.CheckToken(token); err != nil {
		return nil, &Refusal{Status: http.StatusUnauthorized, Message: err.Error()}
	}
	err = protect(func() (err error) {
		auth, err = g.options.Verify(ctx, token)
		return err
	})
	switch {
	case err != nil:
	case auth == nil || auth.Subject == "":
		err = errors.New("the token has no subject")
	case auth.Subject == proto.Myself:
		err = errReserved
	}
	return auth, err
}

// errReserved refuses the subject "~", which in an instance name stands for the client's own
// subject (PROTOCOL.md, "Connecting"), and whose account anonymous requests share.
var errReserved = errors.New("a subject cannot be called " + proto.Myself)

// ownName returns the instance name for a dialled one, in which "~" stands for the subject of
// auth.
func ownName(dialled string, auth *lmz.Auth) (instance string, err error) {
	tab, own := strings.CutPrefix(dialled, proto.Myself+".")
	switch {
	case !own || auth == nil:
		return dialled, nil
	case strings.Contains(auth.Subject, "."): // its names would begin with another subject
		return "", &Refusal{Message: "the subject contains a dot, so no instance name can have it"}
	}
	return auth.Subject + "." + tab, nil
}

// protocols returns the subprotocols that a client offers.
func protocols(h http.Header) []string {
	var offered []string
	for _, line := range h.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			offered = append(offered, strings.TrimSpace(p))
		}
	}
	return offered
}

// spoken returns the first of the gateway's dialects that a client offers, or nil.
func (g *Gateway) spoken(h http.Header) dialect.Dialect {
	offered := protocols(h)
	for _, d := range g.dialects {
		if slices.Contains(offered, d.Traits().Subprotocol) {
			return d
		}
	}
	return nil
}

// offeredNames returns the subprotocols that a client offers, without its token.
func offeredNames(h http.Header) string {
	return strings.Join(slices.DeleteFunc(protocols(h), proto.CarriesToken), ", ")
}

// hijacker keeps the socket that an upgrade takes over.
type hijacker struct {
	http.ResponseWriter
	socket *link.Socket
}

// Hijack implements [http.Hijacker].
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	socket, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err == nil {
		h.socket = link.NewSocket(socket)
		buffered.Writer.Reset(h.socket)
	}
	return socket, buffered, err
}

// accept upgrades the connection and serves it until it ends.
func (f *front) accept(w http.ResponseWriter, r *http.Request, c clients.Accepted) {
	g := f.gateway
	c.Dialect = g.spoken(r.Header)
	kind := websocket.MessageBinary
	if c.Dialect.Traits().Text {
		kind = websocket.MessageText
	}
	taken := &hijacker{ResponseWriter: w}
	conn, err := websocket.Accept(taken, r, &websocket.AcceptOptions{
		Subprotocols: []string{c.Dialect.Traits().Subprotocol}, InsecureSkipVerify: true, // crossOrigin has checked the origin
	})
	if err != nil {
		g.log.Connect.Info("upgrade failed", "instance", c.Instance, "error", err)
		return
	}
	c.Ping = conn.Ping
	c.Socket = link.WebSocket(conn, taken.socket, kind, proto.MaxFrame, link.ServerGoodbye)
	if g.options.Memory != nil || kind == websocket.MessageText {
		c.Socket = link.Single(c.Socket)
	}
	if !g.clients.Serve(c) {
		conn.Close(websocket.StatusGoingAway, "the gateway is shutting down")
	}
}
