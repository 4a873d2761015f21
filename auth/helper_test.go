package auth

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz/auth/internal/keys"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/internal/origin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	publicURL = "https://lmz.example"
	// In test mode only a loopback address is allowed.
	loopbackURL = "http://127.0.0.1:8787"
	ada         = "ada@example.com"
	bob         = "bob@example.com"
)

// noSender makes start omit the Sender.
var noSender Sender = (*Mailbox)(nil)

func noEnv(string) string { return "" }

// fixture is a service behind a real HTTP server, a browser-like client that does not follow
// redirects, the mailbox, and a settable clock.
type fixture struct {
	t      *testing.T
	svc    *Service
	url    string
	client *http.Client
	box    *Mailbox
	log    *syncBuffer
	public string // public URL

	mu    sync.Mutex
	clock time.Time
}

func start(t *testing.T, o Options) *fixture {
	t.Helper()
	f := &fixture{t: t, box: &Mailbox{}, log: &syncBuffer{}, clock: time.Now()}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Getenv == nil {
		o.Getenv = noEnv
	}
	switch o.Sender {
	case nil:
		o.Sender = f.box
	case noSender:
		o.Sender = nil
	}
	if o.PublicURL == "" {
		o.PublicURL = publicURL
		if o.TestMode {
			o.PublicURL = loopbackURL
		}
	}
	o.now = f.now
	f.public = strings.TrimSuffix(origin.URL(o.PublicURL), "/")
	o.Log = slog.New(slog.NewTextHandler(f.log, nil))
	svc, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	f.svc = svc
	server := httptest.NewServer(svc)
	f.url = server.URL
	f.client = &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		server.Close()
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = f.clock.Add(d)
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// answer is a response whose body has been read.
type answer struct {
	*http.Response
	body string
}

// json returns a string member of the body.
func (a answer) json(member string) string {
	var v map[string]any
	json.Unmarshal([]byte(a.body), &v)
	s, _ := v[member].(string)
	return s
}

func (a answer) cookie() string {
	for _, c := range a.Cookies() {
		if c.Name == cookieName {
			return c.Value
		}
	}
	return ""
}

// do sends a request; header alternates names and values, and "Host" sets the host.
func (f *fixture) do(method, path, body string, header ...string) answer {
	f.t.Helper()
	req, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := f.client.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer{resp, string(text)}
}

func (f *fixture) want(a answer, status int, body string) {
	f.t.Helper()
	if a.StatusCode != status || (body != "" && a.body != body) {
		f.t.Fatalf("%s %s: got %d %s, want %d %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body, status, body)
	}
}

// link requests a link and returns its path and query.
func (f *fixture) link(email string) string {
	f.t.Helper()
	f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`), 200, "")
	return f.lastLink()
}

func (f *fixture) lastLink() string {
	f.t.Helper()
	mails := f.box.newestFirst()
	if len(mails) == 0 {
		f.t.Fatal("no mail")
	}
	path, ok := strings.CutPrefix(mails[0].Link, f.public)
	if !ok {
		f.t.Fatalf("link %q does not begin with the public URL", mails[0].Link)
	}
	return path
}

// signIn returns the refresh token of a new session.
func (f *fixture) signIn(email string) string {
	f.t.Helper()
	a := f.do("POST", f.link(email), "")
	f.want(a, 303, "")
	if a.cookie() == "" {
		f.t.Fatal("no cookie")
	}
	return a.cookie()
}

func (f *fixture) refresh(token string) answer {
	f.t.Helper()
	return f.do("POST", "/auth/refresh-token", "", "Cookie", cookieName+"="+token)
}

// access returns an access token of a session.
func (f *fixture) access(token string) string {
	f.t.Helper()
	a := f.refresh(token)
	f.want(a, 200, "")
	return a.json("access_token")
}

func (f *fixture) subject(email string) store.Subject {
	f.t.Helper()
	var s store.Subject
	err := f.svc.store.Update(f.t.Context(), func(tx store.Tx) (err error) {
		s, err = tx.SubjectByEmail(email)
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// sql runs a statement on a connection of the test, and returns the integers in the first column
// of its result.
func (f *fixture) sql(query string, values ...any) (numbers []int64) {
	f.t.Helper()
	conn, err := sqlite.OpenConn(filepath.Join(f.svc.opts.Dir, "auth.db"), sqlite.OpenReadWrite|sqlite.OpenWAL)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetBusyTimeout(10 * time.Second)
	err = sqlitex.Execute(conn, query, &sqlitex.ExecOptions{Args: values, ResultFunc: func(stmt *sqlite.Stmt) error {
		numbers = append(numbers, stmt.ColumnInt64(0))
		return nil
	}})
	if err != nil {
		f.t.Fatal(err)
	}
	return numbers
}

// number returns the integer that a query returns.
func (f *fixture) number(query string, values ...any) int64 {
	f.t.Helper()
	all := f.sql(query, values...)
	if len(all) != 1 {
		f.t.Fatalf("%s returned %d rows", query, len(all))
	}
	return all[0]
}

func (f *fixture) count(table string) int {
	f.t.Helper()
	return int(f.number("SELECT count(*) FROM " + table))
}

// insert stores a subject unchanged.
func (f *fixture) insert(s store.Subject) {
	f.t.Helper()
	f.sql("INSERT OR IGNORE INTO Subjects (sub, email, createdAt) VALUES (?, ?, 0)", s.Sub, s.Email)
	f.must(f.svc.store.Update(f.t.Context(), func(tx store.Tx) error { return tx.SaveFlags(s, f.now()) }))
}

func (f *fixture) keys() *keys.Set {
	f.t.Helper()
	set, err := f.svc.keys.Current()
	if err != nil {
		f.t.Fatal(err)
	}
	return set
}

func jsonNumber(n int64) string { return strconv.FormatInt(n, 10) }

// serve calls a handler without a connection.
func serve(h http.Handler, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/x", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
