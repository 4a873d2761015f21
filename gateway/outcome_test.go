package gateway_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/proto"
)

// TestOutcomesOnlyOfRepeatableCalls counts the outcomes on disk: one for a client that has
// acknowledged nothing, none for a client of the original, which cannot present its call
// again.
func TestOutcomesOnlyOfRepeatableCalls(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := startMeshWith(t, func(o *gateway.Options) { o.Dir = dir })
		defer m.stop()

		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		r.ask(1, lmz.At("COUNTER", "cbor"), lmz.Ctn("add", 1))
		if f, err := r.read(); err != nil || f.Kind != proto.KindAnswer || f.Failed != "" {
			t.Fatalf("the answer: %+v, %v", f, err)
		}
		j := m.jsonRaw("bob.tab")
		defer j.conn.CloseNow()
		j.hear(statusNew)
		j.say(jsonCall("1", `"binding":"COUNTER","instance":"json"`, "add", `1`))
		j.hear(`{"type":"call_response","callId":"1","success":true,"result":{"json":1,"meta":{}}}`)
	})
	for name, want := range map[string]int{"cbor": 1, "json": 0} {
		if got := outcomesOf(t, dir, name); got != want {
			t.Errorf("%d outcomes of the %s client are on disk, want %d", got, name, want)
		}
	}
}

// outcomesOf counts the outcomes that a counter keeps.
func outcomesOf(t *testing.T, dir, name string) (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "objects", "COUNTER", name+"-*.db"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files of %s: %v %v", name, files, err)
	}
	db, err := sqlite.OpenConn(files[0], sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = sqlitex.Execute(db, `SELECT count(*) FROM lmz_outcome`, &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error {
			n = s.ColumnInt(0)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
