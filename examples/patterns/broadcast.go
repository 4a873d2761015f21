package patterns

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Broadcast. A channel sends each post to all of its subscribers, which are clients and
// objects, with one stored message (object.Broadcast). Only errors come back, so that the
// channel can drop subscribers that are gone.

// ChannelBinding is the binding of channels.
const ChannelBinding = "CHANNEL_DO"

const (
	Follow lmz.Method0[struct{}]                 = "follow" // subscribes the caller
	Post   lmz.Method1[string, int]              = "post"   // to all subscribers; returns their number
	Hear   lmz.Method2[string, string, struct{}] = "hear"   // on a subscriber: the channel's name, the text
	missed lmz.Method1[lmz.Value, struct{}]      = "missed"
)

// Channel keeps the addresses of its subscribers in its storage.
type Channel struct {
	*object.Object
	lmz.Mux
}

// NewChannel returns a channel, for object.Kind.
func NewChannel(o *object.Object) lmz.Handler {
	c := &Channel{Object: o}
	Follow.Expose(&c.Mux, lmz.Anyone, c.follow, lmz.Doc("Subscribes the caller."), lmz.Idempotent)
	Post.Expose(&c.Mux, lmz.Anyone, c.post, lmz.Params("text"), lmz.Doc("Sends a text to all subscribers."))
	missed.Expose(&c.Mux, lmz.NoOne, c.missed, lmz.Params("outcome"), lmz.Doc("Drops a subscriber that is gone."))
	return c
}

func (c *Channel) follow(ctx context.Context) (struct{}, error) {
	call, _ := lmz.CallContextFrom(ctx)
	to := call.Caller().Address
	return struct{}{}, c.KV().Put(ctx, "subscriber/"+to.String(), to)
}

func (c *Channel) post(ctx context.Context, text string) (int, error) {
	var subscribers []lmz.Address
	entries, err := c.KV().Entries(ctx, object.Range{Prefix: "subscriber/"})
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		var to lmz.Address
		if err := entry.Decode(&to); err != nil {
			return 0, err
		}
		subscribers = append(subscribers, to)
	}
	// A new chain: the channel acts for itself, not for the author of the post.
	err = c.Broadcast(lmz.NewChain(ctx), subscribers, Hear.Ctn(c.Identity().Instance, text), lmz.ReplyOnError(lmz.Ctn(string(missed), lmz.Result)))
	return len(subscribers), err
}

// missed runs once for each subscriber that failed to hear a post.
func (c *Channel) missed(ctx context.Context, outcome lmz.Value) (struct{}, error) {
	_, err := lmz.ResultOf[struct{}](outcome)
	to, _ := object.TargetFrom(ctx)
	if _, gone := lmz.DisconnectedClient(err); gone || lmz.CodeOf(err) == lmz.CodeAbsent {
		return struct{}{}, c.KV().Delete(ctx, "subscriber/"+to.String())
	}
	return struct{}{}, nil // it was reachable, but failed
}
