package scope

import "context"

type replyKey struct{}

// AsReply returns a ctx in which an lmz.Mux runs methods without their guards. Runtimes use
// it to run a node's own reply continuation.
func AsReply(ctx context.Context) context.Context {
	return context.WithValue(ctx, replyKey{}, true)
}

// AsCall undoes [AsReply]: guards run again.
func AsCall(ctx context.Context) context.Context {
	if !IsReply(ctx) {
		return ctx
	}
	return context.WithValue(ctx, replyKey{}, false)
}

// IsReply reports whether ctx was made by [AsReply].
func IsReply(ctx context.Context) bool {
	reply, _ := ctx.Value(replyKey{}).(bool)
	return reply
}

type sentKey struct{}

// OnSent returns a ctx from which [Sent] returns f.
func OnSent(ctx context.Context, f func(id string)) context.Context {
	return context.WithValue(ctx, sentKey{}, f)
}

// Sent returns the function that receives the ids of the calls made with ctx, or nil.
func Sent(ctx context.Context) func(id string) {
	f, _ := ctx.Value(sentKey{}).(func(string))
	return f
}
