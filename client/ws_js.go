package client

import (
	"context"
	"errors"
	"sync"
	"syscall/js"

	"github.com/lumenize/lmz/internal/proto"
)

// fillRandom fills b with bytes that nobody can guess. Package crypto/rand would cost a
// tenth of the module.
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
	w := &webSocket{opened: make(chan struct{}), changed: make(chan struct{}, 1)}
	w.ws = constructor.New(url, offered)
	w.ws.Set("binaryType", "arraybuffer")
	w.listen("open", func(js.Value) { close(w.opened) })
	w.listen("message", w.onMessage)
	w.listen("close", w.onClose)
	select {
	case <-w.opened:
	case <-ctx.Done():
		w.Close(proto.CloseNormal, "")
		w.release()
		return nil, &DialError{Err: ctx.Err()}
	case <-w.changed: // closed without having opened
		w.release()
		return nil, &DialError{Err: errors.New("the connection failed")}
	}
	w.protocol = w.ws.Get("protocol").String()
	if w.protocol != proto.SubprotocolCBOR && w.protocol != proto.SubprotocolJSON {
		w.Close(proto.CloseNormal, "")
		w.release()
		return nil, &DialError{Err: errors.New("the server speaks neither " + proto.SubprotocolCBOR + " nor " + proto.SubprotocolJSON)}
	}
	return w, nil
}

// webSocket is a browser's socket. JavaScript's events fill its inbox and never
// wait; what came before a close is read before the close is.
type webSocket struct {
	ws       js.Value
	protocol string // what the two ends agreed on
	funcs    []js.Func
	names    []string
	opened   chan struct{}
	changed  chan struct{} // has one element when inbox or closed changed

	mu     sync.Mutex // guards the following fields
	inbox  [][]byte
	closed error
}

func (w *webSocket) listen(event string, f func(js.Value)) {
	fn := js.FuncOf(func(_ js.Value, args []js.Value) any {
		f(args[0])
		return nil
	})
	w.funcs, w.names = append(w.funcs, fn), append(w.names, event)
	w.ws.Call("addEventListener", event, fn)
}

// release lets go of the listeners, which JavaScript cannot collect by itself.
func (w *webSocket) release() {
	for i, fn := range w.funcs {
		w.ws.Call("removeEventListener", w.names[i], fn)
		fn.Release()
	}
	w.funcs = nil
}

func (w *webSocket) update(f func()) {
	w.mu.Lock()
	f()
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *webSocket) onMessage(event js.Value) {
	data := event.Get("data")
	if data.Type() == js.TypeString {
		message := []byte(data.String())
		w.update(func() { w.inbox = append(w.inbox, message) })
		return
	}
	array := js.Global().Get("Uint8Array").New(data)
	message := make([]byte, array.Length())
	js.CopyBytesToGo(message, array)
	w.update(func() { w.inbox = append(w.inbox, message) })
}

func (w *webSocket) onClose(event js.Value) {
	err := &CloseError{Code: event.Get("code").Int(), Reason: event.Get("reason").String()}
	w.update(func() {
		if w.closed == nil {
			w.closed = err
		}
	})
}

func (w *webSocket) Read() ([]byte, error) {
	for {
		w.mu.Lock()
		if len(w.inbox) > 0 {
			message := w.inbox[0]
			w.inbox = w.inbox[1:]
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

func (w *webSocket) Write(message []byte) error {
	w.mu.Lock()
	err := w.closed
	w.mu.Unlock()
	if err != nil {
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

// Subprotocol returns what the two ends agreed on.
func (w *webSocket) Subprotocol() string { return w.protocol }

func (w *webSocket) Close(code int, reason string) error {
	if code != proto.CloseNormal && code < 3000 {
		code = proto.CloseBroken // browsers allow no other below 3000
	}
	w.ws.Call("close", code, reason)
	w.update(func() {
		if w.closed == nil {
			w.closed = &CloseError{Code: code, Reason: reason}
		}
	})
	return nil
}
