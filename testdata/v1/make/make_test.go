// Package make makes testdata/v1, with the program of its own version: scripts/make-v1.sh
// runs it in a worktree of that. It is no part of ./... and need not build with any later
// version.
package make

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

var out = flag.String("out", "", "absolute path of testdata/v1")

// manifest is what a reader must know of the data and cannot find there.
type manifest struct {
	At       int64             // when it was made, Unix milliseconds, in the virtual time of a test
	Refresh  map[string]string // refresh tokens of sessions, by address
	Access   map[string]string // access tokens, by address
	Named    string            // a named token
	Subjects map[string]string // by address
	Counted  call              // a call whose answer was not acknowledged
	Begun    call              // a call that had begun when the gateway died
}

// call identifies a call in a session that has ended.
type call struct {
	Client  string // instance name
	Session []byte
	Number  uint64
}

func TestMake(t *testing.T) {
	if *out == "" {
		t.Skip("no -out")
	}
	cryptotest.SetGlobalRandom(t, 1)
	data := filepath.Join(t.TempDir(), "data")
	var made manifest
	synctest.Test(t, func(t *testing.T) {
		m := &maker{t: t, dir: data, release: make(chan struct{}), mails: &mails{}}
		m.openAuth()
		m.fillAuth()
		m.openMesh()
		m.fillDocuments()
		m.fillKeepers()
		m.crash()
		made = m.manifest
	})
	keep(t, data+"+", filepath.Join(*out, "data"))
	made.Counted = findCall(t, filepath.Join(*out, "data"), "counter", made.Counted)
	made.Begun = findCall(t, filepath.Join(*out, "data"), "slow", made.Begun)
	writeJSON(t, filepath.Join(*out, "manifest.json"), made)
	writeFrames(t, filepath.Join(*out, "frames.txt"))
}

// mails is a mail server that can be away.
type mails struct {
	mu   sync.Mutex
	away bool
	all  []auth.Mail
}

func (m *mails) Send(_ context.Context, mail auth.Mail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return context.DeadlineExceeded
	}
	m.all = append(m.all, mail)
	return nil
}

// link returns the newest sign-in link of somebody.
func (m *mails) link(to string) (link string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, mail := range m.all {
		if mail.To == to && mail.Kind == auth.KindMagicLink {
			link = mail.Link
		}
	}
	return link
}

type maker struct {
	t        *testing.T
	dir      string
	auth     *auth.Service
	mails    *mails
	mesh     *meshtest.Mesh
	release  chan struct{} // lets handlers end that block
	manifest manifest
}

const (
	ada  = "ada@example.com"  // admin
	bob  = "bob@example.com"  // approved
	carl = "carl@example.com" // waits for approval
	dora = "dora@example.com" // invited
)

func (m *maker) openAuth() {
	svc, err := auth.Open(auth.Options{Dir: m.dir, PublicURL: "https://mesh.example.com", Sender: m.mails, BootstrapEmail: ada,
		Getenv: func(string) string { return "" }})
	if err != nil {
		m.t.Fatal(err)
	}
	m.auth = svc
	m.t.Cleanup(func() { svc.Close() })
	m.manifest.Refresh, m.manifest.Access, m.manifest.Subjects = map[string]string{}, map[string]string{}, map[string]string{}
}

// do asks the sign-in service and returns what it answered.
func (m *maker) do(want int, method, path, body string, header ...string) (answer map[string]any, cookie string) {
	m.t.Helper()
	r := httptest.NewRequest(method, "https://mesh.example.com"+path, strings.NewReader(body))
	r.Header.Set("User-Agent", "Mozilla/5.0 (test)")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	m.auth.ServeHTTP(w, r)
	if w.Code != want {
		m.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	json.Unmarshal(w.Body.Bytes(), &answer)
	for _, c := range w.Result().Cookies() {
		if c.Name == "refresh-token" {
			cookie = c.Value
		}
	}
	return answer, cookie
}

// signIn begins a session.
func (m *maker) signIn(email string) {
	m.t.Helper()
	m.do(200, "POST", "/auth/email-magic-link", `{"email":"`+email+`"}`)
	synctest.Wait()
	link := strings.TrimPrefix(m.mails.link(email), "https://mesh.example.com")
	_, m.manifest.Refresh[email] = m.do(303, "POST", link, "")
}

// refresh replaces the session's refresh token, and returns an access token.
func (m *maker) refresh(email string) string {
	m.t.Helper()
	answer, cookie := m.do(200, "POST", "/auth/refresh-token", "", "Cookie", "refresh-token="+m.manifest.Refresh[email])
	token, _ := answer["access_token"].(string)
	m.manifest.Refresh[email], m.manifest.Access[email] = cookie, token
	who, err := m.auth.Authenticate(m.t.Context(), token)
	if err != nil {
		m.t.Fatal(err)
	}
	m.manifest.Subjects[email] = who.Subject
	return token
}

func (m *maker) fillAuth() {
	m.signIn(ada)
	admin := []string{"Authorization", "Bearer " + m.refresh(ada)}
	m.do(200, "POST", "/auth/invite", `{"emails":["`+bob+`"]}`, admin...)
	synctest.Wait()
	m.signIn(bob)
	token := m.refresh(bob)
	answer, _ := m.do(201, "POST", "/auth/tokens", `{"name":"ci","expiresIn":31536000}`, "Authorization", "Bearer "+token)
	m.manifest.Named, _ = answer["token"].(string)
	m.signIn(carl)
	m.do(401, "POST", "/auth/refresh-token", "", "Cookie", "refresh-token=wrong")
	m.mails.mu.Lock()
	m.mails.away = true // what follows stays in the queue
	m.mails.mu.Unlock()
	m.do(200, "POST", "/auth/invite", `{"emails":["`+dora+`"]}`, admin...)
	m.do(200, "POST", "/auth/email-magic-link", `{"email":"`+bob+`"}`)
	synctest.Wait()
}

func (m *maker) openMesh() {
	m.mesh = meshtest.StartWith(m.t, meshtest.Options{Gateway: gateway.Options{Dir: m.dir, Verify: m.auth.Authenticate}})
	m.mesh.Object(editor.DocumentBinding, object.Kind{New: editor.NewDocument})
	m.mesh.Object(editor.WorkspaceBinding, object.Kind{New: editor.NewWorkspace})
	m.mesh.Worker(editor.SpellCheckBinding, editor.NewSpellCheck)
	m.mesh.Object("KEEPER", object.Kind{New: m.newKeeper, Schema: schema})
	m.mesh.Worker("WAITER", func(lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		lmz.Method0[string]("wait").Expose(mux, lmz.Anyone, func(context.Context) (string, error) {
			<-m.release
			return "", nil
		})
		return mux
	})
}

// client connects a client of somebody.
func (m *maker) client(email, tab string, h lmz.Handler, subscribe func(context.Context)) *meshtest.Client {
	return m.mesh.Client(m.manifest.Subjects[email], nil, client.Options{Tab: tab, Handler: h, OnSubscriptionRequired: subscribe,
		Token: func(context.Context, string) (string, error) { return m.manifest.Access[email], nil }})
}

// call calls, and fails on an error.
func (m *maker) call(c lmz.Caller, to lmz.Address, method string, args ...any) {
	m.t.Helper()
	if _, err := c.CallRaw(m.t.Context(), to, lmz.Ctn(method, args...)); err != nil {
		m.t.Fatalf("%s on %s: %v", method, to, err)
	}
}

// fillDocuments makes a document with a history of two authors, one with a snapshot, and
// journals of what was typed while the line was down.
func (m *maker) fillDocuments() {
	notes := lmz.At(editor.DocumentBinding, "notes")
	a, b := m.client(ada, "t1", editor.NewDesk(), nil), m.client(bob, "t2", editor.NewDesk(), nil)
	for range 3 { // each subscription watches the session
		m.call(a, notes, "subscribe")
	}
	m.call(b, notes, "subscribe")
	m.call(a, notes, "update", "The teh fox")
	time.Sleep(10 * time.Minute) // the journal of versions has a pause here
	m.refresh(ada)
	m.refresh(bob)
	m.call(b, notes, "update", "The teh fox jumps.\n日本 👩‍👩‍👧 é")
	m.call(a, notes, "update", "")
	m.call(b, notes, "restore", 2)
	long := lmz.At(editor.DocumentBinding, "long/../😀")
	m.call(b, long, "subscribe")
	line := "All work and no play makes Jack a dull boy.\n"
	for _, n := range []int{1000, 1600, 1700} {
		m.call(b, long, "update", strings.Repeat(line, n))
	}
	m.journals()
}

// journals types in two editors whose lines are down, and keeps their journals as the
// terminal editor and the page keep theirs.
func (m *maker) journals() {
	for _, tab := range []string{"terminal", "page"} {
		desk := editor.NewDesk()
		c := m.client(bob, tab, desk, desk.SubscriptionRequired)
		var kept editor.Record
		var mu sync.Mutex
		s, err := desk.Open(c, editor.OpenOptions{Document: "notes", Journal: func(r editor.Record) error {
			mu.Lock()
			defer mu.Unlock()
			kept = r
			return nil
		}})
		if err != nil {
			m.t.Fatal(err)
		}
		synctest.Wait()
		s.Pull()
		c.Cut()
		for i, word := range []string{"typed ", "in the ", tab + " "} {
			if err := s.Edit(text.Insert(s.Text().Len(), 7*i, word)); err != nil {
				m.t.Fatal(err)
			}
		}
		s.SetCursor(1, 4)
		time.Sleep(time.Second)
		mu.Lock()
		if tab == "terminal" {
			sum := sha256.Sum256([]byte("https://mesh.example.com\x00" + m.manifest.Subjects[bob] + "\x00" + kept.Document))
			dir := filepath.Join(*out, "journal", "terminal", "unsaved", hex.EncodeToString(sum[:16])) // as package tui names it
			os.RemoveAll(filepath.Join(*out, "journal", "terminal"))
			writeJSON(m.t, filepath.Join(dir, kept.Editor+".json"), kept)
		} else {
			writeJSON(m.t, filepath.Join(*out, "journal", "page.json"), map[string]any{
				"key":   []string{m.manifest.Subjects[bob], kept.Document, kept.Editor},
				"value": map[string]any{"version": kept.Version, "edits": kept.Edits},
			})
		}
		mu.Unlock()
		c.Kill() // before the line is back
		ended, cancel := context.WithCancel(m.t.Context())
		cancel()
		s.Close(ended)
	}
}

// crash kills the gateway, with work under way.
func (m *maker) crash() {
	ann := m.client(ada, "t9", nil, nil)
	m.manifest.Counted.Client = ann.Identity().Instance
	m.manifest.Begun.Client = ann.Identity().Instance
	go ann.CallRaw(m.t.Context(), lmz.At("KEEPER", "slow"), lmz.Ctn("slow"))
	time.Sleep(time.Second)
	ann.Delay(time.Second) // the answer does not come before the crash
	go ann.CallRaw(m.t.Context(), lmz.At("KEEPER", "counter"), lmz.Ctn("count"))
	time.Sleep(1500 * time.Millisecond)
	m.manifest.At = time.Now().UnixMilli()
	m.mesh.CrashGateway()
	close(m.release)
}

// keep copies what a crash has left, with each database in one file.
func keep(t *testing.T, from, to string) {
	os.RemoveAll(to)
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	filepath.WalkDir(to, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".db") {
			conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenWAL)
			if err == nil {
				err = sqlitex.ExecuteTransient(conn, `PRAGMA wal_checkpoint(TRUNCATE)`, nil)
			}
			if err == nil {
				err = conn.Close()
			}
			if err != nil {
				t.Fatal(path, err)
			}
		}
		return err
	})
	os.Remove(filepath.Join(to, "lock"))
}

func writeJSON(t *testing.T, path string, v any) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, append(data, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
