package patterns

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Two one-way calls. A client orders; the shop notifies the kitchen and answers at once. When the
// kitchen is done, perhaps an hour later, it calls the shop. Nobody waits, so neither node has to
// stay alive while the other works. The second call still belongs to the call chain of the first:
// the shop sees client, shop, kitchen, on behalf of the client.
const (
	Order  lmz.Method1[string, struct{}] = "order"  // on a shop
	Ready  lmz.Method1[string, struct{}] = "ready"  // on a shop, by the kitchen
	Orders lmz.Method0[[]Served]         = "orders" // on a shop
	Cook   lmz.Method1[string, struct{}] = "cook"   // on a kitchen
)

// Bindings of this pattern.
const (
	ShopBinding    = "SHOP_DO"
	KitchenBinding = "KITCHEN_DO"
)

// Served is a dish that is ready, and the client that ordered it.
type Served struct{ Dish, For string }

// NewShop returns a shop, for object.Kind.
func NewShop(o *object.Object) lmz.Handler {
	mux := new(lmz.Mux)
	Order.Expose(mux, lmz.Anyone, func(ctx context.Context, dish string) (struct{}, error) {
		return struct{}{}, o.Send(ctx, lmz.At(KitchenBinding, "main"), Cook.Ctn(dish))
	}, lmz.Params("dish"), lmz.Doc("Orders a dish from the kitchen."))
	Ready.Expose(mux, onlyFrom(KitchenBinding), func(ctx context.Context, dish string) (struct{}, error) {
		served, err := orders(ctx, o)
		if err != nil {
			return struct{}{}, err
		}
		c, _ := lmz.CallContextFrom(ctx)
		return struct{}{}, o.KV().Put(ctx, "served", append(served, Served{dish, c.Auth.Subject}))
	}, lmz.Params("dish"), lmz.Doc("Notes that a dish is ready."))
	Orders.Expose(mux, lmz.Anyone, func(ctx context.Context) ([]Served, error) { return orders(ctx, o) }, lmz.Doc("Lists the dishes that are ready."), lmz.ReadOnly)
	return mux
}

func orders(ctx context.Context, o *object.Object) (served []Served, err error) {
	_, err = o.KV().Get(ctx, "served", &served)
	return served, err
}

// NewKitchen returns a kitchen, for object.Kind.
func NewKitchen(o *object.Object) lmz.Handler {
	mux := new(lmz.Mux)
	Cook.Expose(mux, onlyFrom(ShopBinding), func(ctx context.Context, dish string) (struct{}, error) {
		c, _ := lmz.CallContextFrom(ctx)
		return struct{}{}, o.Send(ctx, c.Caller().Address, Ready.Ctn(dish))
	}, lmz.Params("dish"), lmz.Doc("Cooks a dish and tells the shop."))
	return mux
}

// onlyFrom returns a guard that admits only nodes of one binding.
func onlyFrom(binding string) lmz.Guard {
	return func(ctx context.Context, _ *lmz.Request) error {
		if c, _ := lmz.CallContextFrom(ctx); c.Caller().Binding != binding {
			return lmz.Errorf("only %s may call this", binding)
		}
		return nil
	}
}
