package cli_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

// reminders starts a mesh with objects that have alarms, and reports each run of their work.
func reminders(t *testing.T) (url string, rang chan string) {
	t.Helper()
	rang = make(chan string, 10)
	mesh, err := gateway.New(gateway.Options{
		Dir: t.TempDir(),
		Verify: func(context.Context, string) (*lmz.Auth, error) {
			return &lmz.Auth{Subject: "ann", Claims: map[string]any{"isAdmin": true}}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mesh.HandleObject("REMINDER_DO", object.Kind{New: func(o *object.Object) lmz.Handler {
		mux := new(lmz.Mux)
		lmz.Method1[string, struct{}]("remind").Expose(mux, lmz.Anyone, func(ctx context.Context, what string) (struct{}, error) {
			_, err := o.Alarms().Set(ctx, object.Cron("0 9 1 1 *", "Europe/Berlin"), lmz.Ctn("ring", what), object.AlarmOptions{ID: what})
			return struct{}{}, err
		})
		lmz.Method1[string, struct{}]("ring").Expose(mux, lmz.NoOne, func(_ context.Context, what string) (struct{}, error) {
			rang <- what
			return struct{}{}, nil
		})
		return mux
	}})
	server := httptest.NewServer(mesh)
	t.Cleanup(func() {
		server.Close()
		mesh.Close()
	})
	return server.URL, rang
}

func TestAlarmCommands(t *testing.T) {
	url, rang := reminders(t)
	ok := func(args ...string) string {
		t.Helper()
		r := runLmz(t.Context(), url, args...)
		if r.code != 0 || r.err != "" {
			t.Fatalf("lmz %s: exit code %d, %s", strings.Join(args, " "), r.code, r.err)
		}
		return r.stdout
	}
	ok("call", "REMINDER_DO", "ann", "remind", `"milk"`, "+", "remind", `"tea"`)
	var due map[string]any
	if err := json.Unmarshal([]byte(ok("alarms", "ls", "--json")), &due); err != nil || due["instance"] != "ann" {
		t.Errorf("due: %v, %v", due, err)
	}
	next, err := time.Parse(time.RFC3339, due["next"].(string))
	if err != nil || next.Before(time.Now()) || next.UTC().Hour() != 8 {
		t.Errorf("next: %v, %v", next, err)
	}
	if got := ok("alarms", "ls", "REMINDER_DO"); !strings.HasPrefix(got, "OBJECT") || !strings.Contains(got, "REMINDER_DO/ann") {
		t.Errorf("got %q", got)
	}
	table := ok("alarms", "ls", "REMINDER_DO", "ann")
	if lines := strings.Split(table, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[1], "milk") ||
		!strings.Contains(lines[1], "cron 0 9 1 1 * Europe/Berlin  ring()") {
		t.Errorf("got %q", table)
	}
	ok("alarms", "run", "REMINDER_DO", "ann", "tea")
	if got := <-rang; got != "tea" {
		t.Errorf("%q rang", got)
	}
	ok("alarms", "cancel", "REMINDER_DO", "ann", "milk")
	if got := ok("alarms", "ls", "REMINDER_DO", "ann"); strings.Contains(got, "milk") || !strings.Contains(got, "tea") {
		t.Errorf("after the cancellation: %q", got)
	}
	runLmz(t.Context(), url, "alarms", "run", "REMINDER_DO", "ann", "milk").want(t, 1, `lmz: `)
}

func TestAdminQuestionsOfMissingObject(t *testing.T) {
	url, _ := reminders(t)
	backup := filepath.Join(t.TempDir(), "backup")
	for _, command := range []string{
		"alarms ls REMINDER_DO nobody", "alarms run REMINDER_DO nobody x", "alarms cancel REMINDER_DO nobody x",
		"objects sql REMINDER_DO nobody select+1", "objects backup REMINDER_DO nobody " + backup,
	} {
		words := strings.Fields(command)
		for i, word := range words {
			words[i] = strings.ReplaceAll(word, "+", " ")
		}
		runLmz(t.Context(), url, words...).want(t, 6, `lmz: `+"REMINDER_DO/nobody has stored nothing")
		words[2] = "NOBODY_DO"
		runLmz(t.Context(), url, words...).want(t, 6, `lmz: `+`no objects are registered as "NOBODY_DO"`)
	}
}
