package editor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// fill registers documents with any names, as documents of earlier programs did.
const fill lmz.Method1[[]string, struct{}] = "fill"

var workspaceAt = lmz.At(WorkspaceBinding, WorkspaceName)

// withDocuments runs a test on a mesh whose workspace lists documents.
func withDocuments(t *testing.T, names []string, f func(t *testing.T, m *meshtest.Mesh, ann *meshtest.Client)) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject(DocumentBinding, object.Kind{New: NewDocument})
		m.HandleWorker(SpellCheckBinding, NewSpellCheck)
		m.HandleObject(WorkspaceBinding, object.Kind{New: func(o *object.Object) lmz.Handler {
			w := NewWorkspace(o).(*Workspace)
			fill.Expose(&w.Mux, lmz.Anyone, func(ctx context.Context, names []string) (struct{}, error) {
				for _, name := range names {
					if err := w.KV().Put(ctx, documentPrefix+name, true); err != nil {
						return struct{}{}, err
					}
				}
				return struct{}{}, nil
			})
			lmz.Method1[string, struct{}]("drop").Expose(&w.Mux, lmz.Anyone, w.forget)
			return w
		}})
		ann := m.Client("ann", nil, client.Options{})
		for part := range slices.Chunk(names, 200) {
			if _, err := fill.Call(t.Context(), ann.Peer, workspaceAt, part); err != nil {
				t.Fatal(err)
			}
		}
		f(t, m, ann)
	})
}

// longNames returns names of 1 KiB, the longest that instances may have, in order.
func longNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%04d", i)+strings.Repeat("x", 1020))
	}
	return names
}

// pages reads a list of documents to its end.
func pages(t *testing.T, ann *meshtest.Client, limit int) (all []string, calls int) {
	t.Helper()
	for after := ""; ; calls++ {
		page, err := ListDocuments.Call(t.Context(), ann.Peer, workspaceAt, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, name := range page.Names {
			size += len(name)
		}
		if size > pageBytes || limit > 0 && len(page.Names) > limit {
			t.Fatalf("a page has %d names of %d bytes", len(page.Names), size)
		}
		all = append(all, page.Names...)
		if after = page.Next; after == "" {
			return all, calls + 1
		}
	}
}

func TestLongListOfDocuments(t *testing.T) {
	names := longNames(1040)
	withDocuments(t, names, func(t *testing.T, _ *meshtest.Mesh, ann *meshtest.Client) {
		if all, calls := pages(t, ann, 0); !slices.Equal(all, names) || calls != 17 {
			t.Errorf("%d pages have %d names", calls, len(all))
		}
		first, err := Documents.Call(t.Context(), ann.Peer, workspaceAt)
		if err != nil || len(first) == 0 || !slices.Equal(first, names[:len(first)]) {
			t.Errorf("clients that know no pages get %d names, %v", len(first), err)
		}
	})
}

func TestPagesOfDocuments(t *testing.T) {
	var names []string
	for i := range 1234 {
		names = append(names, fmt.Sprintf("%04d", i))
	}
	withDocuments(t, names, func(t *testing.T, _ *meshtest.Mesh, ann *meshtest.Client) {
		for limit, want := range map[int]int{0: 3, -1: 3, 5000: 3, 500: 3, 617: 3, 100: 13, 411: 4} {
			if all, calls := pages(t, ann, limit); !slices.Equal(all, names) || calls != want {
				t.Errorf("limit %d: %d pages have %d names, want %d pages", limit, calls, len(all), want)
			}
		}
	})
}

func TestChangingListOfDocuments(t *testing.T) {
	withDocuments(t, []string{"a", "b", "c", "d", "e"}, func(t *testing.T, _ *meshtest.Mesh, ann *meshtest.Client) {
		list := func(after string) string {
			page, err := ListDocuments.Call(t.Context(), ann.Peer, workspaceAt, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(page.Names, "") + ">" + page.Next
		}
		if got := list(""); got != "ab>b" {
			t.Fatalf("the first page is %s", got)
		}
		as := func(name string, method lmz.Method1[string, struct{}]) {
			t.Helper()
			if _, err := method.Call(t.Context(), ann.Peer, workspaceAt, name); err != nil {
				t.Fatal(err)
			}
		}
		const drop lmz.Method1[string, struct{}] = "drop"
		as("b", drop) // the cursor itself is removed
		as("a", drop)
		if got := list("b"); got != "cd>d" {
			t.Errorf("after the cursor was removed: %s", got)
		}
		if _, err := fill.Call(t.Context(), ann.Peer, workspaceAt, []string{"a2", "d2"}); err != nil {
			t.Fatal(err)
		}
		if got := list("d"); got != "d2e>" {
			t.Errorf("after names came: %s", got)
		}
	})
}

func TestLongNameOfDocument(t *testing.T) {
	old := true // the first program accepts longer names
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleWorker(SpellCheckBinding, NewSpellCheck)
		m.HandleObject(WorkspaceBinding, object.Kind{New: NewWorkspace})
		m.HandleObject(DocumentBinding, object.Kind{New: func(o *object.Object) lmz.Handler {
			d := NewDocument(o).(*Document)
			if old {
				d.OnBeforeCall(lmz.Anyone)
			}
			return d
		}})
		ann := m.Client("ann", nil, client.Options{})
		open := func(name string) error {
			_, err := Subscribe.Call(t.Context(), ann.Peer, lmz.At(DocumentBinding, name))
			return err
		}
		before, begun := strings.Repeat("b", 1024), strings.Repeat("c", 1024)
		for _, name := range []string{before, begun} {
			if err := open(name); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Update.Call(t.Context(), ann.Peer, lmz.At(DocumentBinding, before), "text"); err != nil {
			t.Fatal(err)
		}
		old = false
		m.RestartGateway()
		if err := ann.Peer.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, fine := range map[string]bool{
			before: true, begun: false, strings.Repeat("x", MaxName): true, strings.Repeat("x", MaxName+1): false,
			strings.Repeat("ü", MaxName/2): true, strings.Repeat("ü", MaxName/2+1): false,
		} {
			err := open(name)
			if fine != (err == nil) {
				t.Errorf("a name of %d bytes: %v", len(name), err)
			}
			if err != nil && (lmz.CodeOf(err) != lmz.CodeGuard || !strings.Contains(err.Error(), "at most 256 bytes")) {
				t.Errorf("a name of %d bytes is refused with %v", len(name), err)
			}
		}
		if all, _ := pages(t, ann, 0); !slices.Equal(all, []string{before}) {
			t.Errorf("%d names are listed", len(all))
		}
	})
}

func TestRemovedDocument(t *testing.T) {
	withDocuments(t, []string{"plans"}, func(t *testing.T, m *meshtest.Mesh, _ *meshtest.Client) {
		ann := newPerson(t, m, "editor", client.Options{})
		ann.open(t, "notes", OpenOptions{})
		ann.typeAt(t, 0, "text")
		ann.saved(t)
		root := m.Client("root", map[string]any{"isAdmin": true}, client.Options{})
		listed := func(want ...string) {
			t.Helper()
			synctest.Wait() // the document tells the workspace after its turn
			if all, _ := pages(t, root, 0); !slices.Equal(all, want) {
				t.Errorf("listed are %q, want %q", all, want)
			}
		}
		listed("notes", "plans")
		if _, err := admin.RemoveObject.Call(t.Context(), root, lmz.Worker(admin.Binding), lmz.At(DocumentBinding, "notes")); err != nil {
			t.Fatal(err)
		}
		listed("plans")
		// A client that has it open gets a new document.
		ann.typeAt(t, 4, " and more")
		ann.until(t, "the new document", func() bool { return ann.screen == "" })
		ann.typeAt(t, 0, "new")
		ann.until(t, "it is saved", func() bool { return ann.doc.Err() == nil && ann.doc.Version() == 1 })
		if content, _, err := ReadAll(t.Context(), root, "notes"); content != "new" || err != nil {
			t.Errorf("the new document has %q, %v", content, err)
		}
		listed("notes", "plans")
	})
}
