package meshtest_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/meshtest"
)

func TestClientOptionsAcrossARestart(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleClients("TENANT_GATEWAY", gateway.ClientOptions{
			BeforeAccept: gateway.InstanceName("{sub}.{tenant}.{tab}"),
			BeforeCallToMesh: func(ctx context.Context, _ *gateway.Call) error {
				lmz.SetState(ctx, "tenant", "acme")
				return nil
			},
		})
		m.HandleWorker("WHO", func(lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			lmz.Method0[string]("who").Expose(mux, lmz.Anyone, func(ctx context.Context) (who string, err error) {
				c, _ := lmz.CallContextFrom(ctx)
				err = c.State["tenant"].Decode(&who)
				return who + " " + c.Caller().String(), err
			})
			return mux
		})
		ann := m.Client("ann", map[string]any{"tenant": "acme"}, client.Options{Binding: "TENANT_GATEWAY", Tab: "acme.t"})
		for range 2 {
			if got, err := lmz.Call[string](t.Context(), ann, lmz.Worker("WHO"), lmz.Ctn("who")); err != nil || got != "acme TENANT_GATEWAY/ann.acme.t" {
				t.Errorf("%q, %v", got, err)
			}
			m.RestartGateway()
			synctest.Wait() // the client has learned of it
			if err := ann.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
