package client

import (
	"context"
	"errors"
	"sync"
	"syscall/js"
	"time"

	"github.com/lumenize/lmz/internal/link"
	"github.com/lumenize/lmz/internal/proto"
)

// fillRandom fills b with unpredictable bytes. Package crypto/rand would cost a tenth of the
// module.
func fillRandom(b []byte) {
	array := js.Global().Get("Uint8Array").New(len(b))
	js.Global().Get("crypto").Call("getRandomValues", array)
	js.CopyBytesToGo(b, array)
}

// blind says whether the platform hides the status of a refused upgrade.
const blind = true

// dialWebSocket opens a WebSocket of the platform.
func dialWebSocket(ctx context.Context, url string, protocols []string) (Transport, error) {
	return dialWith(ctx, js.Global().Get("WebSocket"), url, protocols)
}

// DialWith returns an Options.Dial whose sockets are made by a constructor like the
// browser's WebSocket.
func DialWith(constructor js.Value) func(context.Context, string, []string) (Transport, error) {
	return func(ctx context.Context, url string, protocols []string) (Transport, error) {
		return dialWith(ctx, constructor, url, protocols)
	}
}

func dialWith(ctx context.Context, constructor js.Value, url string, protocols []string) (t Transport, err error) {
	defer func() { // a URL that the browser refuses is an exception
		if e := recover(); e != nil {
			t, err = nil, &DialError{Err: errors.New("this WebSocket cannot be opened")}
		}
	}()
	offered := make([]any, len(protocols))
	for i, p := range protocols {
		offered[i] = p
	}
	w := &webSocket{opened: make(chan struct{}), changed: make(chan struct{}, 1), ended: make(chan struct{})}
	w.ws = constructor.New(url, offered)
	w.ws.Set("binaryType", "arraybuffer")
	w.listen("open", func(js.Value) {
		w.protocol = textOf(w.ws.Get("protocol"))
		close(w.opened)
	})
	w.listen("message", w.onMessage)
	w.listen("close", w.onClose)
	w.listen("error", w.onError)
	select {
	case <-w.opened:
	case <-ctx.Done():
		w.Close(proto.CloseNormal, "")
		w.release()
		return nil, &DialError{Err: ctx.Err()}
	case <-w.ended:
		select {
		case <-w.opened: // and closed at once
		default:
			w.release()
			return nil, &DialError{Err: errors.New("the connection failed")}
		}
	}
	if w.protocol != proto.SubprotocolCBOR && w.protocol != proto.SubprotocolJSON {
		w.Close(proto.CloseNormal, "")
		w.release()
		return nil, &DialError{Err: errors.New("the server speaks neither " + proto.SubprotocolCBOR + " nor " + proto.SubprotocolJSON)}
	}
	return w, nil
}

// webSocket is a browser's socket. JavaScript's events fill its inbox and never wait. Messages
// that arrived before a close are read before the close.
type webSocket struct {
	ws       js.Value
	protocol string // the negotiated subprotocol
	funcs    []js.Func
	names    []string
	opened   chan struct{}
	changed  chan struct{} // has one element when inbox or closed changed
	ended    chan struct{} // closed when closed is set

	mu     sync.Mutex // guards the following fields
	inbox  [][]byte
	size   int // bytes in inbox
	closed error
}

// A browser buffers without limit in both directions. So that a slow network does not fill the
// memory, Write waits while the browser holds maxBuffered bytes, and a socket whose messages are
// not read is closed.
const (
	maxBuffered = 1 << 20
	maxInbox    = 64 << 20
	bufferPoll  = 10 * time.Millisecond // browsers have no event for it
)

// listen sets a handler as a property, because some WebSocket classes of other platforms have
// no addEventListener.
func (w *webSocket) listen(event string, f func(js.Value)) {
	fn := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) == 0 {
			args = []js.Value{js.Global().Get("Object").New()}
		}
		f(args[0])
		return nil
	})
	w.funcs, w.names = append(w.funcs, fn), append(w.names, "on"+event)
	w.ws.Set("on"+event, fn)
}

// release releases the handlers, which JavaScript cannot garbage-collect.
func (w *webSocket) release() {
	for i, fn := range w.funcs {
		w.ws.Set(w.names[i], js.Null())
		fn.Release()
	}
	w.funcs = nil
}

// numberOf and textOf read a property that a foreign WebSocket class may lack, on which the
// methods of js.Value would panic.
func numberOf(v js.Value, otherwise int) int {
	if v.Type() != js.TypeNumber {
		return otherwise
	}
	return v.Int()
}

func textOf(v js.Value) string {
	if v.Type() != js.TypeString {
		return ""
	}
	return v.String()
}

// caught converts a JavaScript exception to the error of the function that defers it.
func caught(err *error) {
	if v := recover(); v != nil {
		exception, ok := v.(js.Error)
		if !ok {
			panic(v)
		}
		*err = exception
	}
}

func (w *webSocket) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *webSocket) onMessage(event js.Value) {
	var message []byte
	if data := event.Get("data"); data.Type() == js.TypeString {
		message = []byte(data.String())
	} else if w.protocol == proto.SubprotocolCBOR { // otherwise it is ignored as an unknown message
		array := js.Global().Get("Uint8Array").New(data)
		message = make([]byte, array.Length())
		js.CopyBytesToGo(message, array)
	}
	w.mu.Lock()
	w.inbox = append(w.inbox, message)
	w.size += len(message)
	full := w.size > maxInbox
	w.mu.Unlock()
	w.signal()
	if full {
		w.Close(proto.CloseBroken, "nobody reads")
	}
}

func (w *webSocket) onClose(event js.Value) {
	w.end(&CloseError{Code: numberOf(event.Get("code"), noClose), Reason: textOf(event.Get("reason"))})
}

// onError ends a dial: Node.js 20 fires no close event for it. Later a close event follows.
func (w *webSocket) onError(js.Value) {
	select {
	case <-w.opened:
	default:
		w.end(&CloseError{Code: noClose})
	}
}

// noClose is the code of a connection that ended without one (RFC 6455 section 7.4.1).
const noClose = 1006

// end sets the error that Read returns after the messages in the inbox. Only the first call
// counts.
func (w *webSocket) end(err error) {
	w.mu.Lock()
	if w.closed == nil {
		w.closed = err
		close(w.ended)
	}
	w.mu.Unlock()
	w.signal()
}

func (w *webSocket) Read() ([]byte, error) {
	for {
		w.mu.Lock()
		if len(w.inbox) > 0 {
			message := w.inbox[0]
			w.inbox = w.inbox[1:]
			w.size -= len(message)
			w.mu.Unlock()
			return message, nil
		}
		err := w.closed
		w.mu.Unlock()
		if err != nil {
			w.release()
			return nil, err
		}
		<-w.changed
	}
}

func (w *webSocket) Write(message []byte) (err error) {
	defer caught(&err)
	if err := w.room(); err != nil {
		return err
	}
	if w.protocol == proto.SubprotocolJSON {
		w.ws.Call("send", string(message))
		return nil
	}
	array := js.Global().Get("Uint8Array").New(len(message))
	js.CopyBytesToJS(array, message)
	w.ws.Call("send", array)
	return nil
}

// room waits until the browser has sent most of what it holds.
func (w *webSocket) room() error {
	for {
		select {
		case <-w.ended:
			return w.closed // it never changes again
		default:
		}
		if numberOf(w.ws.Get("bufferedAmount"), 0) <= maxBuffered {
			return nil
		}
		select {
		case <-w.ended:
		case <-time.After(bufferPoll):
		}
	}
}

// Subprotocol returns the negotiated subprotocol.
func (w *webSocket) Subprotocol() string { return w.protocol }

func (w *webSocket) Close(code int, reason string) (err error) {
	defer caught(&err)
	if code != proto.CloseNormal && code < 3000 {
		code = proto.CloseBroken // browsers allow no other code below 3000
	}
	reason = link.Reason(reason) // browsers throw on longer ones
	defer w.end(&CloseError{Code: code, Reason: reason})
	w.ws.Call("close", code, reason)
	return nil
}
