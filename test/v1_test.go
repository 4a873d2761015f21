package test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/memnet"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/object"
)

// These tests read the files left by the program of version 1 (testdata/v1/README.md). They work
// on copies, in virtual time, which begins when version 1 was killed.

const v1 = "../testdata/v1"

// old is a copy of the data directory of version 1, in use.
type old struct {
	t    *testing.T
	dir  string
	made struct {
		At                        int64
		Refresh, Access, Subjects map[string]string
		Named                     string
		Counted, Begun            oldCall
	}
	auth    *auth.Service
	mails   *heldMails
	network *memnet.Network
}

// oldCall is a call of a session of version 1.
type oldCall struct {
	Client  string
	Session []byte
	Number  uint64
}

// heldMails is a mail server.
type heldMails struct {
	mu  sync.Mutex
	all []auth.Mail
}

// Send implements [auth.Sender].
func (h *heldMails) Send(_ context.Context, m auth.Mail) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, m)
	return nil
}

// withV1 runs f in a bubble with a copy of version 1's data and a sign-in service for its
// accounts.
func withV1(t *testing.T, f func(t *testing.T, o *old)) {
	t.Helper()
	o := &old{dir: filepath.Join(t.TempDir(), "data"), mails: new(heldMails)}
	if err := os.CopyFS(o.dir, os.DirFS(filepath.Join(v1, "data"))); err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile(filepath.Join(v1, "manifest.json"))
	if err == nil {
		err = json.Unmarshal(manifest, &o.made)
	}
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		o.t = t
		time.Sleep(time.Until(time.UnixMilli(o.made.At).Add(time.Second)))
		if o.auth, err = auth.Open(auth.Options{Dir: o.dir, Sender: o.mails, Getenv: func(string) string { return "" }}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := o.auth.Close(); err != nil {
				t.Error(err)
			}
		})
		f(t, o)
	})
}

// openMesh opens the objects.
func (o *old) openMesh() {
	g, err := gateway.New(gateway.Options{Dir: o.dir, Verify: o.auth.Authenticate})
	if err != nil {
		o.t.Fatal(err)
	}
	g.HandleObject(editor.DocumentBinding, object.Kind{New: editor.NewDocument})
	g.HandleObject(editor.WorkspaceBinding, object.Kind{New: editor.NewWorkspace})
	g.HandleWorker(editor.SpellCheckBinding, editor.NewSpellCheck)
	g.HandleObject("KEEPER", object.Kind{New: newKeeper, Schema: keeperSchema})
	g.HandleWorker("WAITER", func(lmz.Caller) lmz.Handler { return new(lmz.Mux) })
	g.Start()
	o.network = memnet.New()
	server := &http.Server{Handler: g}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(o.network)
	}()
	o.t.Cleanup(func() {
		if err := g.Close(); err != nil {
			o.t.Error(err)
		}
		server.Close()
		<-served
	})
}

// client connects a client of a user.
func (o *old) client(email, tab string, h lmz.Handler, subscribe func(context.Context)) *client.Peer {
	o.t.Helper()
	c, err := client.New(client.Options{URL: "http://mesh", Tab: tab, Handler: h, OnSubscriptionRequired: subscribe,
		Dial:  client.DialWith(o.network.Client()),
		Token: func(context.Context, string) (string, error) { return o.made.Access[email], nil }})
	if err == nil {
		err = c.Connect(o.t.Context())
	}
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { c.Close(); c.Wait() })
	return c
}

// ask calls and returns the answer.
func ask[R any](o *old, c lmz.Caller, to lmz.Address, method string, args ...any) R {
	o.t.Helper()
	result, err := lmz.Call[R](o.t.Context(), c, to, lmz.Ctn(method, args...))
	if err != nil {
		o.t.Fatalf("%s on %s: %v", method, to, err)
	}
	return result
}

func (o *old) wantEqual(what string, got, want any) {
	o.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		o.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// What version 1 wrote to its document, version by version.
var notesTexts = []string{"", "The teh fox", "The teh fox jumps.\n日本 👩‍👩‍👧 é", "", "The teh fox jumps.\n日本 👩‍👩‍👧 é"}

const (
	v1Ada = "ada@example.com" // an admin
	v1Bob = "bob@example.com"
)

func TestDocumentsOfVersion1(t *testing.T) {
	withV1(t, func(t *testing.T, o *old) {
		o.openMesh()
		c := o.client(v1Bob, "new", editor.NewDesk(), nil)
		notes, long := lmz.At(editor.DocumentBinding, "notes"), lmz.At(editor.DocumentBinding, "long/../😀")
		for version, want := range notesTexts {
			o.wantEqual(fmt.Sprint("version ", version), ask[string](o, c, notes, "read", version, 0), want)
		}
		var by []string
		for _, r := range ask[[]editor.Revision](o, c, notes, "history", 0) {
			by = append(by, r.By)
		}
		o.wantEqual("authors", by, "[bob ada bob ada]")
		missing := ask[editor.Missing](o, c, notes, "changes", 0)
		o.wantEqual("changes", []int{len(missing.Made), missing.Version}, "[4 4]")
		const line = "All work and no play makes Jack a dull boy.\n"
		for version, n := range []int{0, 1000, 1600, 1700} {
			got := ask[string](o, c, long, "read", version, 0)
			o.wantEqual(fmt.Sprint("long version ", version), len(got), min(n*len(line), editor.PartLength))
		}
		workspace := lmz.At(editor.WorkspaceBinding, editor.WorkspaceName)
		opening := ask[editor.Opening](o, c, long, "subscribe")
		o.wantEqual("long text", opening.Length, 1700*len(line))
		ask[any](o, c, notes, "subscribe")
		o.wantEqual("next version", ask[int](o, c, notes, "update", "new"), 5)
		if all := fmt.Sprint(ask[any](o, c, workspace, "documents")); !strings.Contains(all, "notes") || !strings.Contains(all, "long/../😀") {
			t.Errorf("documents: %s", all)
		}
	})
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func TestWatchesOfVersion1(t *testing.T) {
	withV1(t, func(t *testing.T, o *old) {
		if n := o.rows("notes", "watch/"); n < 4 { // three of them for one client
			t.Errorf("notes has %d watches", n)
		}
		o.wantEqual("stored watches of everything", o.rows("everything", "watch/"), 1)
		o.openMesh()
		c := o.client(v1Ada, "new", editor.NewDesk(), nil)
		synctest.Wait()
		ended := ask[[]string](o, c, lmz.At("KEEPER", "everything"), "strings", "ended")
		o.wantEqual("ended", ended, []string{o.made.Subjects[v1Ada] + ".t5"})
		opening := ask[editor.Opening](o, c, lmz.At(editor.DocumentBinding, "notes"), "subscribe")
		o.wantEqual("people", len(opening.People), 0)
		time.Sleep(2 * time.Minute) // the objects close
		o.wantEqual("watches of everything", o.rows("everything", "watch/"), 0)
		o.wantEqual("watches of notes", o.rows("notes", "watch/"), 1) // the new one
	})
}

// rows counts the rows of an object that begin with a prefix.
func (o *old) rows(object, prefix string) (n int) {
	o.t.Helper()
	files, err := filepath.Glob(filepath.Join(o.dir, "objects", "*", object+"-*.db"))
	if err != nil || len(files) != 1 {
		o.t.Fatalf("files of %s: %v, %v", object, files, err)
	}
	conn, err := sqlite.OpenConn(files[0], sqlite.OpenReadWrite)
	if err != nil {
		o.t.Fatal(err)
	}
	defer conn.Close()
	s, _, err := conn.PrepareTransient(`SELECT count(*) FROM lmz_row WHERE substr(key, 1, length(?)) = ?`)
	if err != nil {
		o.t.Fatal(err)
	}
	defer s.Finalize()
	s.BindText(1, prefix)
	s.BindText(2, prefix)
	if _, err := s.Step(); err != nil {
		o.t.Fatal(err)
	}
	return s.ColumnInt(0)
}

func TestStorageOfVersion1(t *testing.T) {
	withV1(t, func(t *testing.T, o *old) {
		o.openMesh()
		c := o.client(v1Ada, "new", nil, nil)
		everything := lmz.At("KEEPER", "everything")
		o.wantEqual("notes", ask[[]string](o, c, everything, "notes"), "[kept 1.5 new also kept 1.5 new]")
		values, err := c.CallRaw(t.Context(), everything, lmz.Ctn("values"))
		if err != nil {
			t.Fatal(err)
		}
		var all []any
		if err := values.Decode(&all); err != nil {
			t.Fatal(err)
		}
		names := v1Lines(t, "json")
		if len(all) <= len(names) {
			t.Errorf("%d values are stored", len(all))
		}
		o.wantEqual("text", all[13], "The teh fox 日本 👩‍👩‍👧 é\x00\n")
		if circle, ok := all[len(all)-1].(map[string]any); !ok || circle["self"].(map[string]any)["name"] != "circle" {
			t.Errorf("the circle came back as %v", all[len(all)-1])
		}
	})
}

func TestAlarmsAndSendsOfVersion1(t *testing.T) {
	withV1(t, func(t *testing.T, o *old) {
		o.openMesh()
		c := o.client(v1Ada, "new", nil, nil)
		alarms, busy, sender := lmz.At("KEEPER", "alarms"), lmz.At("KEEPER", "busy"), lmz.At("KEEPER", "sender")
		o.wantEqual("alarms", ask[[]string](o, c, alarms, "alarms"), "[soon daily later at]")
		time.Sleep(time.Minute)
		o.wantEqual("rang", ask[[]string](o, c, alarms, "strings", "rang"), "[soon]")
		o.wantEqual("alarms", ask[[]string](o, c, alarms, "alarms"), "[daily later at]")
		o.wantEqual("received", ask[[]string](o, c, busy, "strings", "received"), "[one two three]")
		o.wantEqual("heard", ask[[]string](o, c, sender, "strings", "heard"), "[one two three]")
		o.wantEqual("answered", ask[[]string](o, c, sender, "strings", "answered"), "[unknown]")
	})
}

func TestOutcomesOfVersion1(t *testing.T) {
	withV1(t, func(t *testing.T, o *old) {
		o.openMesh()
		conn, _, err := websocket.Dial(t.Context(), "ws://mesh/gateway/"+lmz.DefaultGateway+"/"+o.made.Counted.Client, &websocket.DialOptions{
			HTTPClient: o.network.Client(), Subprotocols: []string{proto.SubprotocolCBOR, proto.TokenPrefix + o.made.Access[v1Ada]},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		write := func(f proto.Frame) {
			if err := conn.Write(t.Context(), websocket.MessageBinary, f.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
		answer := func() proto.Frame {
			for {
				_, data, err := conn.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if f, err := proto.ParseFrame(data); err == nil && f.Kind == proto.KindAnswer {
					return f
				}
			}
		}
		again := func(seq uint64, instance, method string, c oldCall) proto.Frame {
			chain := must(value.MarshalChain(lmz.Ctn(method)))
			write(proto.Frame{Kind: proto.KindCall, Seq: seq, To: lmz.At("KEEPER", instance), Timeout: 20 * time.Second, Context: []byte{0xa0},
				Payload: chain, Again: proto.CallID{Session: proto.SessionID(c.Session), Number: c.Number}})
			return answer()
		}
		write(proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{1}})
		counted := again(1, "counter", "count", o.made.Counted)
		o.wantEqual("answer", []any{counted.Failed, counted.Payload}, []any{"", must(value.Marshal(11))})
		begun := again(2, "slow", "slow", o.made.Begun)
		o.wantEqual("call that had begun", begun.Failed, lmz.CodeUnknown)
		c := o.client(v1Ada, "new", nil, nil)
		o.wantEqual("counter", ask[int](o, c, lmz.At("KEEPER", "counter"), "count"), 12)
		o.wantEqual("slow", ask[int](o, c, lmz.At("KEEPER", "slow"), "count"), 2)
	})
}

func TestAccountsOfVersion1(t *testing.T) {
	withV1(t, func(t *testing.T, o *old) {
		request := func(method, path, body string, header ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, "https://mesh.example.com"+path, strings.NewReader(body))
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			w := httptest.NewRecorder()
			o.auth.ServeHTTP(w, r)
			return w
		}
		for email, refresh := range o.made.Refresh {
			w := request("POST", "/auth/refresh-token", "", "Cookie", "refresh-token="+refresh)
			o.wantEqual("refresh of "+email, w.Code, 200)
		}
		for what, token := range map[string]string{"named token": o.made.Named, "access token": o.made.Access[v1Bob]} {
			who, err := o.auth.Authenticate(t.Context(), token)
			if err != nil || who.Subject != o.made.Subjects[v1Bob] {
				t.Errorf("%s: %+v, %v", what, who, err)
			}
		}
		time.Sleep(10 * time.Minute) // the queued mails are tried again
		synctest.Wait()
		o.mails.mu.Lock()
		sent := slices.Clone(o.mails.all)
		o.mails.mu.Unlock()
		var mails []string
		for _, m := range sent {
			mails = append(mails, m.Kind+" "+m.To)
			if m.Kind == auth.KindMagicLink {
				w := request("POST", strings.TrimPrefix(m.Link, "https://mesh.example.com"), "")
				o.wantEqual("sign-in by a mail that waited", w.Code, 303)
			}
		}
		slices.Sort(mails)
		o.wantEqual("mails that waited", mails, "[invite-new dora@example.com magic-link bob@example.com]")
		w := request("GET", "/auth/audit?limit=500", "", "Authorization", "Bearer "+o.made.Access[v1Ada])
		for _, event := range []string{"access-token.created", "token.refreshed", "access.denied"} {
			if !strings.Contains(w.Body.String(), `"`+event+`"`) {
				t.Errorf("the audit log does not have %s: %s", event, w.Body)
			}
		}
	})
}

// TestJournalsOfVersion1 opens the journals that version 1's editors could not push.
func TestJournalsOfVersion1(t *testing.T) {
	var terminal editor.Record
	var page struct {
		Key   []string
		Value editor.Record
	}
	for name, into := range map[string]any{"terminal/unsaved/*/*": &terminal, "page": &page} {
		files, err := filepath.Glob(filepath.Join(v1, "journal", name+".json"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		data, err := os.ReadFile(files[0])
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	page.Value.Editor = page.Key[2]
	withV1(t, func(t *testing.T, o *old) {
		o.openMesh()
		for range 2 { // a record that is pushed twice is applied once
			desk := editor.NewDesk()
			c := o.client(v1Bob, "new", desk, desk.SubscriptionRequired)
			s, err := desk.Open(c, editor.OpenOptions{Document: "notes", Restore: []editor.Record{terminal, page.Value}})
			if err != nil {
				t.Fatal(err)
			}
			for !s.Ready() || !s.Saved() {
				time.Sleep(time.Second)
				s.Pull()
			}
			s.Pull()
			got := s.Text().String()
			for _, want := range []string{"in the terminal ", "in the page ", "fox jumps."} {
				o.wantEqual("times that the text has "+want, strings.Count(got, want), 1)
			}
			s.Close(t.Context())
			c.Close()
			c.Wait()
		}
	})
}

// v1Lines returns the lines of a kind in frames.txt, by their names.
func v1Lines(t *testing.T, kind string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(v1, "frames.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if len(parts) == 3 && parts[0] == kind {
			lines[parts[1]] = parts[2]
		}
	}
	if len(lines) == 0 {
		t.Fatalf("frames.txt has no %s", kind)
	}
	return lines
}
