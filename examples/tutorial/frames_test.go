package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/internal/memnet"
)

// These tests send what the original's client sends in each step of the tutorial, frame by frame,
// and check the answers of the server (PROTOCOL.md, "The subprotocol lmz").

// tutorialURL is the public URL of the program.
const tutorialURL = "http://127.0.0.1:8789"

// program is the running tutorial, in virtual time.
type program struct {
	t       *testing.T
	network *memnet.Network
}

func runProgram(t *testing.T, f func(p *program)) {
	synctest.Test(t, func(t *testing.T) {
		mailbox := new(auth.Mailbox)
		users, mesh, err := open(t.TempDir(), tutorialURL, mailbox)
		if err != nil {
			t.Fatal(err)
		}
		p := &program{t, memnet.New()}
		server, served := &http.Server{Handler: routes(users, mesh, mailbox)}, make(chan struct{})
		go func() {
			defer close(served)
			server.Serve(p.network)
		}()
		defer func() {
			if err := mesh.Close(); err != nil {
				t.Error(err)
			}
			server.Close()
			<-served
			if err := users.Close(); err != nil {
				t.Error(err)
			}
		}()
		f(p)
	})
}

// do makes a request and returns the status and the body.
func (p *program) do(c *http.Client, method, url, body string) (int, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := c.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func (p *program) read(data string, into any) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(data), into); err != nil {
		p.t.Fatalf("%v: %s", err, data)
	}
}

// signIn does what a browser does: it requests a link, presses its button, and fetches a token
// for the client.
func (p *program) signIn(email string) (token string) {
	p.t.Helper()
	browser := p.network.Client()
	browser.Jar, _ = cookiejar.New(nil)
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if status, body := p.do(browser, "POST", tutorialURL+"/auth/email-magic-link", `{"email":"`+email+`"}`); status != 200 {
		p.t.Fatalf("the request for a link: %d %s", status, body)
	}
	_, list := p.do(browser, "GET", tutorialURL+"/dev/mail?format=json", "")
	var mails []struct{ To, Link string }
	if p.read(list, &mails); len(mails) == 0 || mails[0].To != email {
		p.t.Fatalf("no mail: %s", list)
	}
	if status, body := p.do(browser, "POST", mails[0].Link, ""); status != 303 {
		p.t.Fatalf("the button: %d %s", status, body)
	}
	status, body := p.do(browser, "POST", tutorialURL+"/auth/refresh-token", "")
	var answer struct {
		Token   string `json:"access_token"`
		Type    string `json:"token_type"`
		Expires int    `json:"expires_in"`
		Sub     string
	}
	if p.read(body, &answer); status != 200 || answer.Type != "Bearer" || answer.Expires != 900 || answer.Sub != claimsOf(answer.Token)["sub"] {
		p.t.Fatalf("the refresh: %d %s", status, body)
	}
	return answer.Token
}

func claimsOf(token string) (claims map[string]any) {
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	json.Unmarshal(payload, &claims)
	return claims
}

// original is a client that sends the same frames as the original's.
type original struct {
	*program
	token, instance string
	socket          *websocket.Conn
	calls           int
}

// dial requests an upgrade.
func (p *program) dial(path, token string) (*websocket.Conn, *http.Response, error) {
	o := &websocket.DialOptions{HTTPClient: p.network.Client(), Subprotocols: []string{"lmz"}}
	if token != "" {
		o.Subprotocols = append(o.Subprotocols, "lmz.access-token."+token)
	}
	return websocket.Dial(p.t.Context(), strings.Replace(tutorialURL, "http", "ws", 1)+path, o)
}

// connect opens a client whose tab is t1, and checks whether the server tells it to subscribe.
func (p *program) connect(token string, subscriptionRequired bool) *original {
	p.t.Helper()
	o := &original{program: p, token: token, instance: fmt.Sprint(claimsOf(token)["sub"], ".t1")}
	socket, answer, err := p.dial("/gateway/LUMENIZE_CLIENT_GATEWAY/"+o.instance, token)
	if err != nil {
		p.t.Fatal(err)
	}
	if got := answer.Header.Get("Sec-WebSocket-Protocol"); got != "lmz" {
		p.t.Errorf("the server chose %q", got)
	}
	o.socket = socket
	o.hear(fmt.Sprintf(`{"type":"connection_status","subscriptionRequired":%v}`, subscriptionRequired))
	o.say("lmz:ping")
	if got := o.next(); got != "lmz:pong" {
		p.t.Errorf("heard %s to a ping", got)
	}
	return o
}

func (o *original) say(text string) {
	o.t.Helper()
	if err := o.socket.Write(o.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		o.t.Fatal(err)
	}
}

func (o *original) next() string {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute) // virtual
	defer cancel()
	kind, data, err := o.socket.Read(ctx)
	if err != nil || kind != websocket.MessageText {
		o.t.Fatalf("heard %v, %v", kind, err)
	}
	return string(data)
}

// hear expects these frames, in any order: the original promises none. The placeholder GATEWAY
// stands for any id; hear returns these ids.
func (o *original) hear(want ...string) (ids []string) {
	o.t.Helper()
	left := slices.Clone(want)
	for range want {
		var got map[string]any
		text := o.next()
		o.read(text, &got)
		id, _ := got["callId"].(string)
		i := slices.IndexFunc(left, func(frame string) bool {
			var expected map[string]any
			o.read(strings.Replace(frame, "GATEWAY", id, 1), &expected)
			return reflect.DeepEqual(got, expected)
		})
		if i < 0 {
			o.t.Fatalf("heard\n%s\nwant\n%s", text, strings.Join(left, "\n"))
		}
		if strings.Contains(left[i], "GATEWAY") {
			ids = append(ids, id)
		}
		left = slices.Delete(left, i, i+1)
	}
	return ids
}

// call calls a method of the document notes, and returns the id of the call.
func (o *original) call(method, arguments string) string {
	o.t.Helper()
	o.calls++
	id := fmt.Sprintf("28820342-1651-4030-b1f1-9bb4cb65%04d", o.calls)
	o.say(`{"type":"call","callId":"` + id + `","binding":"DOCUMENT_DO","instance":"notes",` +
		`"chain":{"json":[{"type":"get","key":"` + method + `"},{"type":"apply","args":[` + arguments + `]}],"meta":{}},` +
		`"callContext":{"callChain":[` + o.identity() + `],"state":{"json":{},"meta":{}}}}`)
	return id
}

func (o *original) identity() string {
	return `{"type":"LumenizeClient","bindingName":"LUMENIZE_CLIENT_GATEWAY","instanceName":"` + o.instance + `"}`
}

// Frames that a client receives.

func result(id, value string) string {
	return `{"type":"call_response","callId":"` + id + `","success":true,"result":{"json":` + value + `,"meta":{}}}`
}

const nothing = `{"$type":"undefined"}`

const document = `{"type":"LumenizeDO","bindingName":"DOCUMENT_DO","instanceName":"notes"}`

// updated is the call of the document to its subscribers, in a new chain on behalf of nobody.
func updated(content string) string {
	return incoming("handleContentUpdate", content, document, "")
}

// misspelt is the call of the spell checker to the author, in the chain that began there.
func (o *original) misspelt(findings string) string {
	claims := claimsOf(o.token)
	delete(claims, "jti") // identify the token and its session; hidden from nodes
	delete(claims, "sid")
	auth, _ := json.Marshal(map[string]any{"sub": claims["sub"], "claims": claims})
	origin := `"originAuth":` + string(auth) + `,`
	return incoming("handleSpellFindings", findings, o.identity()+","+document+`,{"type":"LumenizeWorker","bindingName":"SPELLCHECK_WORKER"}`, origin)
}

func incoming(method, argument, chain, origin string) string {
	return `{"type":"incoming_call","callId":"GATEWAY","chain":{"json":[{"type":"get","key":"` + method + `"},` +
		`{"type":"apply","args":["notes",` + argument + `]}],"meta":{}},` +
		`"callContext":{"callChain":[` + chain + `],` + origin + `"state":{"json":{},"meta":{}}}}`
}

// done sends the results of calls that the mesh made.
func (o *original) done(ids []string) {
	o.t.Helper()
	for _, id := range ids {
		o.say(`{"type":"incoming_call_response","callId":"` + id + `","success":true,"result":{"json":` + nothing + `,"meta":{}}}`)
	}
}

func TestOriginalsFramesOfTheTutorial(t *testing.T) {
	runProgram(t, func(p *program) {
		ann := p.connect(p.signIn("ann@example.com"), true)
		bob := p.connect(p.signIn("bob@example.com"), true)
		defer bob.socket.CloseNow()

		// A client edits a document that it has not opened.
		id := ann.call("update", `"hello"`)
		ann.hear(`{"type":"call_response","callId":"` + id + `","success":false,"error":{"json":{"$type":"error","name":"Error",` +
			`"message":"Must be subscribed to edit","lmzCode":"guard"},"meta":{}}}`)

		// openDocument
		for _, o := range []*original{ann, bob} {
			o.hear(result(o.call("subscribe", ""), `""`))
		}

		// saveContent: the document notifies both, the spell checker only the author.
		id = ann.call("update", `"Teh cat saw teh dog"`)
		ann.done(ann.hear(result(id, nothing), updated(`"Teh cat saw teh dog"`), ann.misspelt(
			`[{"word":"Teh","position":0,"suggestions":["the"]},{"word":"teh","position":12,"suggestions":["the"]}]`)))
		bob.done(bob.hear(updated(`"Teh cat saw teh dog"`)))

		// The spell checker finds nothing and reports nothing.
		id = bob.call("update", `"The cat saw the dog"`)
		bob.done(bob.hear(result(id, nothing), updated(`"The cat saw the dog"`)))
		ann.done(ann.hear(updated(`"The cat saw the dog"`)))

		// The connection is lost and restored within the grace period: nobody subscribes again.
		ann.socket.CloseNow()
		time.Sleep(3 * time.Second) // virtual
		id = bob.call("update", `"while she was away"`)
		bob.done(bob.hear(result(id, nothing), updated(`"while she was away"`)))
		ann = p.connectAgain(ann, updated(`"while she was away"`))
		defer ann.socket.CloseNow()

		// The grace period passes: onSubscriptionRequired subscribes all open documents again.
		ann.socket.CloseNow()
		time.Sleep(6 * time.Second)
		ann = p.connect(ann.token, true)
		ann.hear(result(ann.call("subscribe", ""), `"while she was away"`))

		// The client is disposed of.
		if err := ann.socket.Close(websocket.StatusNormalClosure, "Client disconnect"); err != nil {
			t.Errorf("the goodbye is not answered: %v", err)
		}
	})
}

// connectAgain connects within the grace period: calls that were waiting may arrive before or
// after the status.
func (p *program) connectAgain(before *original, waited ...string) *original {
	p.t.Helper()
	socket, _, err := p.dial("/gateway/LUMENIZE_CLIENT_GATEWAY/"+before.instance, before.token)
	if err != nil {
		p.t.Fatal(err)
	}
	o := &original{program: p, token: before.token, instance: before.instance, socket: socket, calls: before.calls}
	o.done(o.hear(append(waited, `{"type":"connection_status","subscriptionRequired":false}`)...))
	return o
}

func TestOriginalsEntryPoint(t *testing.T) {
	runProgram(t, func(p *program) {
		token := p.signIn("ann@example.com")
		instance := fmt.Sprint(claimsOf(token)["sub"], ".t1")
		for _, tt := range []struct {
			path, token, body string
			status            int
		}{
			{"/elsewhere", token, "404 page not found\n", 404},
			{"/gateway/LUMENIZE_CLIENT_GATEWAY/" + instance, "", "Unauthorized: Missing access token in WebSocket subprotocol", 401},
			{"/gateway/LUMENIZE_CLIENT_GATEWAY/" + instance, "x.y.z", `{"error":"invalid_token","error_description":"Token is invalid or expired"}`, 401},
			{"/gateway/LUMENIZE_CLIENT_GATEWAY/somebody.t1", token, "Forbidden: identity mismatch", 403},
			{"/gateway/LUMENIZE_CLIENT_GATEWAY/somebody", token, "Forbidden: invalid instance name format (expected {sub}.{tab})", 403},
			{"/gateway/lumenize-client-gateway/" + instance, token, "", 101},
		} {
			socket, answer, err := p.dial(tt.path, tt.token)
			if answer == nil {
				t.Fatalf("%s: %v", tt.path, err)
			}
			if socket != nil {
				socket.CloseNow()
			}
			var body bytes.Buffer
			if tt.status != 101 {
				io.Copy(&body, answer.Body)
			}
			if answer.StatusCode != tt.status || body.String() != tt.body {
				t.Errorf("%s: %d %q, want %d %q", tt.path, answer.StatusCode, body.String(), tt.status, tt.body)
			}
		}
	})
}
