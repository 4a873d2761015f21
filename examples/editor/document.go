package editor

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Document is an object that keeps one text.
type Document struct {
	*object.Object
	lmz.Mux
}

// deliveryFailed is the reply to a delivery that a subscriber did not get: its
// instance name, the subscription that was delivered to, and the error.
const deliveryFailed lmz.Method3[string, int, *lmz.Error, struct{}] = "deliveryFailed"

// Keys of a document's storage. Below subscriberPrefix is one key for each
// subscriber, its instance name, with the number of the subscription as value.
const (
	changeKey        = "change"
	subscriptionsKey = "subscriptions"
	subscriberPrefix = "subscriber:"
)

// NewDocument makes the handler of a document, for object.Kind.
func NewDocument(o *object.Object) lmz.Handler {
	d := &Document{Object: o}
	Subscribe.Expose(&d.Mux, lmz.Anyone, d.subscribe)
	Open.Expose(&d.Mux, lmz.Anyone, d.open)
	Unsubscribe.Expose(&d.Mux, lmz.Anyone, d.unsubscribe)
	Update.Expose(&d.Mux, d.requireSubscriber, d.update)
	deliveryFailed.Expose(&d.Mux, lmz.NoOne, d.deliveryFailed)
	return d
}

func (d *Document) subscribe(ctx context.Context) (string, error) {
	c, err := d.open(ctx)
	return c.Content, err
}

func (d *Document) open(ctx context.Context) (Change, error) {
	who := caller(ctx)
	if who.Type != lmz.TypeClient {
		return Change{}, lmz.Errorf("only clients can subscribe")
	}
	// A number tells this subscription from an earlier one of the same client, whose
	// failed deliveries must not end this one.
	var number int
	if _, err := d.KV().Get(ctx, subscriptionsKey, &number); err != nil {
		return Change{}, err
	}
	number++
	if err := d.KV().Put(ctx, subscriptionsKey, number); err != nil {
		return Change{}, err
	}
	if err := d.KV().Put(ctx, subscriberPrefix+who.Instance, number); err != nil {
		return Change{}, err
	}
	return d.current(ctx)
}

func (d *Document) unsubscribe(ctx context.Context) (struct{}, error) {
	return struct{}{}, d.KV().Delete(ctx, subscriberPrefix+caller(ctx).Instance)
}

// requireSubscriber is the guard of update.
func (d *Document) requireSubscriber(ctx context.Context, _ *lmz.Request) error {
	var number int
	subscribed, err := d.KV().Get(ctx, subscriberPrefix+caller(ctx).Instance, &number)
	if err == nil && !subscribed {
		return lmz.Errorf("Must be subscribed to edit")
	}
	return err
}

func (d *Document) current(ctx context.Context) (Change, error) {
	var c Change
	_, err := d.KV().Get(ctx, changeKey, &c)
	return c, err
}

func (d *Document) update(ctx context.Context, content string) (int, error) {
	c, err := d.current(ctx)
	if err != nil {
		return 0, err
	}
	c = Change{Content: content, Version: c.Version + 1, By: author(ctx)}
	if err := d.KV().Put(ctx, changeKey, c); err != nil {
		return 0, err
	}
	name, who := d.Identity().Instance, caller(ctx).Instance
	if err := d.broadcast(ctx, who, HandleContentUpdate.Ctn(name, c)); err != nil {
		return 0, err
	}
	if err := d.Send(ctx, lmz.At(SpellCheckBinding), Check.Ctn(content, who, name)); err != nil {
		return 0, err
	}
	workspace := lmz.At(WorkspaceBinding, WorkspaceName)
	return c.Version, d.Send(lmz.NewChain(ctx), workspace, register.Ctn(name))
}

// broadcast sends c to all subscribers but one. It starts a new chain: the document
// speaks for itself, not for the author.
func (d *Document) broadcast(ctx context.Context, but string, c lmz.Continuation) error {
	keys, err := d.KV().List(ctx, subscriberPrefix)
	if err != nil {
		return err
	}
	for _, key := range keys {
		instance := key[len(subscriberPrefix):]
		if instance == but {
			continue
		}
		var number int
		if _, err := d.KV().Get(ctx, key, &number); err != nil {
			return err
		}
		failed := lmz.Ctn(string(deliveryFailed), instance, number, lmz.Result)
		to := lmz.At(lmz.DefaultGateway, instance)
		if err := d.Send(lmz.NewChain(ctx), to, c, lmz.ReplyOnError(failed)); err != nil {
			return err
		}
	}
	return nil
}

// deliveryFailed drops a subscriber whose session has ended. It subscribes again when
// it comes back.
func (d *Document) deliveryFailed(ctx context.Context, instance string, number int, failure *lmz.Error) (struct{}, error) {
	if _, gone := lmz.DisconnectedClient(failure); !gone {
		return struct{}{}, nil
	}
	var current int
	key := subscriberPrefix + instance
	found, err := d.KV().Get(ctx, key, &current)
	if err != nil || !found || current != number {
		return struct{}{}, err
	}
	return struct{}{}, d.KV().Delete(ctx, key)
}
