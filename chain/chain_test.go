package chain_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/chain"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/scope"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// vault is an object that stores work for later.
type vault struct {
	*object.Object
	lmz.Mux
	did []string
}

// kept is a piece of work, also as bytes, and the call context in which it was stored.
type kept struct {
	Work  lmz.Continuation
	Bytes []byte
	By    lmz.CallContext
}

const (
	keep   lmz.Method1[[]byte, struct{}] = "keep"   // encoded work, as data
	doKept lmz.Method1[bool, []string]   = "doKept" // unguarded?
	note   lmz.Method2[string, int, int] = "note"
	secret lmz.Method0[struct{}]         = "secret"
	keeper lmz.Method0[[]string]         = "keeper"
)

func newVault(o *object.Object) lmz.Handler {
	v := &vault{Object: o}
	keep.Expose(&v.Mux, lmz.Anyone, v.keep)
	doKept.Expose(&v.Mux, lmz.Anyone, v.doKept)
	keeper.Expose(&v.Mux, lmz.Anyone, v.keeper)
	note.Expose(&v.Mux, lmz.Anyone, func(ctx context.Context, text string, n int) (int, error) {
		v.did = append(v.did, origin(ctx)+" "+text)
		return n + 1, nil
	})
	secret.Expose(&v.Mux, lmz.NoOne, func(ctx context.Context) (struct{}, error) {
		v.did = append(v.did, origin(ctx)+" secret")
		return struct{}{}, nil
	})
	return v
}

func origin(ctx context.Context) string {
	c, _ := lmz.CallContextFrom(ctx)
	return c.Auth.Subject
}

func (v *vault) keep(ctx context.Context, data []byte) (struct{}, error) {
	work, err := chain.Decode(data)
	if err != nil {
		return struct{}{}, lmz.Errorf("%w", err)
	}
	by, _ := lmz.CallContextFrom(ctx)
	return struct{}{}, v.KV().Put(ctx, "kept", kept{work, data, by})
}

func (v *vault) load(ctx context.Context) (k kept, err error) {
	_, err = v.KV().Get(ctx, "kept", &k)
	return k, err
}

func (v *vault) doKept(ctx context.Context, unguarded bool) ([]string, error) {
	v.did = nil
	k, err := v.load(ctx)
	if err != nil {
		return nil, err
	}
	if again, err := chain.Encode(k.Work); err != nil || !reflect.DeepEqual(again, k.Bytes) {
		return nil, lmz.Errorf("kept as a value: % x, as bytes: % x (%v)", again, k.Bytes, err)
	}
	_, err = chain.Execute(ctx, v, k.Work, chain.Options{Unguarded: unguarded})
	return v.did, err
}

// keeper returns the call context that was stored with the work.
func (v *vault) keeper(ctx context.Context) ([]string, error) {
	k, err := v.load(ctx)
	if err != nil {
		return nil, err
	}
	var colour string
	if err := k.By.State["colour"].Decode(&colour); err != nil {
		return nil, err
	}
	return []string{k.By.Auth.Subject, k.By.Origin().String(), k.By.Caller().String(), k.By.Self.String(), colour}, nil
}

func TestStoredWork(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject("VAULT", object.Kind{New: newVault})
		m.HandleWorker("CLERK", func(self lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			keep.Expose(mux, lmz.Anyone, func(ctx context.Context, data []byte) (struct{}, error) {
				return keep.Call(lmz.WithState(ctx, "colour", "blue"), self, lmz.At("VAULT", "v"), data)
			})
			return mux
		})
		ann := m.Client("ann", nil, client.Options{})
		bob := m.Client("bob", nil, client.Options{})
		vault := lmz.At("VAULT", "v")
		store := func(c lmz.Continuation) {
			t.Helper()
			data, err := chain.Encode(c)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := keep.Call(t.Context(), ann, lmz.Worker("CLERK"), data); err != nil {
				t.Fatal(err)
			}
		}

		store(lmz.Ctn("note", "outer", lmz.Ctn("note", "inner", 1)))
		if did, err := doKept.Call(t.Context(), bob, vault, false); err != nil || strings.Join(did, ", ") != "bob inner, bob outer" {
			t.Errorf("did %q, %v", did, err)
		}
		want := []string{"ann", "LUMENIZE_CLIENT_GATEWAY/ann.t1", "CLERK", "VAULT/v", "blue"}
		if got, err := keeper.Call(t.Context(), bob, vault); err != nil || len(got) != 5 || got[0] != want[0] ||
			!strings.HasSuffix(got[1], want[1]) || !strings.HasSuffix(got[2], want[2]) || !strings.HasSuffix(got[3], want[3]) || got[4] != want[4] {
			t.Errorf("kept %q, %v; want %q", got, err, want)
		}

		store(lmz.Ctn("secret"))
		if _, err := doKept.Call(t.Context(), bob, vault, false); err == nil {
			t.Error("the guard did not run")
		}
		if did, err := doKept.Call(t.Context(), bob, vault, true); err != nil || strings.Join(did, "") != "bob secret" {
			t.Errorf("did %q, %v", did, err)
		}

		store(lmz.Ctn("nothing"))
		if _, err := doKept.Call(t.Context(), bob, vault, true); err == nil || !strings.Contains(err.Error(), `no method "nothing"`) {
			t.Errorf("what is not exposed: %v", err)
		}
	})
}

// adder is a handler that counts its calls.
func adder(ran *int) *lmz.Mux {
	mux := new(lmz.Mux)
	mux.Expose("add", lmz.NoOne, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
		*ran++
		return mux, nil
	}))
	return mux
}

func TestExecuteLimits(t *testing.T) {
	three := lmz.Ctn("add", 1, 2, 3).Then("add").Then("add")
	for _, tt := range []struct {
		options chain.Options
		works   bool
	}{
		{chain.Options{Unguarded: true}, true},
		{chain.Options{Unguarded: true, MaxOperations: 6, MaxArguments: 3}, true},
		{chain.Options{Unguarded: true, MaxOperations: 5}, false},
		{chain.Options{Unguarded: true, MaxArguments: 2}, false},
		{chain.Options{Unguarded: true, MaxOperations: 1000, MaxArguments: 1000}, true},
		{chain.Options{}, false},
	} {
		ran := 0
		_, err := chain.Execute(t.Context(), adder(&ran), three, tt.options)
		if (err == nil) != tt.works || tt.works && ran != 3 || !tt.works && ran != 0 {
			t.Errorf("%+v: ran %d, %v", tt.options, ran, err)
		}
	}
	var long lmz.Continuation
	for range 26 {
		long = long.Then("add")
	}
	if _, err := chain.Execute(t.Context(), adder(new(int)), long, chain.Options{MaxOperations: 1000, Unguarded: true}); err == nil {
		t.Error("52 operations were done")
	}
}

func TestGuardsOfStoredWorkInReplies(t *testing.T) {
	ran := 0
	mux := adder(&ran)
	ctx := scope.AsReply(t.Context())
	if _, err := chain.Execute(ctx, mux, lmz.Ctn("add"), chain.Options{}); lmz.CodeOf(err) != lmz.CodeGuard || ran != 0 {
		t.Errorf("ran %d, %v", ran, err)
	}
}

func TestInvalidChains(t *testing.T) {
	for _, data := range []string{"", "\x80", "\x81aa", "\x82\x01\x80", "\x82aa\x01", "\xa0", "\x82aa\x80\x80"} {
		if c, err := chain.Decode([]byte(data)); err == nil {
			t.Errorf("% x is %s", data, c)
		}
	}
	if _, err := chain.Encode(lmz.Continuation{}); err == nil {
		t.Error("nothing was encoded")
	}
	if _, err := chain.Execute(t.Context(), new(lmz.Mux), lmz.Ctn("f", make(chan int)), chain.Options{}); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a channel: %v", err)
	}
}
