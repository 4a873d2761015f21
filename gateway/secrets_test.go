package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/object"
)

// record collects everything seen behind the gateway, and everything it sent.
type record struct {
	mu   sync.Mutex
	seen []string // "where: what"
}

func (r *record) add(where string, what any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, fmt.Sprintf("%s: %s", where, what))
}

// Write implements io.Writer for a log.
func (r *record) Write(b []byte) (int, error) {
	r.add("log", b)
	return len(b), nil
}

// handler wraps a node's handler and records the contexts and arguments of all its calls.
func (r *record) handler(node string, h lmz.Handler) lmz.Handler {
	return lmz.HandlerFunc(func(ctx context.Context, req *lmz.Request) (any, error) {
		c, _ := lmz.CallContextFrom(ctx)
		data, err := proto.MarshalContext(c)
		r.add("context of "+node, data)
		for _, arg := range req.Args {
			r.add("argument of "+node, arg.(value.Item).Raw())
		}
		if err != nil {
			return nil, err
		}
		return h.HandleCall(ctx, req)
	})
}

// keeper is an object that stores on disk whatever it learns about its callers.
type keeper struct {
	*object.Object
	lmz.Handler
	record *record
}

func newKeeper(r *record) func(*object.Object) lmz.Handler {
	return func(o *object.Object) lmz.Handler {
		mux := new(lmz.Mux)
		lmz.Method1[string, string]("keep").Expose(mux, lmz.Anyone, func(ctx context.Context, who string) (string, error) {
			c, _ := lmz.CallContextFrom(ctx)
			data, err := proto.MarshalContext(c)
			if err == nil {
				err = o.KV().Put(ctx, "context of "+who, data)
			}
			if err == nil {
				err = o.Send(ctx, lmz.Worker("KEEPER_WORKER"), lmz.Ctn("context"), lmz.Reply(lmz.Ctn("reply", lmz.Result)))
			}
			if err == nil {
				err = o.Send(ctx, lmz.At(lmz.DefaultGateway, who), lmz.Ctn("notify", describe(ctx)))
			}
			return describe(ctx), err
		})
		lmz.Method1[string, struct{}]("reply").Expose(mux, lmz.NoOne, func(ctx context.Context, s string) (struct{}, error) {
			return struct{}{}, o.KV().Put(ctx, "reply", s)
		})
		return &keeper{o, r.handler("KEEPER_DO", mux), r}
	}
}

// OnRequest implements [object.Requester].
func (k *keeper) OnRequest(w http.ResponseWriter, r *http.Request) {
	text := describe(r.Context()) + fmt.Sprint(r.URL, r.Header)
	k.record.add("request of KEEPER_DO", text)
	if err := k.KV().Put(r.Context(), "request", text); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// signIn signs in like a user, and returns the link, the refresh token and two access tokens.
func signIn(t *testing.T, url, email string, mails <-chan auth.Mail) (secrets [4]string) {
	t.Helper()
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer c.CloseIdleConnections()
	do := func(url, body, cookie string) *http.Response {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: "refresh-token", Value: cookie})
		}
		response, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	do(url+"/auth/email-magic-link", `{"email":"`+email+`"}`, "")
	link := (<-mails).Link
	_, secrets[0], _ = strings.Cut(link, "=")
	for _, cookie := range do(link, "", "").Cookies() {
		if cookie.Name == "refresh-token" {
			secrets[1] = cookie.Value
		}
	}
	for i := 2; i < len(secrets); i++ {
		var answer struct {
			Token string `json:"access_token"`
		}
		if err := json.NewDecoder(do(url+"/auth/refresh-token", "", secrets[1]).Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		secrets[i] = answer.Token
	}
	for i, secret := range secrets {
		if len(secret) < 20 {
			t.Fatalf("secret %d of the sign-in is %q", i, secret)
		}
	}
	return secrets
}

func TestNoTokenBehindTheGateway(t *testing.T) {
	dir, seen, mails := t.TempDir(), new(record), make(chan auth.Mail, 1)
	log := slog.New(slog.NewTextHandler(seen, &slog.HandlerOptions{Level: slog.LevelDebug})) // hides nothing
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	users, err := auth.Open(auth.Options{
		Dir: dir, PublicURL: server.URL, Sender: &auth.Mailbox{OnMail: func(m auth.Mail) { mails <- m }}, AutoApprove: true,
		Log: log, Getenv: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Options{Dir: dir, Verify: users.Authenticate, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	g.HandleObject("KEEPER_DO", object.Kind{New: newKeeper(seen)})
	g.HandleWorker("KEEPER_WORKER", func(self lmz.Caller) lmz.Handler { return seen.handler("KEEPER_WORKER", probe(self)) })
	mux.Handle("/gateway/", g)
	mux.Handle("/auth/", users)
	stop := func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if err := users.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	}

	secrets := signIn(t, server.URL, "ann@example.com", mails)
	verified, err := users.Authenticate(t.Context(), secrets[2])
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []string{proto.SubprotocolCBOR, proto.SubprotocolJSON} {
		useTokens(t, server.URL, protocol, verified.Subject+"."+strings.TrimPrefix(protocol, "lmz."), secrets, seen)
	}
	misuseTokens(t, server.URL, verified.Subject, secrets)
	search(t, dir, seen, secrets)
	stop()
	search(t, dir, seen, secrets)
	if len(seen.seen) < 30 {
		t.Errorf("only %d things were seen: %v", len(seen.seen), seen.seen)
	}
}

// useTokens connects, calls an object that calls a worker and the client, replaces the token,
// and sends a request.
func useTokens(t *testing.T, url, protocol, instance string, secrets [4]string, seen *record) {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), url+"/gateway/LUMENIZE_CLIENT_GATEWAY/"+instance, &websocket.DialOptions{
		Subprotocols: []string{protocol, proto.TokenPrefix + secrets[2]},
		HTTPHeader:   http.Header{"Cookie": {"refresh-token=" + secrets[1]}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(websocket.StatusNormalClosure, "")
	to := lmz.At("KEEPER_DO", "a")
	if r := (&raw{t, conn}); protocol == proto.SubprotocolJSON {
		r.say(jsonCall("1", `"binding":"KEEPER_DO","instance":"a"`, "keep", `"`+instance+`"`))
	} else {
		r.frame(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{1}})
		r.frame(cborCall(t, 1, to, lmz.Ctn("keep", instance), lies))
		r.frame(proto.Frame{Kind: proto.KindToken, Token: secrets[3]})
		r.frame(cborCall(t, 2, to, lmz.Ctn("keep", instance), nil))
	}
	for notified := false; !notified; { // the call to the client arrives last
		_, data, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen.add("frame to a client", data)
		notified = bytes.Contains(data, []byte("notify"))
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/gateway/keeper-do/a/path", strings.NewReader("body"))
	r.Header.Set("Authorization", "Bearer "+secrets[3])
	r.AddCookie(&http.Cookie{Name: "refresh-token", Value: secrets[1]})
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}

// misuseTokens causes errors with tokens in them.
func misuseTokens(t *testing.T, url, subject string, secrets [4]string) {
	t.Helper()
	for _, tt := range []struct{ instance, token string }{
		{subject + ".t", secrets[2] + "x"},
		{subject + ".t", secrets[1]},
		{"bob.t", secrets[2]},
		{subject + "." + secrets[2], secrets[2]},
		{secrets[2], secrets[2]},
	} {
		_, response, err := websocket.Dial(t.Context(), url+"/gateway/LUMENIZE_CLIENT_GATEWAY/"+tt.instance, &websocket.DialOptions{
			Subprotocols: []string{proto.SubprotocolCBOR, proto.TokenPrefix + tt.token},
		})
		if err == nil || response.StatusCode != http.StatusUnauthorized && response.StatusCode != http.StatusForbidden {
			t.Errorf("%v, %v", response, err)
		}
	}
	conn, _, err := websocket.Dial(t.Context(), url+"/gateway/LUMENIZE_CLIENT_GATEWAY/"+subject+".m", &websocket.DialOptions{
		Subprotocols: []string{proto.SubprotocolCBOR, proto.TokenPrefix + secrets[2]},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	r := &raw{t, conn}
	r.hello()
	r.frame(cborCall(t, 1, lmz.Worker("KEEPER_WORKER"), lmz.Ctn(secrets[2]), nil)) // by mistake
	if failed, _ := r.answer(); failed != lmz.CodeAbsent {
		t.Errorf("a method called like a token: %s", failed)
	}
	r.frame(proto.Frame{Kind: proto.KindToken, Token: secrets[3] + "x"})
	if code := r.closeCode(); code != proto.CloseTokenExpired {
		t.Errorf("a bad token on the connection: %d", code)
	}
}

// search searches for the tokens and parts of them.
func search(t *testing.T, dir string, seen *record, secrets [4]string) {
	t.Helper()
	var parts []string
	for _, secret := range secrets {
		parts = append(parts, secret)
		if jwt := strings.Split(secret, "."); len(jwt) == 3 {
			parts = append(parts, jwt[1], jwt[2])
		}
	}
	look := func(where string, what []byte) {
		for _, part := range parts {
			if bytes.Contains(what, []byte(part)) {
				t.Errorf("%s has %s of a token: %.300q", where, part, what)
			}
		}
	}
	seen.mu.Lock()
	for _, what := range seen.seen {
		where, _, _ := strings.Cut(what, ":")
		look(where, []byte(what))
	}
	seen.mu.Unlock()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		look(path, data)
		if bytes.Contains(data, []byte("context of ")) {
			files++
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files of objects were read: %v", files, err)
	}
}
