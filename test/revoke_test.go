package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/proto"
)

// ask makes a request to the program; as is a Bearer token, or "cookie=" and a refresh token.
func (d *devServer) ask(as, method, path, body string) (*http.Response, string) {
	d.t.Helper()
	r, err := http.NewRequest(method, d.url()+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if cookie, ok := strings.CutPrefix(as, "cookie="); ok {
		r.Header.Set("Cookie", "refresh-token="+cookie)
	} else if as != "" {
		r.Header.Set("Authorization", "Bearer "+as)
	}
	answer, err := http.DefaultTransport.RoundTrip(r) // no redirection is followed
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer, string(text)
}

func (d *devServer) askJSON(as, method, path, body string) map[string]any {
	d.t.Helper()
	answer, text := d.ask(as, method, path, body)
	if answer.StatusCode >= 400 {
		d.t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, text)
	}
	var v map[string]any
	json.Unmarshal([]byte(text), &v)
	return v
}

var linkInMail = regexp.MustCompile(`/auth/magic-link\?one_time_token=[\w-]+`)

// mailSignIn signs somebody in by a mail, and returns the tokens of the session.
func (d *devServer) mailSignIn(email string) (refresh, access string) {
	d.t.Helper()
	d.askJSON("", "POST", "/auth/email-magic-link", `{"email":"`+email+`"}`)
	link := ""
	eventually(d.t, "a mail to "+email, func() bool {
		_, text := d.ask("", "GET", "/dev/mail", "")
		if at := strings.Index(text, email); at >= 0 {
			link = linkInMail.FindString(text[at:])
		}
		return link != ""
	})
	answer, _ := d.ask("", "POST", link, "")
	for _, c := range answer.Cookies() {
		if c.Name == "refresh-token" {
			refresh = c.Value
		}
	}
	answer, text := d.ask("cookie="+refresh, "POST", "/auth/refresh-token", "")
	for _, c := range answer.Cookies() {
		refresh = c.Value
	}
	var tokens struct {
		Access string `json:"access_token"`
	}
	if json.Unmarshal([]byte(text), &tokens); tokens.Access == "" {
		d.t.Fatalf("no token: %s", text)
	}
	return refresh, tokens.Access
}

// writeUntilRefused writes with a token until that is refused, and returns when the last write
// was accepted, and what the user was told. It calls begun when the first write was accepted.
func writeUntilRefused(t *testing.T, server, token, name string, begun func()) (last time.Time, told error) {
	begun = sync.OnceFunc(begun)
	defer begun() // it never will
	over := make(chan error, 1)
	o := client.Options{
		URL: server, Tab: name,
		Token: func(_ context.Context, refused string) (string, error) {
			if refused != "" {
				return "", client.ErrLoginRequired
			}
			return token, nil
		},
		OnLoginRequired: func(err *client.LoginRequiredError) { over <- err },
	}
	if name == "json" {
		dial := client.DialWith(http.DefaultClient)
		o.Dial = func(ctx context.Context, url string, protocols []string) (client.Transport, error) {
			return dial(ctx, url, slices.DeleteFunc(slices.Clone(protocols), func(p string) bool { return p == proto.SubprotocolCBOR }))
		}
	}
	peer, err := client.New(o)
	if err != nil {
		t.Error(err)
		return last, err
	}
	defer peer.Wait()
	defer peer.Close()
	if err := peer.Connect(t.Context()); err != nil {
		t.Errorf("%s: %v", name, err)
		return last, err
	}
	for {
		if _, err := editor.Subscribe.Call(t.Context(), peer, lmz.At(editor.DocumentBinding, "notes")); err != nil {
			return last, <-over
		}
		begun()
		last = time.Now()
		time.Sleep(20 * time.Millisecond)
	}
}

func TestAuthorityEndsInTheProgram(t *testing.T) {
	d := startDev(t, t.TempDir(), "")
	admin, err := auth.Mint(d.data, nil, "root@example.com", true, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ways := []struct {
		want string
		take func(refresh, access, sub string) (token string, take func())
	}{
		{"Signed out", func(refresh, access, _ string) (string, func()) {
			return access, func() { d.askJSON("cookie="+refresh, "POST", "/auth/logout", "") }
		}},
		{"Account removed", func(_, access, sub string) (string, func()) {
			return access, func() { d.askJSON(admin, "DELETE", "/auth/subject/"+sub, "") }
		}},
		{"Approval withdrawn", func(_, access, sub string) (string, func()) {
			return access, func() { d.askJSON(admin, "PATCH", "/auth/subject/"+sub, `{"adminApproved":false}`) }
		}},
		{"Signed out on another device", func(_, access, _ string) (string, func()) {
			_, other := d.mailSignIn("user3@example.com")
			return access, func() { d.askJSON(other, "POST", "/auth/logout/all", "") }
		}},
		{"Signed out by an administrator", func(_, access, sub string) (string, func()) {
			return access, func() { d.askJSON(admin, "DELETE", "/auth/subject/"+sub+"/sessions", "") }
		}},
		{"Access token removed", func(_, access, _ string) (string, func()) {
			made := d.askJSON(access, "POST", "/auth/tokens", `{"name":"ci"}`)
			return made["token"].(string), func() { d.askJSON(access, "DELETE", "/auth/token/"+made["id"].(string), "") }
		}},
	}
	if !soak() {
		ways = ways[:2]
	}
	for i, way := range ways {
		refresh, access := d.mailSignIn(fmt.Sprintf("user%d@example.com", i))
		sub := d.askJSON("cookie="+refresh, "POST", "/auth/refresh-token", "")["sub"].(string)
		token, take := way.take(refresh, access, sub)

		watch := exec.Command(program, "watch", "notes")
		watch.Env = environ(d.url(), token)
		var said bytes.Buffer
		heard, err := os.Create(filepath.Join(t.TempDir(), "heard"))
		if err != nil {
			t.Fatal(err)
		}
		defer heard.Close()
		watch.Stdout, watch.Stderr = heard, &said
		if err := watch.Start(); err != nil {
			t.Fatal(err)
		}
		var taken, watched, requested time.Time
		lasts, told := [2]time.Time{}, [2]error{}
		var all, begun sync.WaitGroup // begun: all of them are at it
		begun.Add(3)
		all.Go(func() {
			watch.Wait()
			watched = time.Now()
		})
		for j, name := range []string{"cbor", "json"} {
			all.Go(func() { lasts[j], told[j] = writeUntilRefused(t, d.url(), token, name, begun.Done) })
		}
		all.Go(func() {
			begin := sync.OnceFunc(begun.Done)
			defer begin()
			for {
				if answer, _ := d.ask(token, "GET", "/gateway/document-do/notes", ""); answer.StatusCode == http.StatusUnauthorized {
					return
				}
				begin()
				requested = time.Now()
				time.Sleep(20 * time.Millisecond)
			}
		})
		begun.Wait()
		edits := 0
		eventually(t, "lmz watch prints an edit", func() bool {
			edits++
			edit := exec.Command(program, "call", editor.DocumentBinding, "notes", "subscribe", "+", "update", fmt.Sprintf(`"edit %d of %d"`, edits, i))
			edit.Env = environ(d.url(), admin)
			if out, err := edit.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			info, err := heard.Stat()
			return err == nil && info.Size() > 0
		})
		taken = time.Now()
		take()
		all.Wait()
		for j, name := range []string{"cbor", "json"} {
			var login *client.LoginRequiredError
			if lasts[j].IsZero() || !errors.As(told[j], &login) || login.Reason != way.want {
				t.Errorf("%s: %s: the last write was accepted after %v; told %v", way.want, name, lasts[j].Sub(taken), told[j])
			}
		}
		if watched.Before(taken) || !strings.Contains(said.String(), way.want) {
			t.Errorf("%s: lmz watch ended after %v and said %s", way.want, watched.Sub(taken), said.String())
		}
		// How soon it takes effect is asserted where time is virtual.
		t.Logf("%s: accepted after it: a write %v and %v, a request %v; lmz watch ended after %v",
			way.want, lasts[0].Sub(taken), lasts[1].Sub(taken), requested.Sub(taken), watched.Sub(taken))
	}
}
