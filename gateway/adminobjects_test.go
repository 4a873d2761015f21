package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway/admin"
)

func TestAListOfObjectsComesInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		root := m.peer("root", func(o *client.Options) {
			o.Token = func(context.Context, string) (string, error) {
				return tokenWith(map[string]any{"sub": "root", "isAdmin": true}, time.Time{}), nil
			}
		})
		defer closePeer(root)
		want := []string{"0", "1", "2", "3", "4"}
		for _, instance := range want {
			if _, err := add.Call(t.Context(), root, lmz.At("COUNTER", instance), 1); err != nil {
				t.Fatal(err)
			}
		}
		page := func(after string, limit int) admin.ObjectPage {
			p, err := admin.ListObjects.Call(t.Context(), root, lmz.Worker(admin.Binding), "COUNTER", after, limit)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		for limit, pages := range map[int]int{0: 1, 1: 5, 2: 3, 4: 2, 5: 1, 6: 1} {
			var got []string
			asked := 0
			for next := ""; asked == 0 || next != ""; asked++ {
				p := page(next, limit)
				for _, o := range p.Objects {
					got = append(got, o.Instance)
				}
				next = p.Next
			}
			if !slices.Equal(got, want) || asked != pages {
				t.Errorf("in pages of %d: %s in %d pages, want %d", limit, fmt.Sprint(got), asked, pages)
			}
		}
	})
}
