package cli_test

import (
	"net/http"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/examples/patterns"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// TestDescriptionsOfOurMethods requires a line of documentation and parameter names for every
// method that comes with lmz.
func TestDescriptionsOfOurMethods(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		for binding, newObject := range map[string]func(*object.Object) lmz.Handler{
			editor.DocumentBinding: editor.NewDocument, editor.WorkspaceBinding: editor.NewWorkspace,
			patterns.LibraryBinding: patterns.NewLibrary, patterns.FeedBinding: patterns.NewFeed, patterns.ShopBinding: patterns.NewShop,
			patterns.KitchenBinding: patterns.NewKitchen, patterns.VaultBinding: patterns.NewVault, patterns.ChannelBinding: patterns.NewChannel,
		} {
			m.HandleObject(binding, object.Kind{New: newObject})
		}
		for binding, newWorker := range map[string]func(lmz.Caller) lmz.Handler{
			editor.SpellCheckBinding: editor.NewSpellCheck,
			patterns.CounterBinding:  patterns.NewCounter, patterns.FetcherBinding: patterns.NewFetcher(http.DefaultClient),
			"DESK": func(lmz.Caller) lmz.Handler { return editor.NewDesk() },
		} {
			m.HandleWorker(binding, newWorker)
		}
		ann := m.Client("ann", nil, client.Options{})
		c, err := admin.GetContract.Call(t.Context(), ann, lmz.Worker(admin.Binding))
		if err != nil {
			t.Fatal(err)
		}
		methods := 0
		for _, n := range c.Nodes {
			for _, method := range n.Methods {
				methods++
				if method.Doc == "" || len(method.Names) != len(method.Params) {
					t.Errorf("%s.%s: %q", n.Binding, method, method.Doc)
				}
				if method.ReadOnly && (method.Destructive || method.Idempotent) {
					t.Errorf("%s.%s is %v", n.Binding, method, method.Marks())
				}
			}
		}
		if methods < 40 {
			t.Errorf("only %d methods", methods)
		}
	})
}
