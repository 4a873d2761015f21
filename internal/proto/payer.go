package proto

import "context"

// The payer of a call is the subject to whose account its work is charged: that of the
// client at its origin. It stays with what that work starts by itself (alarms, replies,
// chains of their own), travels inside the mesh only, and is seen by no handler and no
// client.

type payerKey struct{}

// WithPayer returns a ctx whose calls are charged to payer.
func WithPayer(ctx context.Context, payer string) context.Context {
	return context.WithValue(ctx, payerKey{}, payer)
}

// PayerOf returns the subject that pays for calls made with ctx, or "" for none.
func PayerOf(ctx context.Context) string {
	payer, _ := ctx.Value(payerKey{}).(string)
	return payer
}
