package object

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
)

// inTurnOf runs f in a turn of the object at a, which must be a BOX (see registerScripted).
func inTurnOf(w *world, a lmz.Address, f func(ctx context.Context, o *Object) error) error {
	w.t.Helper()
	w.script <- f
	_, err := w.CallRaw(w.t.Context(), a, lmz.Ctn("script"))
	return err
}

// registerScripted registers BOX, whose method script runs the function passed to inTurnOf.
func registerScripted(w *world, k Kind) {
	w.script = make(chan func(context.Context, *Object) error, 1)
	k.New = func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		exposeStorage(o, mux)
		lmz.Method0[bool]("script").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			return true, (<-w.script)(ctx, o)
		})
		return mux
	}
	w.registerKind("BOX", k)
}

// run runs f in a turn and fails the test on an error.
func (w *world) run(f func(ctx context.Context, o *Object) error) {
	w.t.Helper()
	if err := inTurnOf(w, box, f); err != nil {
		w.t.Errorf("the turn failed: %v\n%s", err, w.log)
	}
}

type note struct {
	ID     int
	Text   *string
	MadeAt time.Time
	Size   float64 `sql:"weight"`
	Done   bool
	Data   []byte
}

var noteSchema = []string{
	`CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT, made_at TEXT, weight REAL, done INTEGER, data BLOB)`,
}

func TestRowsComeBackAsTheyWereInserted(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		registerScripted(w, Kind{Schema: noteSchema})
		text := "hello"
		made := time.Date(2026, 2, 28, 23, 59, 59, 123456789, time.FixedZone("east", 3600))
		notes := []note{
			{1, &text, made.UTC(), 1.5, true, []byte{0, 1}},
			{2, nil, made.UTC().Add(time.Hour), -2, false, []byte{}},
		}
		w.run(func(ctx context.Context, o *Object) error {
			for _, n := range notes {
				rows, err := o.SQL().Exec(ctx, `INSERT INTO note VALUES (?, ?, ?, ?, ?, ?)`, n.ID, n.Text, n.MadeAt, n.Size, n.Done, n.Data)
				if rows != 1 || err != nil {
					t.Errorf("inserted %d, %v", rows, err)
				}
			}
			return nil
		})
		w.run(func(ctx context.Context, o *Object) error {
			s := o.SQL()
			got, err := QueryAll[note](ctx, s, `SELECT * FROM note ORDER BY made_at`)
			if !reflect.DeepEqual(got, notes) || err != nil {
				t.Errorf("got %+v, %v, want %+v", got, err, notes)
			}
			id, found, err := QueryOne[int8](ctx, s, `SELECT id FROM note WHERE text = :text`, Params{"text": "hello"})
			if id != 1 || !found || err != nil {
				t.Errorf("got %d, %v, %v", id, found, err)
			}
			if _, found, err := QueryOne[int](ctx, s, `SELECT id FROM note WHERE id = ?`, 7); found || err != nil {
				t.Errorf("got %v, %v for a row that is not there", found, err)
			}
			m, _, err := QueryOne[map[string]any](ctx, s, `SELECT id, text, weight FROM note WHERE id = 2`)
			if want := (map[string]any{"id": int64(2), "text": nil, "weight": -2.0}); !reflect.DeepEqual(m, want) || err != nil {
				t.Errorf("got %v, %v, want %v", m, err, want)
			}
			if day, _, err := QueryOne[string](ctx, s, `SELECT strftime('%d', made_at) FROM note WHERE id = 1`); day != "28" || err != nil {
				t.Errorf("SQLite takes %s for the day, %v", day, err)
			}
			n, err := s.Exec(ctx, `UPDATE note SET done = 1`)
			if n != 2 || err != nil {
				t.Errorf("updated %d, %v", n, err)
			}
			ids, err := QueryAll[int](ctx, s, `DELETE FROM note RETURNING id`)
			if !slices.Equal(ids, []int{1, 2}) || err != nil {
				t.Errorf("deleted %v, %v", ids, err)
			}
			return nil
		})
		w.run(func(ctx context.Context, o *Object) error {
			if n, _, err := QueryOne[int](ctx, o.SQL(), `SELECT count(*) FROM note`); n != 0 || err != nil {
				t.Errorf("%d notes are left, %v", n, err)
			}
			return nil
		})
	})
}

func TestWhatDoesNotFitIsAnErrorThatSaysWhat(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		registerScripted(w, Kind{Schema: noteSchema})
		w.run(func(ctx context.Context, o *Object) error {
			s := o.SQL()
			fails := func(err error, want string) {
				t.Helper()
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
			_, _, err := QueryOne[int8](ctx, s, `SELECT 1000`)
			fails(err, "does not fit int8")
			_, _, err = QueryOne[uint](ctx, s, `SELECT -1`)
			fails(err, "does not fit uint")
			_, _, err = QueryOne[int](ctx, s, `SELECT 'x'`)
			fails(err, "does not fit int")
			_, _, err = QueryOne[string](ctx, s, `SELECT NULL AS x`)
			fails(err, `column "x": NULL does not fit string: use a pointer`)
			_, _, err = QueryOne[time.Time](ctx, s, `SELECT 'noon'`)
			fails(err, `"noon" is not a time`)
			_, _, err = QueryOne[int](ctx, s, `SELECT 1, 2`)
			fails(err, "2 columns")
			_, _, err = QueryOne[note](ctx, s, `SELECT 1 AS id, 2 AS colour`)
			fails(err, `no field for column "colour"`)
			_, _, err = QueryOne[int](ctx, s, `SELECT ?`)
			fails(err, "1 parameters and got 0 arguments")
			_, _, err = QueryOne[int](ctx, s, `SELECT :a`, Params{"b": 1})
			fails(err, `no argument for parameter ":a"`)
			_, _, err = QueryOne[int](ctx, s, `SELECT :a`, Params{"a": 1, "b": 1})
			fails(err, `no parameter "b"`)
			_, _, err = QueryOne[int](ctx, s, `SELECT ?`, struct{}{})
			fails(err, "no type for struct {}")
			_, _, err = QueryOne[int](ctx, s, `SELECT 1; SELECT 2`)
			fails(err, "several statements")
			_, _, err = QueryOne[int](ctx, s, ` -- nothing`)
			fails(err, "no statement")
			_, err = s.Exec(ctx, `SELEKT 1`)
			fails(err, "syntax error")
			_, err = s.Exec(ctx, `INSERT INTO note (id) VALUES (?); SELECT 1`, 1)
			fails(err, "several statements")
			return o.KV().Put(ctx, "key", "the turn goes on")
		})
		if got := must[string](w, box, "get", "key"); got != "the turn goes on" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAViolatedConstraintLeavesTheTurnAsItWas(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		registerScripted(w, Kind{Schema: []string{
			`CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (parent REFERENCES parent (id));`,
		}})
		w.run(func(ctx context.Context, o *Object) error {
			s := o.SQL()
			if n, err := s.Exec(ctx, `INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1);`); n != 3 || err != nil {
				t.Errorf("inserted %d, %v", n, err)
			}
			for _, query := range []string{
				`INSERT INTO parent VALUES (3), (1)`, `INSERT INTO child VALUES (9)`,
				`INSERT INTO parent VALUES (4); INSERT INTO parent VALUES (1);`,
			} {
				if _, err := s.Exec(ctx, query); err == nil {
					t.Errorf("%s succeeded", query)
				}
			}
			return nil
		})
		w.run(func(ctx context.Context, o *Object) error {
			ids, err := QueryAll[int](ctx, o.SQL(), `SELECT id FROM parent ORDER BY id`)
			if !slices.Equal(ids, []int{1, 2}) || err != nil {
				t.Errorf("got %v, %v: a statement and a script are done as a whole or not at all", ids, err)
			}
			return nil
		})
	})
}

func TestSQLThatWouldBreakATurnIsRefusedByName(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		registerScripted(w, Kind{Schema: noteSchema})
		must[struct{}](w, box, "put", "key", "value")
		w.run(func(ctx context.Context, o *Object) error {
			if _, err := o.SQL().Exec(ctx, `INSERT INTO note (id, text) VALUES (1, 'kept')`); err != nil {
				return err
			}
			for query, name := range map[string]string{
				`BEGIN`: "BEGIN", `COMMIT`: "COMMIT", `END`: "COMMIT", `rollback`: "ROLLBACK", `ROLLBACK TO x`: "ROLLBACK",
				`/* x */ COMMIT`: "COMMIT", `SELECT 1; COMMIT`: "COMMIT",
				`SAVEPOINT x`: "SAVEPOINT", `RELEASE lmz_turn`: "SAVEPOINT",
				`INSERT OR ROLLBACK INTO note (id) VALUES (1)`:                                   "ROLLBACK",
				`CREATE TRIGGER t BEFORE INSERT ON note BEGIN SELECT RAISE(ROLLBACK, 'no'); END`: "ROLLBACK",
				`ATTACH ':memory:' AS x`:                         "ATTACH",
				`DETACH main`:                                    "DETACH",
				`VACUUM`:                                         "VACUUM",
				`PRAGMA journal_mode = DELETE`:                   "PRAGMA journal_mode",
				`PRAGMA synchronous = OFF`:                       "PRAGMA synchronous",
				`PRAGMA user_version = 0`:                        "PRAGMA user_version",
				`PRAGMA writable_schema = ON`:                    "PRAGMA writable_schema",
				`UPDATE sqlite_dbpage SET data = NULL`:           "sqlite_dbpage",
				`CREATE VIRTUAL TABLE pages USING sqlite_dbpage`: "sqlite_dbpage",
				`CREATE TABLE temp.x (y)`:                        "temporary",
				`CREATE VIEW temp.x AS SELECT 1`:                 "temporary",
				`PRAGMA page_size = 512`:                         "PRAGMA page_size",
				`PRAGMA foreign_keys = OFF`:                      "PRAGMA foreign_keys",
				`PRAGMA defer_foreign_keys = ON`:                 "PRAGMA defer_foreign_keys",
				`CREATE TEMP TABLE x (y)`:                        "temporary",
				`CREATE TABLE lmz_mine (x)`:                      "lmz_",
				`ALTER TABLE note RENAME TO "LMZ_mine"`:          "lmz_",
				`UPDATE sqlite_schema SET sql = ''`:              "sqlite_",
				`SELECT load_extension('x')`:                     "not authorized",
			} {
				_, err := o.SQL().Exec(ctx, query)
				if err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: got %v, want a refusal that names %s", query, err, name)
				}
			}
			return nil
		})
		w.run(func(ctx context.Context, o *Object) error {
			text, _, err := QueryOne[string](ctx, o.SQL(), `SELECT text FROM note`)
			if text != "kept" || err != nil {
				t.Errorf("got %q, %v", text, err)
			}
			if _, err := QueryAll[any](ctx, o.SQL(), `SELECT name FROM pragma_table_info('note')`); err != nil {
				t.Errorf("a pragma that only looks: %v", err)
			}
			return nil
		})
	})
}

func TestTheRuntimesTablesAreOutOfReach(t *testing.T) {
	w := newWorld(t, t.TempDir())
	registerScripted(w, Kind{Schema: noteSchema})
	must[struct{}](w, box, "put", "key", "value")
	w.run(func(ctx context.Context, o *Object) error {
		for _, query := range []string{
			`SELECT value FROM lmz_kv`, `SELECT value FROM main.LMZ_KV`, `SELECT value FROM "lmz_kv"`,
			`SELECT key, value FROM lmz_kv WHERE key >= $start ORDER BY key`, // a query of the runtime itself
			`INSERT INTO lmz_kv VALUES ('x', 'y')`, `UPDATE lmz_identity SET instance = 'x'`, `DELETE FROM lmz_outcome`,
			`DROP TABLE lmz_kv`, `ALTER TABLE lmz_kv RENAME TO mine`, `CREATE INDEX i ON lmz_kv (value)`,
			`CREATE TRIGGER t AFTER INSERT ON lmz_kv BEGIN DELETE FROM note; END`,
			`WITH x AS (SELECT * FROM lmz_kv) SELECT * FROM x`, `SELECT (SELECT count(*) FROM lmz_kv)`,
			`CREATE TABLE copy AS SELECT * FROM lmz_kv`,
			`CREATE VIEW v AS SELECT * FROM lmz_kv; SELECT * FROM v`,
			`CREATE TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM lmz_kv; END; INSERT INTO note (id) VALUES (1)`,
		} {
			if _, err := o.SQL().Exec(ctx, query); err == nil || !strings.Contains(err.Error(), "lmz_") {
				t.Errorf("%s: got %v, want a refusal", query, err)
			}
		}
		return nil
	})
	if got := must[string](w, box, "get", "key"); got != "value" {
		t.Errorf("got %q", got)
	}
}

func TestAPartOfATurnCanBeTakenBack(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		in := inbox{make(chan string, 10)}
		w.mesh["INBOX"] = in
		registerScripted(w, Kind{Schema: noteSchema})
		insert := func(ctx context.Context, o *Object, id int) error {
			_, err := o.SQL().Exec(ctx, `INSERT INTO note (id) VALUES (?)`, id)
			return errors.Join(err, o.KV().Put(ctx, fmt.Sprint(id), "x"), o.Send(ctx, lmz.Worker("INBOX"), lmz.Ctn("note", fmt.Sprint(id))))
		}
		no := errors.New("no")
		w.run(func(ctx context.Context, o *Object) error {
			err := insert(ctx, o, 1)
			if got := o.Tx(ctx, func(ctx context.Context) error { return errors.Join(insert(ctx, o, 2), no) }); !errors.Is(got, no) {
				t.Errorf("got %v", got)
			}
			func() {
				defer func() {
					if got := recover(); got != "out of cheese" {
						t.Errorf("got panic %v", got)
					}
				}()
				o.Tx(ctx, func(ctx context.Context) error {
					insert(ctx, o, 3)
					panic("out of cheese")
				})
			}()
			return errors.Join(err, o.Tx(ctx, func(ctx context.Context) error {
				err := insert(ctx, o, 4)
				o.Tx(ctx, func(ctx context.Context) error { return errors.Join(insert(ctx, o, 5), no) })
				return errors.Join(err, o.Tx(ctx, func(ctx context.Context) error { return insert(ctx, o, 6) }))
			}))
		})
		want := []string{"1", "4", "6"}
		w.run(func(ctx context.Context, o *Object) error {
			ids, err := QueryAll[string](ctx, o.SQL(), `SELECT id FROM note ORDER BY id`)
			if !slices.Equal(ids, want) || err != nil {
				t.Errorf("got rows %v, %v", ids, err)
			}
			return nil
		})
		if got := must[[]string](w, box, "list", ""); !slices.Equal(got, want) {
			t.Errorf("got keys %v", got)
		}
		for _, want := range want {
			if got := <-in.got; got != want {
				t.Errorf("sent %s, want %s", got, want)
			}
		}
		if len(in.got) != 0 {
			t.Error("more was sent")
		}
		if err := inTurnOf(w, box, func(ctx context.Context, o *Object) error {
			return errors.Join(o.Tx(ctx, func(ctx context.Context) error { return insert(ctx, o, 7) }), no)
		}); err == nil {
			t.Error("the turn succeeded")
		}
		if got := must[[]string](w, box, "list", ""); !slices.Equal(got, want) {
			t.Errorf("got keys %v: what Tx kept was not rolled back with its turn", got)
		}
	})
}

func TestCallWithinTxOrRows(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		in := inbox{make(chan string, 10)}
		w.mesh["INBOX"] = in
		registerScripted(w, Kind{Schema: noteSchema})
		w.run(func(ctx context.Context, o *Object) error {
			call := func() error {
				_, err := o.CallRaw(ctx, lmz.Worker("INBOX"), lmz.Ctn("note", "x"))
				return err
			}
			err := o.Tx(ctx, func(ctx context.Context) error { return call() })
			if err == nil || !strings.Contains(err.Error(), "CallRaw in Object.Tx") {
				t.Errorf("in Tx: got %v", err)
			}
			for range Query[int](ctx, o.SQL(), `SELECT 1 UNION SELECT 2`) {
				if err := call(); err == nil || !strings.Contains(err.Error(), "CallRaw in a loop over rows") {
					t.Errorf("in a loop: got %v", err)
				}
				break
			}
			return call() // the loop and the Tx are over
		})
		if len(in.got) != 1 {
			t.Errorf("%d calls were made", len(in.got))
		}
	})
}

func TestALoopOverRowsEndsWithItsTurn(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		registerScripted(w, Kind{Schema: noteSchema})
		var left *rows
		var later context.Context
		w.run(func(ctx context.Context, o *Object) (err error) {
			later = ctx
			left, err = o.SQL().open(ctx, `INSERT INTO note (id) VALUES (1), (2), (3) RETURNING id`, nil)
			if err != nil {
				return err
			}
			var id int
			if more, err := left.next(ctx, &id); id != 1 || !more || err != nil {
				t.Errorf("got %d, %v, %v", id, more, err)
			}
			return nil
		})
		if _, err := left.next(later, new(int)); !errors.Is(err, ErrNoTurn) {
			t.Errorf("after the turn: got %v", err)
		}
		left.close(later)
		w.run(func(ctx context.Context, o *Object) error {
			n, _, err := QueryOne[int](ctx, o.SQL(), `SELECT count(*) FROM note`)
			if n != 3 {
				t.Errorf("%d rows were inserted", n)
			}
			for i, err := range Query[int](ctx, o.SQL(), `SELECT id FROM note ORDER BY id`) { // the same statement twice
				for j := range Query[int](ctx, o.SQL(), `SELECT id FROM note ORDER BY id`) {
					if j > i {
						break
					}
					n--
				}
				if err != nil {
					return err
				}
			}
			if n != 3-6 {
				t.Errorf("got %d", n)
			}
			return err
		})
	})
}

func TestOrderOfMigrations(t *testing.T) {
	dir := t.TempDir()
	disk := new(MemoryDisk)
	for name, open := range map[string]func(*testing.T) *world{
		"SQLite": func(t *testing.T) *world { return newWorld(t, dir) },
		"memory": func(t *testing.T) *world { return newMemoryWorld(t, disk) },
	} {
		t.Run(name, func(t *testing.T) {
			schema := []string{`CREATE TABLE t (x)`, `ALTER TABLE t ADD COLUMN y DEFAULT 'new'`, `SELECT broken`}
			type row struct{ X, Y string }
			var got []row
			with := func(schema []string, f func(w *world)) {
				w := open(t)
				w.registerKind("BOX", Kind{Schema: schema, New: func(o *Object) lmz.Handler {
					s := &starting{onStart: func(ctx context.Context) (err error) {
						got, err = QueryAll[row](ctx, o.SQL(), `SELECT * FROM t`)
						return err
					}}
					exposeStorage(o, &s.Mux)
					lmz.Method0[int64]("insert").Expose(&s.Mux, lmz.Anyone, func(ctx context.Context) (int64, error) {
						return o.SQL().Exec(ctx, `INSERT INTO t (x) VALUES ('old')`)
					})
					return s
				}})
				f(w)
				w.close()
			}
			with(schema[:1], func(w *world) { must[int](w, box, "insert") })
			with(schema[:2], func(w *world) {
				must[struct{}](w, box, "put", "key", "value")
				if want := []row{{"old", "new"}}; !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
				must[int](w, box, "insert")
			})
			with(schema, func(w *world) {
				wantCode(t, fails(w, box, "insert"), lmz.CodeGateway, "could not start")
				if !strings.Contains(w.log.String(), "schema version 3: ") {
					t.Errorf("the log does not say which migration failed:\n%s", w.log)
				}
			})
			with(schema[:1], func(w *world) {
				wantCode(t, fails(w, box, "insert"), lmz.CodeGateway, "schema version 2, and this program knows up to 1: run a newer program")
				if !errors.Is(fails(w, box, "insert"), lmz.ErrNotExecuted) {
					t.Error("not ErrNotExecuted")
				}
			})
			with(schema[:2], func(w *world) {
				must[int](w, box, "insert")
				if len(got) != 2 {
					t.Errorf("got %v, want the two rows of before", got)
				}
			})
		})
	}
}

func TestForeignKeysAfterMigrations(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		schema := []string{
			`CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (parent REFERENCES parent (id));
			 INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);`,
			`CREATE TABLE wider (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO wider (id) SELECT id FROM parent;
			 DROP TABLE parent; ALTER TABLE wider RENAME TO parent;`,
		}
		registerScripted(w, Kind{Schema: schema})
		w.registerKind("BROKEN", Kind{
			Schema: append(schema[:2:2], `DELETE FROM parent`),
			New: func(o *Object) lmz.Handler {
				return &starting{onStart: func(ctx context.Context) error { _, err := o.SQL().Exec(ctx, `SELECT 1`); return err }}
			},
		})
		w.run(func(ctx context.Context, o *Object) error {
			_, err := o.SQL().Exec(ctx, `INSERT INTO child VALUES (1)`)
			return err
		})
		fails(w, lmz.At("BROKEN", "x"), "anything")
		if !strings.Contains(w.log.String(), "foreign keys lead nowhere") {
			t.Errorf("the log does not say why:\n%s", w.log)
		}
	})
}

func TestARelaxedObjectDoesNotWaitForTheDisk(t *testing.T) {
	w := newWorld(t, t.TempDir())
	registerScripted(w, Kind{Relaxed: true})
	w.registerKind("DURABLE", Kind{New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		lmz.Method0[int]("synchronous").Expose(mux, lmz.Anyone, func(ctx context.Context) (int, error) { return synchronous(ctx, o) })
		return mux
	}})
	if got := must[int](w, lmz.At("DURABLE", "x"), "synchronous"); got != 2 {
		t.Errorf("durable: got synchronous %d, want 2, FULL", got)
	}
	w.run(func(ctx context.Context, o *Object) error {
		got, err := synchronous(ctx, o)
		if got != 1 {
			t.Errorf("relaxed: got synchronous %d, want 1, NORMAL", got)
		}
		return err
	})
}

// synchronous reads a pragma that the object's own code may not read.
func synchronous(ctx context.Context, o *Object) (n int, err error) {
	err = o.use(ctx, func(s store.Store) error {
		conn, err := connection(s)
		if err != nil {
			return err
		}
		stmt, err := conn.Prepare(`PRAGMA synchronous`)
		if err != nil {
			return err
		}
		_, err = stmt.Step()
		n = stmt.ColumnInt(0)
		return errors.Join(err, stmt.Reset())
	})
	return n, err
}

func TestSQLThatOnlyReadsWritesNothing(t *testing.T) {
	onEveryDisk(t, func(t *testing.T, w *world) {
		registerScripted(w, Kind{Schema: noteSchema})
		w.run(func(ctx context.Context, o *Object) error {
			_, err := o.SQL().Exec(ctx, `INSERT INTO note (id) VALUES (1)`)
			return err
		})
		commits := w.rt.commits.Load()
		w.run(func(ctx context.Context, o *Object) error {
			_, err := QueryAll[int](ctx, o.SQL(), `SELECT id FROM note`)
			_, err2 := o.SQL().Exec(ctx, `DELETE FROM note WHERE id = 7; UPDATE note SET id = 1 WHERE id = 8;`)
			return errors.Join(err, err2)
		})
		if got := w.rt.commits.Load(); got != commits {
			t.Errorf("got %d commits that wrote, want %d", got, commits)
		}
	})
}

func TestFullTextAndRTreeTablesWork(t *testing.T) {
	w := newWorld(t, t.TempDir())
	registerScripted(w, Kind{})
	w.run(func(ctx context.Context, o *Object) error {
		_, err := o.SQL().Exec(ctx, `CREATE VIRTUAL TABLE word USING fts5(text);
			INSERT INTO word VALUES ('the quick brown fox'), ('the lazy dog');
			CREATE VIRTUAL TABLE area USING rtree(id, low, high);
			INSERT INTO area VALUES (1, 0, 10), (2, 20, 30)`)
		return err
	})
	w.run(func(ctx context.Context, o *Object) error {
		found, err := QueryAll[string](ctx, o.SQL(), `SELECT text FROM word WHERE word MATCH 'lazy'`)
		if err != nil || len(found) != 1 || found[0] != "the lazy dog" {
			t.Errorf("full text: %q, %v", found, err)
		}
		ids, err := QueryAll[int](ctx, o.SQL(), `SELECT id FROM area WHERE low <= 25 AND high >= 25`)
		if err != nil || len(ids) != 1 || ids[0] != 2 {
			t.Errorf("R-tree: %v, %v", ids, err)
		}
		return nil
	})
}
