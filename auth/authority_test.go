package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// world is a service and a mesh whose gateway uses it, in virtual time.
type world struct {
	t    *testing.T
	svc  *Service
	mesh *meshtest.Mesh
	box  *Mailbox

	silent bool // the gateway is not notified of revocations
}

func startWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, box: &Mailbox{}}
	var err error
	w.svc, err = Open(Options{
		Dir: t.TempDir(), Getenv: noEnv, Sender: w.box, PublicURL: publicURL, BootstrapEmail: ada, AutoApprove: true,
		Limits: Limits{MailsPerAddress: -1, MailsPerAddressDaily: -1, MailsPerIP: -1, FailuresPerIP: -1}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.svc.Close(); err != nil {
			t.Error(err)
		}
	})
	w.mesh = meshtest.StartWith(t, meshtest.Options{Gateway: gateway.Options{Verify: w.svc.Authenticate, Revocations: w.svc.Revocations}})
	w.svc.OnRevoke(func(ids ...string) {
		if !w.silent {
			w.mesh.Revoke(ids...)
		}
	})
	w.mesh.HandleObject("LEDGER", object.Kind{New: newLedger})
	w.signIn(ada)
	return w
}

// do sends a request to the service; as is a Bearer token, or "cookie=" and a refresh token.
func (w *world) do(as, method, path, body string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, publicURL+path, strings.NewReader(body))
	if cookie, ok := strings.CutPrefix(as, "cookie="); ok {
		r.Header.Set("Cookie", cookieName+"="+cookie)
	} else if as != "" {
		r.Header.Set("Authorization", "Bearer "+as)
	}
	answer := httptest.NewRecorder()
	w.svc.ServeHTTP(answer, r)
	return answer
}

func (w *world) must(answer *httptest.ResponseRecorder) map[string]any {
	w.t.Helper()
	if answer.Code >= 400 {
		w.t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	var v map[string]any
	json.Unmarshal(answer.Body.Bytes(), &v)
	return v
}

// signIn returns the refresh and the access token of a new session.
func (w *world) signIn(email string) (refresh, access string) {
	w.t.Helper()
	w.must(w.do("", "POST", "/auth/email-magic-link", `{"email":"`+email+`"}`))
	synctest.Wait() // the mail is sent
	path := strings.TrimPrefix(w.box.newestFirst()[0].Link, publicURL)
	answer := w.do("", "POST", path, "")
	w.must(answer)
	for _, c := range answer.Result().Cookies() {
		if c.Name == cookieName {
			refresh = c.Value
		}
	}
	answer = w.do("cookie="+refresh, "POST", "/auth/refresh-token", "")
	access = w.must(answer)["access_token"].(string)
	for _, c := range answer.Result().Cookies() {
		refresh = c.Value
	}
	return refresh, access
}

func (w *world) sub(email string) (sub string) {
	w.t.Helper()
	err := w.svc.store.View(w.t.Context(), func(tx store.Tx) error {
		s, err := tx.SubjectByEmail(email)
		sub = s.Sub
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return sub
}

// ledger is an object that records who wrote when, and notifies its watchers.
type ledger struct {
	*object.Object
	lmz.Mux
}

const (
	writeDown lmz.Method1[string, struct{}] = "write"
	watchIt   lmz.Method0[struct{}]         = "watch"
	written   lmz.Method0[struct{}]         = "written"
)

func newLedger(o *object.Object) lmz.Handler {
	l := &ledger{Object: o}
	writeDown.Expose(&l.Mux, lmz.Anyone, l.write)
	watchIt.Expose(&l.Mux, lmz.Anyone, l.watch)
	return l
}

func (l *ledger) write(ctx context.Context, who string) (struct{}, error) {
	if err := l.KV().Put(ctx, "last "+who, time.Now().UnixMilli()); err != nil {
		return struct{}{}, err
	}
	var watchers []lmz.Address
	if _, err := l.KV().Get(ctx, "watchers", &watchers); err != nil {
		return struct{}{}, err
	}
	for _, to := range watchers {
		if err := l.Send(lmz.NewChain(ctx), to, written.Ctn()); err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, nil
}

func (l *ledger) watch(ctx context.Context) (struct{}, error) {
	c, _ := lmz.CallContextFrom(ctx)
	return struct{}{}, l.KV().Put(ctx, "watchers", []lmz.Address{c.Caller().Address})
}

// OnRequest implements [object.Requester].
func (l *ledger) OnRequest(w http.ResponseWriter, r *http.Request) {
	if _, err := l.write(r.Context(), "http"); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// actor is a user of one token in one way, who writes repeatedly.
type actor struct {
	name string
	last time.Time // of the last accepted write, or of the last notification
	told *client.LoginRequiredError
}

// actors starts actors that use token in every way until they are refused, and returns their
// outcomes. They begin before take is called.
func (w *world) actors(subject, token string, take func()) (all []*actor, taken time.Time) {
	w.t.Helper()
	var mu sync.Mutex
	var running sync.WaitGroup
	note := func(a *actor) {
		mu.Lock()
		defer mu.Unlock()
		a.last = time.Now()
	}
	newClient := func(a *actor, o client.Options) *meshtest.Client {
		over := make(chan struct{})
		o.Token = func(_ context.Context, refused string) (string, error) {
			if refused != "" {
				return "", fmt.Errorf("no other token: %w", client.ErrLoginRequired)
			}
			return token, nil
		}
		o.OnLoginRequired = func(err *client.LoginRequiredError) {
			a.told = err
			close(over)
		}
		running.Go(func() { <-over })
		return w.mesh.NewClient(subject, nil, o)
	}
	connect := func(c *meshtest.Client) {
		if err := c.Connect(w.t.Context()); err != nil {
			w.t.Fatalf("connecting: %v", err)
		}
	}
	for _, name := range []string{"cbor", "json"} {
		a := &actor{name: name}
		all = append(all, a)
		c := newClient(a, client.Options{Tab: name})
		c.JSON = name == "json"
		connect(c)
		running.Go(func() {
			for {
				if _, err := writeDown.Call(w.t.Context(), c, lmz.At("LEDGER", "a"), name); err != nil {
					return
				}
				note(a)
				time.Sleep(50 * time.Millisecond) // virtual
			}
		})
	}
	a := &actor{name: "watch"}
	all = append(all, a)
	watcher := newClient(a, client.Options{Tab: "watch", Handler: func() lmz.Handler {
		mux := new(lmz.Mux)
		written.Expose(mux, lmz.Anyone, func(context.Context) (struct{}, error) { note(a); return struct{}{}, nil })
		return mux
	}()})
	connect(watcher)
	if _, err := watchIt.Call(w.t.Context(), watcher, lmz.At("LEDGER", "a")); err != nil {
		w.t.Fatal(err)
	}
	web := &actor{name: "http"}
	all = append(all, web)
	running.Go(func() {
		for {
			r := httptest.NewRequest("POST", "http://mesh/gateway/ledger/a", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			answer := httptest.NewRecorder()
			if w.t.Failed() {
				return
			}
			w.mesh.ServeHTTP(answer, r)
			if answer.Code != http.StatusOK {
				return
			}
			note(web)
			time.Sleep(50 * time.Millisecond) // virtual
		}
	})
	// Another user continues to write, so that watchers are notified.
	ctx, stop := context.WithCancel(w.t.Context())
	other := w.mesh.NewClient(w.sub(ada), nil, client.Options{Tab: "other", Token: func(context.Context, string) (string, error) {
		_, access := w.signIn(ada)
		return access, nil
	}})
	connect(other)
	var writing sync.WaitGroup
	writing.Go(func() {
		for ctx.Err() == nil {
			if _, err := writeDown.Call(ctx, other, lmz.At("LEDGER", "a"), "other"); err != nil && ctx.Err() == nil {
				w.t.Errorf("somebody else: %v", err)
			}
			time.Sleep(50 * time.Millisecond) // virtual
		}
	})
	time.Sleep(2 * time.Second) // virtual
	taken = time.Now()
	take()
	running.Wait()
	time.Sleep(3 * time.Second) // virtual
	stop()
	writing.Wait()
	return all, taken
}

// Every way to revoke authority, and the message that users get.
var waysToTakeAway = []struct {
	name string
	want string
	do   func(w *world) (token string, take func())
}{
	{"named token deleted", "Access token removed", func(w *world) (string, func()) {
		_, access := w.signIn(bob)
		made := w.must(w.do(access, "POST", "/auth/tokens", `{"name":"ci"}`))
		return made["token"].(string), func() { w.must(w.do(access, "DELETE", "/auth/token/"+made["id"].(string), "")) }
	}},
	{"signed out", "Signed out", func(w *world) (string, func()) {
		refresh, access := w.signIn(bob)
		return access, func() { w.must(w.do("cookie="+refresh, "POST", "/auth/logout", "")) }
	}},
	{"session ended elsewhere", "Signed out on another device", func(w *world) (string, func()) {
		_, access := w.signIn(bob)
		c, err := w.svc.Verify(w.t.Context(), access)
		if err != nil {
			w.t.Fatal(err)
		}
		_, other := w.signIn(bob)
		return access, func() { w.must(w.do(other, "DELETE", "/auth/session/"+c.Session, "")) }
	}},
	{"signed out everywhere", "Signed out on another device", func(w *world) (string, func()) {
		_, access := w.signIn(bob)
		_, other := w.signIn(bob)
		return access, func() { w.must(w.do(other, "POST", "/auth/logout/all", "")) }
	}},
	{"signed out by an admin", "Signed out by an administrator", func(w *world) (string, func()) {
		_, access := w.signIn(bob)
		_, admin := w.signIn(ada)
		return access, func() { w.must(w.do(admin, "DELETE", "/auth/subject/"+w.sub(bob)+"/sessions", "")) }
	}},
	{"refresh token reused", "Signed out because a copy of the sign-in was used", func(w *world) (string, func()) {
		refresh, access := w.signIn(bob)
		answer := w.do("cookie="+refresh, "POST", "/auth/refresh-token", "")
		w.must(answer)
		w.must(w.do("cookie="+answer.Result().Cookies()[0].Value, "POST", "/auth/refresh-token", "")) // so the successor was used
		time.Sleep(2 * time.Minute)
		return access, func() { w.do("cookie="+refresh, "POST", "/auth/refresh-token", "") }
	}},
	{"approval withdrawn", "Approval withdrawn", func(w *world) (string, func()) {
		_, access := w.signIn(bob)
		_, admin := w.signIn(ada)
		return access, func() {
			w.must(w.do(admin, "PATCH", "/auth/subject/"+w.sub(bob), `{"adminApproved":false}`))
		}
	}},
	{"account removed", "Account removed", func(w *world) (string, func()) {
		_, access := w.signIn(bob)
		_, admin := w.signIn(ada)
		return access, func() { w.must(w.do(admin, "DELETE", "/auth/subject/"+w.sub(bob), "")) }
	}},
	{"address unverified", "Account not yet approved", func(w *world) (string, func()) {
		_, access := w.signIn(bob)
		return access, func() {
			err := w.svc.store.Update(w.t.Context(), func(tx store.Tx) error {
				s, err := tx.SubjectByEmail(bob)
				if s.EmailVerified = false; err != nil {
					return err
				}
				return tx.SaveFlags(s, w.svc.now())
			})
			if err != nil {
				w.t.Error(err)
			}
		}
	}},
	{"actor removed", "May not act for this account any more", func(w *world) (string, func()) {
		w.signIn(bob)
		_, carols := w.signIn(carol)
		_, admin := w.signIn(ada)
		actors := "/auth/subject/" + w.sub(bob) + "/actors"
		w.must(w.do(admin, "POST", actors, `{"actorSub":"`+w.sub(carol)+`"}`))
		asBob := w.must(w.do(carols, "POST", "/auth/delegated-token", `{"actFor":"`+w.sub(bob)+`"}`))["access_token"].(string)
		return asBob, func() { w.must(w.do(admin, "DELETE", actors+"/"+w.sub(carol), "")) }
	}},
	{"actor signed out", "Signed out", func(w *world) (string, func()) {
		w.signIn(bob)
		refresh, admin := w.signIn(ada)
		asBob := w.must(w.do(admin, "POST", "/auth/delegated-token", `{"actFor":"`+w.sub(bob)+`"}`))["access_token"].(string)
		return asBob, func() { w.must(w.do("cookie="+refresh, "POST", "/auth/logout", "")) }
	}},
}

func TestAuthorityWithinASecondOfRevocation(t *testing.T) {
	for _, way := range waysToTakeAway {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := startWorld(t)
				token, take := way.do(w)
				all, taken := w.actors(w.sub(bob), token, take)
				for _, a := range all {
					if a.last.Before(taken.Add(-time.Second)) || a.last.After(taken.Add(time.Second)) {
						t.Errorf("%s: the last was accepted %v after", a.name, a.last.Sub(taken))
					}
					if a.name != "http" && (a.told == nil || a.told.Code != 4401 || a.told.Reason != way.want) {
						t.Errorf("%s: told %v, want %q", a.name, a.told, way.want)
					}
				}
			})
		})
	}
}

func TestDemotedAdminAsUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWorld(t)
		w.signIn(bob)
		_, adas := w.signIn(ada)
		w.must(w.do(adas, "PATCH", "/auth/subject/"+w.sub(bob), `{"isAdmin":true}`))
		_, access := w.signIn(bob)
		c := w.mesh.Client(w.sub(bob), nil, client.Options{Token: func(context.Context, string) (string, error) { return access, nil }})
		list := func() error {
			_, err := admin.ListObjects.Call(t.Context(), c, lmz.Worker(admin.Binding), "", "", 0)
			return err
		}
		if err := list(); err != nil {
			t.Fatal(err)
		}
		w.must(w.do(adas, "PATCH", "/auth/subject/"+w.sub(bob), `{"isAdmin":false}`))
		if err := list(); err == nil {
			t.Error("a demoted admin lists objects")
		}
		if _, err := writeDown.Call(t.Context(), c, lmz.At("LEDGER", "a"), "bob"); err != nil || c.State() != client.Connected {
			t.Errorf("a demoted admin does not go on: %v, %v", err, c.State())
		}
	})
}

func TestUnreportedRevocation(t *testing.T) {
	for _, what := range []string{"session", "key"} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := startWorld(t)
				w.silent = true
				refresh, access := w.signIn(bob)
				over := make(chan struct{})
				w.mesh.Client(w.sub(bob), nil, client.Options{
					Token: func(_ context.Context, refused string) (string, error) {
						if refused != "" {
							return "", client.ErrLoginRequired
						}
						return access, nil
					},
					OnLoginRequired: func(*client.LoginRequiredError) { close(over) },
				})
				time.Sleep(time.Minute)
				begun := time.Now()
				if what == "session" {
					w.must(w.do("cookie="+refresh, "POST", "/auth/logout", ""))
				} else {
					for range 2 { // after the first one the old key still verifies
						if _, err := NewKey(w.svc.opts.Dir, noEnv); err != nil {
							t.Fatal(err)
						}
						if _, err := RotateKeys(w.svc.opts.Dir, noEnv); err != nil {
							t.Fatal(err)
						}
					}
				}
				<-over
				if after := time.Since(begun); after > 31*time.Second {
					t.Errorf("ended after %v", after)
				}
			})
		})
	}
}
