package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/meshtest"
)

func TestObjectListPages(t *testing.T) {
	const objects, most = 2500, 1000
	m := meshtest.Start(t)
	m.HandleWorker("PAGES", func(lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		admin.ListObjects.Expose(mux, lmz.Anyone, func(_ context.Context, _, after string, limit int) (p admin.ObjectPage, err error) {
			if limit == 0 {
				limit = most
			}
			from, _ := strconv.Atoi(after)
			to := min(from+min(limit, most), objects)
			for i := from; i < to; i++ {
				p.Objects = append(p.Objects, admin.StoredObject{Instance: strconv.Itoa(i)})
			}
			if to < objects {
				p.Next = strconv.Itoa(to)
			}
			return p, nil
		})
		return mux
	})
	ann := m.Client("ann", nil, client.Options{})
	for limit, want := range map[int]int{0: 2500, 1: 1, 999: 999, 1000: 1000, 1001: 1001, 2500: 2500, 9000: 2500} {
		var out bytes.Buffer
		err := listObjects(t.Context(), testConsole(&out), ann, lmz.Worker("PAGES"), "", true, limit)
		var got []int
		for line := range strings.Lines(out.String()) {
			var o listedObject
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatal(err)
			}
			n, _ := strconv.Atoi(o.Instance)
			got = append(got, n)
		}
		if err != nil || len(got) != want || !slices.IsSorted(got) {
			t.Errorf("limit %d: %d objects, want %d in order, %v", limit, len(got), want, err)
		}
	}
}
