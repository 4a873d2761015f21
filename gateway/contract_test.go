package gateway_test

import (
	"context"
	"math/big"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// order has members of every kind that the TypeScript declarations support.
type order struct {
	ID       string
	Lines    []line
	Paid     *time.Time
	Parent   *order
	Tags     map[string][]string `lmz:"labels"`
	Weights  []float64
	ByNumber map[int]line
	Total    *big.Int
	Link     *url.URL
	Note     string `json:"note-text,omitempty"`
	Raw      []byte
	Reply    lmz.HTTPResponse
	Anything any
	Failure  *lmz.Error
}

type line struct{ Count int }

func newShop(*object.Object) lmz.Handler {
	mux := new(lmz.Mux)
	mux.OnBeforeCall(ownersOnly("ann"))
	lmz.Method1[order, *order]("place").Expose(mux, lmz.Anyone, func(context.Context, order) (*order, error) { return nil, nil },
		lmz.Params("order"), lmz.Doc("Places an\n\torder. */ delete everything"), lmz.Destructive, lmz.Idempotent)
	lmz.Method2[string, []int, struct{}]("note").Expose(mux, lmz.NoOne, func(context.Context, string, []int) (struct{}, error) { return struct{}{}, nil })
	lmz.Method1[lmz.Value, []struct{ A, B bool }]("odd").Expose(mux, ownersOnly("ann"), func(context.Context, lmz.Value) ([]struct{ A, B bool }, error) { return nil, nil })
	mux.Expose("untyped", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return nil, nil }),
		lmz.Params("a", "delete"))
	return mux
}

// ownersOnly returns a guard for each owner.
func ownersOnly(owner string) lmz.Guard {
	return func(ctx context.Context, _ *lmz.Request) error {
		if c, _ := lmz.CallContextFrom(ctx); c.Auth == nil || c.Auth.Subject != owner {
			return lmz.Errorf("only %s", owner)
		}
		return nil
	}
}

func TestContractAndItsTypeScript(t *testing.T) {
	var c admin.Contract
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject("SHOP_DO", object.Kind{New: newShop})
		m.HandleObject("shop 2", object.Kind{New: func(*object.Object) lmz.Handler {
			return lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return nil, nil })
		}})
		m.HandleWorker("CLERK", func(lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			lmz.Method0[line]("line").Expose(mux, lmz.Anyone, func(context.Context) (line, error) { return line{}, nil })
			return mux
		})
		ann := m.Client("ann", nil, client.Options{})
		var err error
		if c, err = admin.GetContract.Call(t.Context(), ann, lmz.Worker(admin.Binding)); err != nil {
			t.Fatal(err)
		}
	})
	var got []string
	for _, n := range c.Nodes {
		for _, method := range n.Methods {
			got = append(got, n.Binding+" "+n.BeforeCall+" "+method.String()+" "+method.Guard)
		}
	}
	want := []string{
		"CLERK  line(): Line Anyone",
		"LMZ_GATEWAY signedIn alarms(object: Address): Alarm[] administrator",
		"LMZ_GATEWAY signedIn appendCopy(id: string, data: Uint8Array): void administrator",
		"LMZ_GATEWAY signedIn backUp(object: Address): ObjectCopy administrator",
		"LMZ_GATEWAY signedIn can(node: Address, method: string, args: unknown[]): Decision Anyone",
		"LMZ_GATEWAY signedIn cancelAlarm(object: Address, id: string): void administrator",
		"LMZ_GATEWAY signedIn contract(): Contract Anyone",
		"LMZ_GATEWAY signedIn dropCopy(id: string): void administrator",
		"LMZ_GATEWAY signedIn due(binding: string): Due[] administrator",
		"LMZ_GATEWAY signedIn listAlarms(object: Address, after: string, limit: number): AlarmPage administrator",
		"LMZ_GATEWAY signedIn listDead(query: SendQuery): DeadPage administrator",
		"LMZ_GATEWAY signedIn listDue(binding: string, after: string, limit: number): DuePage administrator",
		"LMZ_GATEWAY signedIn listRetries(query: SendQuery): RetryPage administrator",
		"LMZ_GATEWAY signedIn newCopy(): ObjectCopy administrator",
		"LMZ_GATEWAY signedIn objects(binding: string, after: string, limit: number): ObjectPage administrator",
		"LMZ_GATEWAY signedIn query(object: Address, sql: string): QueryResult administrator",
		"LMZ_GATEWAY signedIn readCopy(id: string, offset: number): Uint8Array administrator",
		"LMZ_GATEWAY signedIn remove(object: Address): void administrator",
		"LMZ_GATEWAY signedIn removeDead(object: Address, id: string): number administrator",
		"LMZ_GATEWAY signedIn restore(id: string, object: Address): void administrator",
		"LMZ_GATEWAY signedIn runAlarm(object: Address, id: string): void administrator",
		"LMZ_GATEWAY signedIn usage(after: string, limit: number): UsagePage administrator",
		"SHOP_DO ownersOnly note(arg1: string, arg2: number[]): void NoOne",
		"SHOP_DO ownersOnly odd(arg1: unknown): { a: boolean; b: boolean; }[] ownersOnly",
		"SHOP_DO ownersOnly place(order: Order): Order | null Anyone",
		"SHOP_DO ownersOnly untyped(a: unknown, delete_: unknown): unknown Anyone",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	const place = "  /** Places an order. * / delete everything (destructive, idempotent, guard: Anyone) */\n  place(order: Order): Order | null;\n"
	if !strings.Contains(c.TypeScript, place) {
		t.Errorf("no %q in\n%s", place, c.TypeScript)
	}
	compile(t, c.TypeScript)
}

// usage is a program against the declarations; what must not compile says so.
const usage = `
import { ctn } from './lmz.js';
import type { Bindings, Order, SHOP_DO, CLERK } from './mesh';

declare const order: Order;
const id: string = order.id, paid: Date | null = order.paid, parent: Order | null = order.parent;
const labels: Record<string, string[]> = order.labels, weights: Float64Array = order.weights;
const lines: Map<number, { count: number }> = order.byNumber, total: bigint = order.total;
const link: URL = order.link, note: string | undefined = order['note-text'], raw: Uint8Array = order.raw;
const status: number = order.reply.status, failure: Error = order.failure;
ctn<SHOP_DO>().place(order);
ctn<SHOP_DO>().note('text', [1, 2]);
ctn<Bindings['SHOP_DO']>().untyped(1, 'two');
ctn<CLERK>().line();
ctn<Bindings['shop 2']>().whatever(1);
// @ts-expect-error
ctn<SHOP_DO>().place('order');
// @ts-expect-error
ctn<SHOP_DO>().missing();
// @ts-expect-error
const wrong: number = order.id;
`

// compile checks that the TypeScript compiler accepts the declarations and their usage.
func compile(t *testing.T, declarations string) {
	t.Helper()
	face, err := os.ReadFile("../wasmclient/js/lmz.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"mesh.ts": declarations, "lmz.d.ts": string(face), "usage.ts": usage} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tsc, err := filepath.Abs("../internal/jsonwire/testdata/oracle/node_modules/typescript/bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", tsc, "--noEmit", "--skipLibCheck", "--strict", "--target", "es2022", "--module", "esnext",
		"--moduleResolution", "bundler", "--lib", "es2022,esnext.disposable,dom", filepath.Join(dir, "usage.ts"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%s\n%s", err, out, declarations)
	}
}
