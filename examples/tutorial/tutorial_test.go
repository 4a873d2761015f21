package main

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// editor is a client that records the notifications it gets and their senders.
type editor struct {
	*meshtest.Client
	told []string
}

func newEditor(m *meshtest.Mesh, subject string) *editor {
	e := new(editor)
	note := func(ctx context.Context, what string) (struct{}, error) {
		c, _ := lmz.CallContextFrom(ctx)
		if what += fmt.Sprint(" by ", c.Chain); c.Auth != nil {
			what += " for " + c.Auth.Subject
		}
		e.told = append(e.told, what)
		return struct{}{}, nil
	}
	methods := new(lmz.Mux)
	HandleContentUpdate.Expose(methods, lmz.Anyone, func(ctx context.Context, id, content string) (struct{}, error) {
		return note(ctx, fmt.Sprintf("%s: %q", id, content))
	})
	HandleSpellFindings.Expose(methods, lmz.Anyone, func(ctx context.Context, id string, findings []Finding) (struct{}, error) {
		return note(ctx, fmt.Sprintf("%s: %v", id, findings))
	})
	e.Client = m.Client(subject, nil, client.Options{Handler: methods})
	return e
}

// wantTold waits until the mesh is idle and checks the notifications that e got since the last
// call.
func (e *editor) wantTold(t *testing.T, want ...string) {
	t.Helper()
	time.Sleep(time.Second) // virtual
	synctest.Wait()
	if !reflect.DeepEqual(e.told, want) {
		t.Errorf("%s was told %q, want %q", e.Identity(), e.told, want)
	}
	e.told = nil
}

func runTutorial(t *testing.T, f func(t *testing.T, m *meshtest.Mesh)) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject(DocumentBinding, object.Kind{New: NewDocument})
		m.HandleWorker(SpellcheckBinding, NewSpellcheck)
		f(t, m)
	})
}

var notes = lmz.At(DocumentBinding, "notes")

func TestSubscribersAreTold(t *testing.T) {
	runTutorial(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := newEditor(m, "ann"), newEditor(m, "bob")
		for _, e := range []*editor{ann, bob, ann} { // subscribing twice has no further effect
			if content, err := Subscribe.Call(t.Context(), e, notes); content != "" || err != nil {
				t.Fatalf("subscribe: %q, %v", content, err)
			}
		}
		if _, err := Update.Call(t.Context(), ann, notes, "hello"); err != nil {
			t.Fatal(err)
		}
		const told = `notes: "hello" by [DOCUMENT_DO/notes]` // a new chain, on behalf of nobody
		ann.wantTold(t, told)
		bob.wantTold(t, told)
		if content, err := Subscribe.Call(t.Context(), bob, notes); content != "hello" || err != nil {
			t.Errorf("subscribe: %q, %v", content, err)
		}
	})
}

func TestOnlySubscribersEdit(t *testing.T) {
	runTutorial(t, func(t *testing.T, m *meshtest.Mesh) {
		ann := newEditor(m, "ann")
		_, err := Update.Call(t.Context(), ann, notes, "hello")
		if lmz.CodeOf(err) != lmz.CodeGuard || err.Error() != "Must be subscribed to edit" {
			t.Errorf("update: %v", err)
		}
		if content, err := Subscribe.Call(t.Context(), ann, notes); content != "" || err != nil {
			t.Errorf("subscribe: %q, %v", content, err)
		}
	})
}

func TestFindingsGoPastTheDocument(t *testing.T) {
	runTutorial(t, func(t *testing.T, m *meshtest.Mesh) {
		ann, bob := newEditor(m, "ann"), newEditor(m, "bob")
		for _, e := range []*editor{ann, bob} {
			if _, err := Subscribe.Call(t.Context(), e, notes); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Update.Call(t.Context(), bob, notes, "Teh cat"); err != nil {
			t.Fatal(err)
		}
		const told = `notes: "Teh cat" by [DOCUMENT_DO/notes]`
		ann.wantTold(t, told)
		bob.wantTold(t, told, `notes: [{Teh 0 [the]}] by [LUMENIZE_CLIENT_GATEWAY/`+bob.Identity().Instance+
			` DOCUMENT_DO/notes SPELLCHECK_WORKER] for bob`)
	})
}

func TestDocumentAfterACrash(t *testing.T) {
	runTutorial(t, func(t *testing.T, m *meshtest.Mesh) {
		ann := newEditor(m, "ann")
		if _, err := Subscribe.Call(t.Context(), ann, notes); err != nil {
			t.Fatal(err)
		}
		if _, err := Update.Call(t.Context(), ann, notes, "kept"); err != nil {
			t.Fatal(err)
		}
		ann.wantTold(t, `notes: "kept" by [DOCUMENT_DO/notes]`)
		m.CrashGateway()
		m.RestartGateway()
		if _, err := Update.Call(t.Context(), ann, notes, "and edited"); err != nil {
			t.Errorf("it is no subscriber any more: %v", err)
		}
		ann.wantTold(t, `notes: "and edited" by [DOCUMENT_DO/notes]`)
	})
}

func TestMisspelledWords(t *testing.T) {
	the := []string{"the"}
	for content, want := range map[string][]Finding{
		"":                  nil,
		"the tehory, teh.":  nil,
		"teh":               {{"teh", 0, the}},
		"TEH  tEh":          {{"TEH", 0, the}, {"tEh", 5, the}},
		"\U0001F600é teh 私": {{"teh", 4, the}}, // positions count UTF-16 units
	} {
		if got := misspelled(content); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v", content, got, want)
		}
	}
}
