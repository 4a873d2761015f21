package make

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// schema is the tables of a keeper. A later version has a third migration.
var schema = []string{
	`CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)`,
	`ALTER TABLE note ADD COLUMN weight REAL NOT NULL DEFAULT 1.5`,
}

// keeper is an object that stores something of every kind.
type keeper struct {
	*object.Object
	lmz.Mux
	release chan struct{}
}

func (m *maker) newKeeper(o *object.Object) lmz.Handler {
	k := &keeper{Object: o, release: m.release}
	lmz.Method1[[]any, struct{}]("remember").Expose(&k.Mux, lmz.Anyone, k.remember)
	lmz.Method1[string, struct{}]("note").Expose(&k.Mux, lmz.Anyone, k.note)
	lmz.Method0[struct{}]("remind").Expose(&k.Mux, lmz.Anyone, k.remind)
	lmz.Method1[string, struct{}]("post").Expose(&k.Mux, lmz.Anyone, k.post)
	lmz.Method0[struct{}]("ask").Expose(&k.Mux, lmz.Anyone, k.ask)
	lmz.Method0[struct{}]("watch").Expose(&k.Mux, lmz.Anyone, k.watch)
	lmz.Method0[struct{}]("block").Expose(&k.Mux, lmz.Anyone, k.block)
	lmz.Method0[int]("count").Expose(&k.Mux, lmz.Anyone, k.count)
	lmz.Method0[string]("slow").Expose(&k.Mux, lmz.Anyone, k.slow)
	lmz.Method1[string, struct{}]("receive").Expose(&k.Mux, lmz.Anyone, k.receive)
	return k
}

func (k *keeper) remember(ctx context.Context, values []any) (struct{}, error) {
	return struct{}{}, k.KV().Put(ctx, "values", values)
}

func (k *keeper) note(ctx context.Context, text string) (struct{}, error) {
	_, err := k.SQL().Exec(ctx, `INSERT INTO note (text) VALUES (?)`, text)
	return struct{}{}, err
}

func (k *keeper) remind(ctx context.Context) (struct{}, error) {
	set := func(s object.Schedule, id string) error {
		_, err := k.Alarms().Set(ctx, s, lmz.Ctn("ring", id), object.AlarmOptions{ID: id, Retry: object.Retry{Attempts: 3}})
		return err
	}
	daily := object.Cron("0 9 * * *", "Europe/Berlin")
	return struct{}{}, errors.Join(set(object.In(time.Minute), "soon"), set(object.In(100*24*time.Hour), "later"),
		set(object.At(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)), "at"), set(daily, "daily"))
}

// post sends to the keeper busy, and wants to hear of it.
func (k *keeper) post(ctx context.Context, text string) (struct{}, error) {
	return struct{}{}, k.Send(ctx, lmz.At("KEEPER", "busy"), lmz.Ctn("receive", text), lmz.Reply(lmz.Ctn("heard", text, lmz.Result)))
}

// ask sends to a worker, and wants its answer.
func (k *keeper) ask(ctx context.Context) (struct{}, error) {
	return struct{}{}, k.Send(ctx, lmz.At("WAITER"), lmz.Ctn("wait"), lmz.Reply(lmz.Ctn("answered", lmz.Result)))
}

func (k *keeper) watch(ctx context.Context) (struct{}, error) {
	c, _ := lmz.CallContextFrom(ctx)
	return struct{}{}, k.Watch(ctx, c.Caller().Address, lmz.Ctn("ended", c.Caller().Instance))
}

// block has the turn until the gateway has died.
func (k *keeper) block(context.Context) (struct{}, error) {
	<-k.release
	return struct{}{}, nil
}

func (k *keeper) count(ctx context.Context) (int, error) {
	var n int
	_, err := k.KV().Get(ctx, "n", &n)
	return n + 1, errors.Join(err, k.KV().Put(ctx, "n", n+1))
}

// slow has begun when the gateway dies.
func (k *keeper) slow(ctx context.Context) (string, error) {
	if _, err := k.count(ctx); err != nil {
		return "", err
	}
	return lmz.Call[string](ctx, k, lmz.At("WAITER"), lmz.Ctn("wait"))
}

func (k *keeper) receive(ctx context.Context, text string) (struct{}, error) {
	var all []string
	_, err := k.KV().Get(ctx, "received", &all)
	return struct{}{}, errors.Join(err, k.KV().Put(ctx, "received", append(all, text)))
}

// fillKeepers has keepers store something of every kind.
func (m *maker) fillKeepers() {
	c := m.client(ada, "t5", nil, nil)
	everything := lmz.At("KEEPER", "everything")
	var all []any
	for _, v := range values() {
		all = append(all, v.value)
	}
	m.call(c, everything, "remember", all)
	m.call(c, everything, "note", "kept")
	m.call(c, everything, "note", "also kept")
	for range 3 {
		m.call(c, everything, "watch") // the same watch
	}
	for range 10 {
		m.call(c, lmz.At("KEEPER", "counter"), "count")
	}
	m.call(c, lmz.At("KEEPER", "alarms"), "remind")
	go c.CallRaw(m.t.Context(), lmz.At("KEEPER", "busy"), lmz.Ctn("block"))
	synctest.Wait()
	for _, text := range []string{"one", "two", "three"} {
		m.call(c, lmz.At("KEEPER", "sender"), "post", text)
	}
	m.call(c, lmz.At("KEEPER", "sender"), "ask")
	synctest.Wait()
}

// findCall finds the newest call whose outcome an object keeps.
func findCall(t *testing.T, data, instance string, found call) call {
	files, _ := filepath.Glob(filepath.Join(data, "objects", "KEEPER", "*.db"))
	for _, path := range files {
		conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		var name string
		err = sqlitex.ExecuteTransient(conn, `SELECT instance FROM lmz_identity`, &sqlitex.ExecOptions{ResultFunc: func(row *sqlite.Stmt) error {
			name = row.ColumnText(0)
			return nil
		}})
		if err == nil && name == instance {
			err = sqlitex.ExecuteTransient(conn, `SELECT session, number FROM lmz_outcome ORDER BY expires`, &sqlitex.ExecOptions{ResultFunc: func(row *sqlite.Stmt) error {
				found.Session = make([]byte, 16)
				row.ColumnBytes(0, found.Session)
				found.Number = uint64(row.ColumnInt64(1))
				return nil
			}})
		}
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if found.Number == 0 {
		t.Errorf("%s keeps no outcome", instance)
	}
	return found
}
