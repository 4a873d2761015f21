//go:build js

package main

import (
	"errors"
	"sync"
	"syscall/js"
)

// border is the connection between JavaScript and Go.
type border struct {
	js     js.Value
	notify js.Value // function (event, peer, id, a, b, length, split)

	mu      sync.Mutex    // guards the following fields
	peers   map[int]*face // by the number that JavaScript assigned
	scratch js.Value      // Uint8Array from which JavaScript copies what notify announces
	room    int           // its length
}

// The names of the events passed to notify; js/border.js handles them.
const (
	eventSettle          = "settle"          // id: a call or connect; a: failure code; bytes
	eventIncoming        = "incoming"        // id; bytes: call context, then chain, split at split
	eventToken           = "token"           // id; a: refused token or ""
	eventState           = "state"           // a: state; b: instance name
	eventSubscribe       = "subscribe"       // id
	eventLoginRequired   = "loginRequired"   // id: code; a: reason
	eventSuperseded      = "superseded"      // a newer client has the address
	eventMissed          = "missed"          // id: number of calls; a, b: binding, instance of their caller
	eventConnectionError = "connectionError" // a: message
	eventSent            = "sent"            // id: a call; a: its id on the wire
	eventBug             = "bug"             // id: call or 0; a: message
)

// tell calls notify. JavaScript queues the events, so it is never reentered. The bytes of
// head and tail are copied before tell returns.
func (b *border) tell(event string, peer, id int, first, second string, head, tail []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(head) + len(tail)
	if n > b.room {
		b.room = max(2*b.room, n, 64<<10)
		b.scratch = js.Global().Get("Uint8Array").New(b.room)
		b.js.Set("scratch", b.scratch)
	}
	if len(tail) > 0 {
		js.CopyBytesToJS(b.scratch, append(head[:len(head):len(head)], tail...))
	} else if n > 0 {
		js.CopyBytesToJS(b.scratch, head)
	}
	b.notify.Invoke(event, peer, id, first, second, n, len(head))
}

// enter is the only function that JavaScript calls: (operation, peer, id, ...). It never
// blocks. A panic becomes an event, so it ends one call rather than the page.
func (b *border) enter(_ js.Value, args []js.Value) any {
	peer, id := 0, 0
	defer func() { b.guard(recover(), peer, id) }()
	operation := args[0].String()
	peer, id = args[1].Int(), args[2].Int()
	rest := args[3:]
	if operation == "new" {
		return b.open(peer, rest)
	}
	f := b.face(peer)
	if f == nil {
		return nil // it was closed
	}
	switch operation {
	case "connect":
		f.connect(id)
	case "call":
		f.call(id, rest)
	case "cancel":
		f.cancel(id)
	case "answer":
		f.answer(id, rest)
	case "token":
		f.token(id, rest)
	case "probe":
		f.peer.Probe()
	case "suspend":
		f.peer.Suspend()
	case "subscribed":
		f.subscribed(id)
	case "close":
		f.close(id)
	default:
		panic("unknown operation " + operation)
	}
	return nil
}

// guard reports the recovered panic v, if any, as an event. Every goroutine defers it.
func (b *border) guard(v any, peer, id int) {
	if v != nil {
		b.tell(eventBug, peer, id, describe(v), "", nil, nil)
	}
}

// toJSON encodes a message, in JavaScript, for a server that speaks only lmz.
func (b *border) toJSON(message []byte) ([]byte, error) {
	result := b.js.Call("toJSON", arrayOf(message))
	if result.Type() != js.TypeString {
		return nil, errors.New(result.Get("wrong").String())
	}
	return []byte(result.String()), nil
}

// subject returns the subject of an access token, which JavaScript decodes, or "" if the
// token is opaque.
func (b *border) subject(token string) string {
	sub := b.js.Call("subject", token)
	if sub.Type() != js.TypeString {
		return ""
	}
	return sub.String()
}

// describe returns the message of a panic.
func describe(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case string:
		return v
	}
	return "unexpected panic"
}

func (b *border) face(peer int) *face {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.peers[peer]
}

// arrayOf copies bytes into a new Uint8Array.
func arrayOf(data []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(data))
	js.CopyBytesToJS(array, data)
	return array
}

// bytesOf copies a Uint8Array.
func bytesOf(v js.Value) []byte {
	data := make([]byte, v.Length())
	js.CopyBytesToGo(data, v)
	return data
}
