package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

func TestCanAsksHooksAndGuardsInTheCallersName(t *testing.T) {
	refuse := func(_ context.Context, call *gateway.Call) error {
		if names, err := call.Methods(); err != nil || slices.Contains(names, "hooked") {
			return lmz.Errorf("the hook says no")
		}
		return nil
	}
	o := meshtest.Options{Gateway: gateway.Options{Clients: gateway.ClientOptions{
		BeforeCallToMesh: refuse, Bindings: []string{"W", "ASKER", admin.Binding},
	}}}
	ran, sent := 0, 0
	m := meshtest.StartWith(t, o)
	m.HandleWorker("W", func(self lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		expose := func(name string, guard lmz.Guard) {
			mux.Expose(name, guard, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				ran++
				return nil, nil
			}))
		}
		expose("open", lmz.Anyone)
		expose("hooked", lmz.Anyone)
		expose("anns", func(ctx context.Context, req *lmz.Request) error {
			var word string
			if err := req.Arg(0, &word); err != nil {
				return err
			}
			c, _ := lmz.CallContextFrom(ctx)
			if c.Auth.Subject != "ann" || c.Caller().Instance != "ann.tab" || c.Self.Binding != "W" || word != "please" {
				return lmz.Errorf("only for ann, who says please")
			}
			return nil
		})
		expose("secretive", func(context.Context, *lmz.Request) error { return errors.New("the table accounts is gone") })
		expose("calling", func(ctx context.Context, _ *lmz.Request) error {
			_, err := self.CallRaw(ctx, lmz.Worker("HIDDEN"), lmz.Ctn("f"))
			return err
		})
		expose("sending", func(ctx context.Context, _ *lmz.Request) error {
			return self.Send(ctx, lmz.Worker("HIDDEN"), lmz.Ctn("f"))
		})
		expose("panicking", func(context.Context, *lmz.Request) error { panic("no") })
		return mux
	})
	m.HandleWorker("HIDDEN", func(lmz.Caller) lmz.Handler {
		return lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
			sent++
			return nil, nil
		})
	})
	m.HandleWorker("ASKER", func(self lmz.Caller) lmz.Handler {
		return lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
			_, err := admin.GetContract.Call(ctx, self, lmz.Worker(admin.Binding))
			return nil, err
		})
	})
	ann := m.Client("ann", nil, client.Options{Tab: "tab"})
	bob := m.Client("bob", nil, client.Options{})
	for _, tt := range []struct {
		peer          *meshtest.Client
		to            lmz.Address
		method, arg   string
		allowed       bool
		code          lmz.Code
		guard, reason string
	}{
		{ann, lmz.Worker("W"), "open", "", true, "", "Anyone", ""},
		{ann, lmz.Worker("W"), "anns", "please", true, "", "", ""},
		{ann, lmz.Worker("W"), "anns", "now", false, lmz.CodeGuard, "", "only for ann"},
		{bob, lmz.Worker("W"), "anns", "please", false, lmz.CodeGuard, "", "only for ann"},
		{ann, lmz.Worker("W"), "hooked", "", false, lmz.CodeGuard, "hooks", "the hook says no"},
		{ann, lmz.Worker("HIDDEN"), "f", "", false, lmz.CodeAbsent, "hooks", "no binding HIDDEN"},
		{ann, lmz.Worker("ASKER"), "f", "", false, lmz.CodeGateway, "", "no lmz.Mux"},
		{ann, lmz.Worker("W"), "missing", "", false, lmz.CodeAbsent, "", `no method "missing"`},
		{ann, lmz.Worker("W"), "secretive", "", false, lmz.CodeGuard, "", "refused"},
		{ann, lmz.Worker("W"), "calling", "", false, lmz.CodeGateway, "", "calls another node"},
		{ann, lmz.Worker("W"), "sending", "", true, "", "", ""},
		{ann, lmz.Worker("W"), "panicking", "", false, "", "", "panicked"},
		{ann, lmz.At(lmz.DefaultGateway, "bob.t2"), "f", "", false, lmz.CodeAbsent, "hooks", "no binding"},
	} {
		text, err := lmz.Call[admin.Decision](t.Context(), tt.peer, lmz.Worker(admin.Binding),
			lmz.Ctn("can", tt.to, tt.method, []any{tt.arg}))
		if err != nil || text.Allowed != tt.allowed || text.Code != tt.code || !strings.Contains(text.Guard, tt.guard) ||
			(text.Error == nil) != tt.allowed || text.Error != nil && !strings.Contains(text.Error.Message, tt.reason) {
			t.Errorf("%s %s: got %+v %v, %v", tt.to, tt.method, text, text.Error, err)
		}
		if text.Error != nil && strings.Contains(text.Error.Error(), "accounts") {
			t.Errorf("%s: a secret got out: %v", tt.method, text.Error)
		}
	}
	contract, err := admin.GetContract.Call(t.Context(), ann, lmz.Worker(admin.Binding))
	if all := fmt.Sprint(contract); err != nil || strings.Contains(all, "HIDDEN") || !strings.Contains(all, "ASKER") {
		t.Errorf("the contract shows bindings that do not exist for ann: %s, %v", all, err)
	}
	if ran != 0 || sent != 0 {
		t.Errorf("%d methods ran, %d calls left", ran, sent)
	}
	if _, err := ann.CallRaw(t.Context(), lmz.Worker("ASKER"), lmz.Ctn("f")); err == nil || !strings.Contains(err.Error(), "only a client") {
		t.Errorf("a worker asked in ann's name: %v", err)
	}
}

func TestCanHidesMissingObjects(t *testing.T) {
	m := meshtest.Start(t)
	m.HandleObject("VAULT_DO", object.Kind{New: func(o *object.Object) lmz.Handler {
		mux := new(lmz.Mux)
		onlyAnn := func(ctx context.Context, _ *lmz.Request) error {
			if c, _ := lmz.CallContextFrom(ctx); c.Auth.Subject != "ann" {
				return lmz.Errorf("only for ann")
			}
			return nil
		}
		lmz.Method0[string]("fill").Expose(mux, onlyAnn, func(ctx context.Context) (string, error) {
			return "", o.KV().Put(ctx, "full", true)
		})
		return mux
	}})
	ann := m.Client("ann", nil, client.Options{})
	bob := m.Client("bob", nil, client.Options{})
	if _, err := lmz.Call[string](t.Context(), ann, lmz.At("VAULT_DO", "there"), lmz.Ctn("fill")); err != nil {
		t.Fatal(err)
	}
	can := func(p lmz.Caller, instance, method string) admin.Decision {
		d, err := admin.Can.Call(t.Context(), p, lmz.Worker(admin.Binding), lmz.At("VAULT_DO", instance), method, nil)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if there, none := can(ann, "there", "fill"), can(ann, "none", "fill"); !there.Allowed || !there.Exists || !none.Allowed || none.Exists {
		t.Errorf("for who may call: %+v, and without one %+v", there, none)
	}
	for _, method := range []string{"fill", "missing"} {
		there, none := can(bob, "there", method), can(bob, "none", method)
		if there.Allowed || fmt.Sprint(there) != fmt.Sprint(none) {
			t.Errorf("%s, for who may not call: %+v, and without one %+v", method, there, none)
		}
	}
}
