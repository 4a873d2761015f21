package proto

import "context"

// The payer of a call is the subject whose account is charged for its work: the subject of the
// client at its origin. It also pays for what that work starts on its own (alarms, replies, new
// chains). The payer travels inside the mesh only; handlers and clients never see it.

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
