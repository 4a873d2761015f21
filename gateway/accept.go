package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
)

// pathPrefix is where clients connect, /gateway/{binding}/{instance} (PROTOCOL.md, "Connecting").
const pathPrefix = "/gateway/"

// ServeHTTP takes clients in at /gateway/{binding}/{instance} and answers 404 to
// everything else.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	instance, ok := g.clientPath(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		refuse(w, http.StatusUpgradeRequired, "Expected WebSocket upgrade")
		return
	}
	token, ok := offeredToken(r.Header)
	if !ok {
		refuse(w, http.StatusUnauthorized, "Unauthorized: Missing access token in WebSocket subprotocol")
		return
	}
	auth, err := g.options.Verify(r.Context(), token)
	if err != nil {
		g.options.Log.Info("client refused", "instance", instance, "error", err)
		refuseToken(w, err)
		return
	}
	if why := checkInstance(instance, auth); why != "" {
		g.options.Log.Warn("client refused", "instance", instance, "subject", auth.Subject, "error", why)
		refuse(w, http.StatusForbidden, "Forbidden: "+why)
		return
	}
	g.accept(w, r, instance, auth)
}

// clientPath reads the instance from a path. The binding may be in kebab case.
func (g *Gateway) clientPath(path string) (instance string, ok bool) {
	rest, ok := strings.CutPrefix(path, pathPrefix)
	if !ok {
		return "", false
	}
	binding, instance, ok := strings.Cut(rest, "/")
	kebab := strings.ToLower(strings.ReplaceAll(g.options.Binding, "_", "-"))
	return instance, ok && (binding == g.options.Binding || binding == kebab)
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

func offers(h http.Header, protocol string) bool {
	for _, p := range protocols(h) {
		if p == protocol {
			return true
		}
	}
	return false
}

// offeredToken finds the access token among the subprotocols, the only place where a
// browser can put it (PROTOCOL.md, "Connecting").
func offeredToken(h http.Header) (string, bool) {
	for _, p := range protocols(h) {
		if token, ok := strings.CutPrefix(p, proto.TokenPrefix); ok {
			return token, true
		}
	}
	return "", false
}

// checkInstance demands the instance name "{subject}.{tab}" (PROTOCOL.md,
// "Connecting"), and a
// name that can be shown and logged.
func checkInstance(instance string, auth *lmz.Auth) (why string) {
	subject, tab, ok := strings.Cut(instance, ".")
	switch {
	case !ok || tab == "" || len(instance) > maxInstance || strings.ContainsFunc(instance, notInName):
		return "invalid instance name format (expected sub.tabId)"
	case strings.Contains(auth.Subject, "."):
		return "the token's subject contains a dot, so no instance name can begin with it"
	case subject == "" || subject != auth.Subject:
		return "identity mismatch"
	}
	return ""
}

// maxInstance is the longest instance name of a client, in bytes.
const maxInstance = 256

func notInName(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f || r == '\uFFFD' }

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, message, status)
}

// publicError is an error of Options.Verify that says what the client may know of it.
type publicError interface {
	HTTPStatus() int
	OAuthError() (code, description string) // RFC 6750 section 3.1
}

// refuseToken answers as the original does (PROTOCOL.md, "Connecting").
func refuseToken(w http.ResponseWriter, err error) {
	status, code, description := http.StatusUnauthorized, "invalid_token", "Token is invalid or expired"
	var public publicError
	if errors.As(err, &public) {
		status = public.HTTPStatus()
		code, description = public.OAuthError()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="Lumenize", error="`+code+`"`)
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": description})
}

// accept upgrades the connection and serves it until it ends.
func (g *Gateway) accept(w http.ResponseWriter, r *http.Request, instance string, auth *lmz.Auth) {
	// The original answers lmz even to a client that does not offer it.
	protocol, kind := proto.SubprotocolJSON, websocket.MessageText
	if offers(r.Header, proto.SubprotocolCBOR) {
		protocol, kind = proto.SubprotocolCBOR, websocket.MessageBinary
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{protocol}, OriginPatterns: g.options.Origins,
	})
	if err != nil {
		g.options.Log.Info("upgrade failed", "instance", instance, "error", err)
		return
	}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		conn.Close(websocket.StatusGoingAway, "the gateway is shutting down")
		return
	}
	g.links++
	c := &connection{
		gateway: g, instance: instance, auth: auth, json: protocol == proto.SubprotocolJSON, ping: conn.Ping,
		link: link.New(g.links, link.WebSocket(conn, kind, proto.MaxFrame)),
	}
	g.open[c] = true
	g.work.Add(1)
	g.mu.Unlock()
	defer g.work.Done()
	c.serve()
}
