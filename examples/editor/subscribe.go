//go:build !js

package editor

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// Methods that only the document itself calls, with a subscriber's instance name and
// subscription number.
const (
	// sessionEnded is called when the session that subscribed has ended.
	sessionEnded lmz.Method2[string, int, struct{}] = "sessionEnded"
	// deliveryFailed is called with the error when a delivery fails.
	deliveryFailed lmz.Method3[string, int, *lmz.Error, struct{}] = "deliveryFailed"
)

// Keys of the subscribers: subscriberPrefix is followed by an instance name.
const (
	subscriptionsKey = "subscriptions"
	subscriberPrefix = "subscriber:"
)

// subscriber is a client that receives edits and presence.
type subscriber struct {
	// Number distinguishes this subscription from earlier ones of the same client, whose
	// end must not end this one.
	Number int

	// Gone says that the session that subscribed has ended. The client still receives
	// messages, in any session it has, until one cannot be delivered.
	Gone bool `json:",omitempty"`
}

// onlyClients is the guard of subscriptions.
func onlyClients(ctx context.Context, _ *lmz.Request) error {
	if caller(ctx).Type != lmz.TypeClient {
		return lmz.Errorf("only clients can subscribe")
	}
	return nil
}

func (d *Document) subscribe(ctx context.Context) (Opening, error) {
	if err := d.load(ctx); err != nil {
		return Opening{}, err
	}
	number, err := d.addSubscriber(ctx)
	if err != nil {
		return Opening{}, err
	}
	return d.opening(ctx, number), nil
}

// peek stores nothing, because it is for readers. A document exists once somebody has
// subscribed to it, even if it is empty.
func (d *Document) peek(ctx context.Context) (Opening, error) {
	var number int
	found, err := d.KV().Get(ctx, subscriptionsKey, &number)
	if err != nil {
		return Opening{}, err
	}
	if !found && d.version() == 0 {
		return Opening{}, &lmz.Error{Name: NoDocumentName, Message: "there is no document " + strconv.Quote(d.Identity().Instance)}
	}
	if err := d.load(ctx); err != nil {
		return Opening{}, err
	}
	return d.opening(ctx, number), nil
}

// opening returns the state of the document, which must be loaded, for a subscription.
func (d *Document) opening(ctx context.Context, number int) Opening {
	t := d.text()
	if t.Len() > PartLength {
		d.remember(d.version(), t.Clone()) // the rest will be read
	}
	me := caller(ctx).Instance
	return Opening{
		Version: d.version(), Length: t.Len(), Text: t.Slice(0, PartLength), People: d.others(me), Moment: number,
	}
}

// addSubscriber returns the number of the subscription.
func (d *Document) addSubscriber(ctx context.Context) (number int, err error) {
	if _, err := d.KV().Get(ctx, subscriptionsKey, &number); err != nil {
		return 0, err
	}
	number++
	instance := caller(ctx).Instance
	return number, errors.Join(
		d.KV().Put(ctx, subscriptionsKey, number),
		d.KV().Put(ctx, subscriberPrefix+instance, subscriber{Number: number}),
		d.Watch(ctx, lmz.At(lmz.DefaultGateway, instance), sessionEnded.Ctn(instance, number)))
}

// sessionEnded tells the others that a client is gone, unless it has resubscribed. The
// subscription stays until a message cannot be delivered, because a shell that calls
// occasionally has only short sessions.
func (d *Document) sessionEnded(ctx context.Context, instance string, number int) (struct{}, error) {
	var current subscriber
	found, err := d.KV().Get(ctx, subscriberPrefix+instance, &current)
	if err != nil || !found || current.Number != number {
		return struct{}{}, err
	}
	current.Gone = true
	return struct{}{}, errors.Join(d.KV().Put(ctx, subscriberPrefix+instance, current), d.dropPerson(ctx, instance))
}

func (d *Document) unsubscribe(ctx context.Context) (struct{}, error) {
	return struct{}{}, d.dropSubscriber(ctx, caller(ctx).Instance)
}

func (d *Document) dropSubscriber(ctx context.Context, instance string) error {
	if err := d.KV().Delete(ctx, subscriberPrefix+instance); err != nil {
		return err
	}
	return d.dropPerson(ctx, instance)
}

// requireSubscriber is the guard of methods that change the document. An object with a
// client's name is not that client.
func (d *Document) requireSubscriber(ctx context.Context, req *lmz.Request) error {
	if err := onlyClients(ctx, req); err != nil {
		return err
	}
	var s subscriber
	subscribed, err := d.KV().Get(ctx, subscriberPrefix+caller(ctx).Instance, &s)
	if err == nil && !subscribed {
		return lmz.Errorf("Must be subscribed to edit")
	}
	return err
}

// maxTold is the most bytes of edits in one message. If there are more, which no editor
// pushes, only the last edit is sent: subscribers notice the gap and fetch the others.
const maxTold = 512 << 10

// broadcastEdits sends edits to the subscribers, including their author if it is an editor.
func (d *Document) broadcastEdits(ctx context.Context, entries []text.Entry) error {
	size := 0
	for _, e := range entries {
		size += sizeOf(e)
	}
	if size > maxTold {
		entries = entries[len(entries)-1:]
	}
	all := make([]Made, len(entries))
	for i, e := range entries {
		all[i] = d.made(e)
	}
	edits, me := HandleEdits.Ctn(d.Identity().Instance, all), caller(ctx).Instance
	return d.broadcast(ctx, edits, func(instance string) bool {
		return instance != me || entries[0].Editor != updater
	})
}

// broadcast sends c to the selected subscribers. It starts a new chain: the document calls
// on its own behalf, not on the author's.
func (d *Document) broadcast(ctx context.Context, c lmz.Continuation, wants func(instance string) bool) error {
	keys, err := d.KV().List(ctx, subscriberPrefix)
	if err != nil {
		return err
	}
	var live []lmz.Address
	for _, key := range keys {
		instance := key[len(subscriberPrefix):]
		if !wants(instance) {
			continue
		}
		var s subscriber
		if _, err := d.KV().Get(ctx, key, &s); err != nil {
			return err
		}
		if !s.Gone {
			live = append(live, lmz.At(lmz.DefaultGateway, instance))
		} else if err := d.deliver(ctx, instance, s, c); err != nil {
			return err
		}
	}
	ctx, cancel := forDelivery(ctx)
	defer cancel()
	return d.Broadcast(ctx, live, c)
}

// forDelivery returns the ctx for messages that the document sends on its own behalf. It
// keeps nothing of the caller's chain or deadline, and has a separate deadline.
func forDelivery(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(lmz.NewChain(ctx)), deliveryTime)
}

// deliveryTime is the timeout of a delivery: longer than it takes to notice a dead
// connection, so a subscriber either gets it or has lost its session.
const deliveryTime = 2 * time.Minute

// deliver sends c to one subscriber. While the session lives, the client notices anything
// that it does not get: it is told that calls were dropped, or the session ends. So no
// result is needed then.
func (d *Document) deliver(ctx context.Context, instance string, s subscriber, c lmz.Continuation) error {
	ctx, cancel := forDelivery(ctx)
	defer cancel()
	if !s.Gone {
		return d.Send(ctx, lmz.At(lmz.DefaultGateway, instance), c)
	}
	failed := lmz.Ctn(string(deliveryFailed), instance, s.Number, lmz.Result)
	return d.Send(ctx, lmz.At(lmz.DefaultGateway, instance), c, lmz.ReplyOnError(failed))
}

// deliveryFailed drops a subscriber whose session has ended: it resubscribes when it is
// back. A subscriber that was not reached in time gets the newest edit, so it notices what
// it missed.
func (d *Document) deliveryFailed(ctx context.Context, instance string, number int, failure *lmz.Error) (struct{}, error) {
	var current subscriber
	found, err := d.KV().Get(ctx, subscriberPrefix+instance, &current)
	if err != nil || !found || current.Number != number {
		return struct{}{}, err
	}
	if _, gone := lmz.DisconnectedClient(failure); gone {
		return struct{}{}, d.dropSubscriber(ctx, instance)
	}
	late := failure.Code == lmz.CodeGateway || failure.Code == lmz.CodeUnknown
	if !late || d.version() == 0 {
		return struct{}{}, nil
	}
	last, _, err := pastOf{ctx, &d.archive}.Entry(d.version())
	if err != nil {
		return struct{}{}, err
	}
	c := HandleEdits.Ctn(d.Identity().Instance, []Made{d.made(last)})
	return struct{}{}, d.deliver(ctx, instance, current, c)
}
