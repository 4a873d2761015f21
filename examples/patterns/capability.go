package patterns

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Capability. Methods for administrators are not in the vault's own table but in that of a second
// handler, which the method admin returns to administrators. A continuation calls the next method
// on it: admin().forceReset(), in one call and one turn. A caller that gets the handler may call
// everything it exposes, so admin is the one place to guard. The handler never leaves the vault:
// it cannot be stored or passed on.
//
//	lmz call VAULT_DO v --chain 'admin().forceReset()'
const (
	Put        lmz.Method1[string, struct{}] = "put"
	Look       lmz.Method0[string]           = "look"
	admin                                    = "admin"
	forceReset lmz.Method0[string]           = "forceReset"
)

// ForceReset is the administrator's call: it empties the vault and returns the former contents.
var ForceReset = lmz.Ctn(admin).Then(string(forceReset))

// VaultBinding is the binding of this pattern.
const VaultBinding = "VAULT_DO"

// NewVault returns a vault, for object.Kind.
func NewVault(o *object.Object) lmz.Handler {
	look := func(ctx context.Context) (text string, err error) {
		_, err = o.KV().Get(ctx, "text", &text)
		return text, err
	}
	mux := new(lmz.Mux)
	Put.Expose(mux, lmz.Anyone, func(ctx context.Context, text string) (struct{}, error) {
		return struct{}{}, o.KV().Put(ctx, "text", text)
	}, lmz.Params("text"), lmz.Doc("Replaces the text."), lmz.Destructive, lmz.Idempotent)
	Look.Expose(mux, lmz.Anyone, look, lmz.Doc("Returns the text."), lmz.ReadOnly)

	admins := new(lmz.Mux)
	forceReset.Expose(admins, lmz.Anyone, func(ctx context.Context) (string, error) {
		text, err := look(ctx)
		if err != nil {
			return "", err
		}
		return text, o.KV().Delete(ctx, "text")
	}, lmz.Doc("Returns the text and deletes it."), lmz.Destructive)
	mux.Expose(admin, onlyAdmins, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return admins, nil }),
		lmz.Doc("Returns the methods of administrators."))
	return mux
}

// NotAdmin is the error returned to subjects that are not administrators.
type NotAdmin struct{ Subject string }

// Error implements error.
func (e *NotAdmin) Error() string { return e.Subject + " is no administrator" }

func init() { lmz.RegisterError[*NotAdmin]("NotAdminError") }

func onlyAdmins(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	switch {
	case c.Auth == nil:
		return &NotAdmin{"nobody"}
	case c.Auth.Claims["isAdmin"] != true:
		return &NotAdmin{c.Auth.Subject}
	}
	return nil
}
