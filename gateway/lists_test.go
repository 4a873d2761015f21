package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// adminNode is the node that serves the lists.
var adminNode = lmz.Worker(admin.Binding)

const remind lmz.Method2[string, int, struct{}] = "remind"

// withReminders runs a test on a mesh with objects that set alarms, in files if it is given a
// folder, and with an administrator.
func withReminders(t *testing.T, dir string, f func(t *testing.T, m *meshtest.Mesh, root *meshtest.Client)) {
	onMesh := func(t *testing.T) {
		o := gateway.Options{Dir: dir}
		o.Budget.Time = gateway.Rate{PerSecond: -1} // many objects take long on a busy machine
		m := meshtest.StartWith(t, meshtest.Options{Gateway: o})
		m.HandleObject("REMINDER_DO", object.Kind{Relaxed: true, New: func(o *object.Object) lmz.Handler {
			mux := new(lmz.Mux)
			remind.Expose(mux, lmz.Anyone, func(ctx context.Context, id string, minutes int) (struct{}, error) {
				_, err := o.Alarms().Set(ctx, object.In(time.Duration(minutes)*time.Minute), lmz.Ctn("ring"), object.AlarmOptions{ID: id})
				return struct{}{}, err
			})
			return mux
		}})
		f(t, m, m.Client("root", map[string]any{"isAdmin": true}, client.Options{}))
	}
	if dir == "" {
		synctest.Test(t, func(t *testing.T) { onMesh(t) })
		return
	}
	onMesh(t)
}

// everyPage requests page after page.
func everyPage[T any](t *testing.T, ask func(after string) (page []T, next string, err error), size func(T) int) (all []T, pages int) {
	t.Helper()
	for after := ""; ; {
		page, next, err := ask(after)
		if err != nil {
			t.Fatal(err)
		}
		bytes := 0
		for _, one := range page {
			bytes += size(one)
		}
		if bytes > 64<<10 && len(page) > 1 || len(page) == 0 && next != "" {
			t.Fatalf("a page has %d entries of %d bytes", len(page), bytes)
		}
		pages++
		all = append(all, page...)
		if after = next; after == "" {
			return all, pages
		}
	}
}

func manyNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%04d", i)+strings.Repeat("x", 1020))
	}
	return names
}

func TestObjectsWithLongNamesAreListed(t *testing.T) {
	names := manyNames(150)
	withReminders(t, t.TempDir(), func(t *testing.T, m *meshtest.Mesh, root *meshtest.Client) {
		var making sync.WaitGroup
		for part := range 8 {
			making.Go(func() {
				for i := part; i < len(names); i += 8 {
					if _, err := remind.Call(t.Context(), root, lmz.At("REMINDER_DO", names[i]), "x", 1000); err != nil {
						t.Error(err)
					}
				}
			})
		}
		making.Wait()
		all, pages := everyPage(t, func(after string) ([]admin.StoredObject, string, error) {
			page, err := admin.ListObjects.Call(t.Context(), root, adminNode, "", after, 0)
			return page.Objects, page.Next, err
		}, func(o admin.StoredObject) int { return len(o.Instance) })
		got := make([]string, len(all))
		for i, o := range all {
			got[i] = o.Instance
		}
		if slices.Sort(got); !slices.Equal(got, names) {
			t.Errorf("%d pages have %d objects", pages, len(all))
		}
	})
}

func TestObjectsThatAreDueComeInPages(t *testing.T) {
	names := manyNames(150)
	withReminders(t, "", func(t *testing.T, m *meshtest.Mesh, root *meshtest.Client) {
		for i, name := range names {
			if _, err := remind.Call(t.Context(), root, lmz.At("REMINDER_DO", name), "x", 1000+i/2); err != nil {
				t.Fatal(err)
			}
		}
		ask := func(after string) ([]admin.Due, string, error) {
			page, err := admin.ListDue.Call(t.Context(), root, adminNode, "REMINDER_DO", after, 0)
			return page.Due, page.Next, err
		}
		all, pages := everyPage(t, ask, func(d admin.Due) int { return len(d.Object.Instance) })
		inOrder := slices.IsSortedFunc(all, func(a, b admin.Due) int { return a.At.Compare(*b.At) })
		if len(all) != len(names) || pages != 3 || !inOrder {
			t.Errorf("%d pages have %d objects, in order: %v", pages, len(all), inOrder)
		}
		// The last object of a page is now due earlier, and a new one is added: the rest is
		// unaffected.
		first, next, err := ask("")
		if err != nil {
			t.Fatal(err)
		}
		for name, minutes := range map[string]int{first[len(first)-1].Object.Instance: 1, "new": 5000} {
			if _, err := remind.Call(t.Context(), root, lmz.At("REMINDER_DO", name), "x", minutes); err != nil {
				t.Fatal(err)
			}
		}
		rest, want := 0, len(names)-len(first)+1
		for ; next != ""; rest += len(first) {
			if first, next, err = ask(next); err != nil {
				t.Fatal(err)
			}
		}
		if rest != want || first[len(first)-1].Object.Instance != "new" {
			t.Errorf("after the first page come %d, want %d", rest, want)
		}
		old, err := lmz.Call[[]admin.Due](t.Context(), root, adminNode, lmz.Ctn("due", ""))
		if err != nil || len(old) == 0 {
			t.Errorf("programs that know no pages get %d objects, %v", len(old), err)
		}
	})
}

func TestAlarmsOfAnObjectComeInPages(t *testing.T) {
	names := manyNames(150)
	withReminders(t, "", func(t *testing.T, m *meshtest.Mesh, root *meshtest.Client) {
		of := lmz.At("REMINDER_DO", "one")
		for i, id := range names {
			if _, err := remind.Call(t.Context(), root, of, id[:1024], 1000+i/2); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := remind.Call(t.Context(), root, of, strings.Repeat("x", 1025), 1); err == nil {
			t.Error("an ID of 1,025 bytes is taken")
		}
		ask := func(after string) ([]admin.Alarm, string, error) {
			page, err := admin.ListAlarms.Call(t.Context(), root, adminNode, of, after, 0)
			return page.Alarms, page.Next, err
		}
		all, pages := everyPage(t, ask, func(a admin.Alarm) int { return len(a.ID) })
		got := make([]string, len(all))
		for i, a := range all {
			got[i] = a.ID
		}
		if !slices.Equal(got, names) || pages != 3 {
			t.Errorf("%d pages have %d alarms", pages, len(all))
		}
		first, next, err := ask("")
		if err == nil { // remove the last alarm of the page
			_, err = admin.CancelAlarm.Call(t.Context(), root, adminNode, of, first[len(first)-1].ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		if second, _, err := ask(next); err != nil || second[0].ID != names[len(first)] {
			t.Errorf("the second page does not follow the first: %v", err)
		}
		page, err := admin.ListAlarms.Call(t.Context(), root, adminNode, of, "", 7)
		if err != nil || len(page.Alarms) != 7 || page.Next == "" {
			t.Errorf("of 7 at most come %d, %v", len(page.Alarms), err)
		}
		old, err := lmz.Call[[]admin.Alarm](t.Context(), root, adminNode, lmz.Ctn("alarms", of))
		if err != nil || len(old) == 0 {
			t.Errorf("programs that know no pages get %d alarms, %v", len(old), err)
		}
	})
}

func TestAnAdministratorRemovesAnObject(t *testing.T) {
	withReminders(t, "", func(t *testing.T, m *meshtest.Mesh, root *meshtest.Client) {
		of := lmz.At("REMINDER_DO", "one")
		if _, err := remind.Call(t.Context(), root, of, "x", 1); err != nil {
			t.Fatal(err)
		}
		ann := m.Client("ann", nil, client.Options{})
		if _, err := admin.RemoveObject.Call(t.Context(), ann, adminNode, of); lmz.CodeOf(err) != lmz.CodeGuard {
			t.Errorf("by somebody else: %v", err)
		}
		if _, err := admin.RemoveObject.Call(t.Context(), root, adminNode, of); err != nil {
			t.Fatal(err)
		}
		page, err := admin.ListDue.Call(t.Context(), root, adminNode, "", "", 0)
		if err != nil || len(page.Due) != 0 {
			t.Errorf("due are %v, %v", page.Due, err)
		}
		_, err = admin.RemoveObject.Call(t.Context(), root, adminNode, of)
		if e := new(lmz.Error); !errors.As(err, &e) || e.Name != admin.NoObject {
			t.Errorf("once more: %v", err)
		}
		const said = `level=WARN msg="an administrator removed an object" namespace=lmz.gateway.call binding=REMINDER_DO instance=one subject=root`
		if !strings.Contains(m.Log(), said) {
			t.Errorf("the log does not say who removed what:\n%s", m.Log())
		}
	})
}
