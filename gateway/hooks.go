package gateway

import (
	"context"
	"errors"
	"maps"
	"runtime/debug"
	"slices"
	"unicode"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
)

// Call is a call on its way through the gateway, as a hook sees it. It is valid until
// the hook returns.
type Call struct {
	To lmz.Address // the callee

	chain []byte
}

// Methods returns the names of all methods that the call requests, including those of nested
// continuations, outermost first: ["admin", "forceReset"]. It parses the call, which takes
// time proportional to its size.
func (c *Call) Methods() ([]string, error) { return proto.Methods(c.chain) }

// Admit checks whether auth may have an instance name, and returns auth with the claims that
// the hook adds.
func (f *front) Admit(ctx context.Context, instance string, auth *lmz.Auth) (*lmz.Auth, error) {
	if auth == nil || auth.Subject == "" {
		return nil, errors.New("nobody: there is no subject")
	}
	if !canBeName(instance) {
		return nil, &Refusal{Message: "invalid instance name"}
	}
	admitted := *auth
	err := protect(func() error {
		more, err := f.options.BeforeAccept(ctx, lmz.At(f.binding, instance), auth)
		if len(more) > 0 {
			admitted.Claims = maps.Clone(auth.Claims)
			if admitted.Claims == nil {
				admitted.Claims = make(map[string]any)
			}
			maps.Copy(admitted.Claims, more)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, err := proto.MarshalContext(lmz.CallContext{Auth: &admitted}); err != nil {
		return nil, errors.Join(errClaims, err)
	}
	return &admitted, nil
}

var errClaims = errors.New("the claims cannot travel")

// maxName is the longest instance name of a client, in bytes.
const maxName = 256

// canBeName reports whether a client's instance name is safe to show and log: it has no
// characters that a terminal interprets or that change how the following text is read.
func canBeName(instance string) bool {
	if instance == "" || len(instance) > maxName {
		return false
	}
	for _, r := range instance {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '/' || r == '\uFFFD' {
			return false
		}
	}
	return true
}

// BeforeMesh checks whether a client's call may continue, and returns its answer if not.
func (f *front) BeforeMesh(ctx context.Context, call *proto.Call) *proto.Answer {
	if !f.shows(call.To.Binding) {
		answer := proto.ErrorAnswer(&lmz.Error{Code: lmz.CodeAbsent, Message: "there is no binding " + logs.Shown(call.To.Binding) + " for clients of " + f.binding})
		return &answer
	}
	return f.ask(ctx, f.options.BeforeCallToMesh, call)
}

// shows reports whether a binding exists for clients of this one.
func (f *front) shows(binding string) bool {
	return f.options.Bindings == nil || slices.Contains(f.options.Bindings, binding)
}

// ask runs a hook on a call, and returns the call's answer if the hook refuses.
func (f *front) ask(ctx context.Context, hook func(context.Context, *Call) error, call *proto.Call) *proto.Answer {
	if hook == nil {
		return nil
	}
	ctx = node.WithCallContext(proto.Bare(ctx), call.Context)
	err := lmz.Check(ctx, func(ctx context.Context, _ *lmz.Request) error {
		return protect(func() error { return hook(ctx, &Call{To: call.To, chain: call.Chain}) })
	}, nil)
	if err == nil {
		c, _ := lmz.CallContextFrom(ctx)
		call.Context.State, err = proto.EncodedState(c.State)
	}
	if err != nil {
		logs.Hidden(f.gateway.log.Call, lmz.Worker(f.binding), err)
		answer := proto.NewAnswer(nil, err)
		return &answer
	}
	return nil
}

// protect turns a panic of f into an error.
func protect(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &proto.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}
