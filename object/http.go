package object

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/turn"
)

// Limits of HTTP requests to objects. Both bodies are buffered in memory: the request's
// because the turn must not wait for a slow client, the response's until the turn's writes
// are on disk.
const (
	MaxRequestBody  = 8 << 20 // bytes
	MaxResponseBody = 8 << 20
)

// Requester is a handler that serves HTTP requests to its object, see [Runtime.ServeHTTP].
// OnRequest runs like a method, in a turn: with the ctx of r it may use storage and call.
// The body of r is already buffered and is at most [MaxRequestBody] long. The response
// leaves when the turn is on disk; Write fails once it would exceed [MaxResponseBody], and
// the status is then 500. A status of 500 or above rolls the turn back, as an error from a
// method does, and so does a panic; any other status keeps the writes.
type Requester interface {
	OnRequest(w http.ResponseWriter, r *http.Request)
}

// ServeHTTP lets the object at a serve a request, in a turn, if its handler is a
// [Requester]; otherwise the status is 501. The call context is the one in the ctx of r, for
// instance with the origin auth that a gateway has verified; without one it is a fresh
// chain. Headers of r never identify the caller.
//
// The status is 404 for an unknown binding or an impossible instance name, 413 for a body
// that is too long, and 503 with Retry-After if the object did not get to see the request.
func (rt *Runtime) ServeHTTP(a lmz.Address, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequestBody))
	if refused := new(lmz.Error); errors.As(err, &refused) { // by the source of the body
		writeError(w, refused)
		return
	}
	if err != nil {
		status := http.StatusBadRequest
		if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "the body could not be read: "+http.StatusText(status), status)
		return
	}
	if r.Context().Err() != nil { // canceled while the body was being read
		writeError(w, &lmz.Error{Code: lmz.CodeGateway, Message: "the request was given up"})
		return
	}
	payer := proto.PayerOf(r.Context())
	o, place, refused := rt.enter(a, turn.Who{Payer: payer}, maxWaiting)
	if refused != nil {
		writeError(w, refused)
		return
	}
	defer rt.leave(o)
	ctx, cancel := rt.bound(proto.Bare(r.Context()))
	defer cancel(nil)
	if refused := o.begin(ctx, place, true); refused != nil {
		writeError(w, refused)
		return
	}
	called, _ := lmz.CallContextFrom(r.Context())
	called.Self = o.id
	response := &response{header: make(http.Header), accounts: rt.accounts, payer: payer}
	defer response.giveBack()
	run := func(ctx context.Context, h lmz.Handler) (any, error) {
		request := r.Clone(ctx)
		request.Body = io.NopCloser(bytes.NewReader(body))
		return nil, response.serve(h, request)
	}
	answers := make(chan proto.Answer, 1)
	o.execute(proto.WithPayer(node.WithCallContext(ctx, called), payer), cancel, place, nil, run, func(a proto.Answer) { answers <- a })
	switch answer := <-answers; answer.Failed {
	case "", lmz.CodeCallee:
		response.writeTo(w)
	default:
		_, err := answer.Result()
		writeError(w, err)
	}
}

// response buffers the response of OnRequest until it may leave.
type response struct {
	header  http.Header
	status  int // 0: not set yet
	body    bytes.Buffer
	tooLong bool
	refused *lmz.Error // the payer's limit on waiting bytes is reached

	accounts *budget.Accounts // which are charged while the response waits
	payer    string
	charged  int64
}

func (p *response) giveBack() { p.accounts.Add(p.payer, budget.Waiting, -p.charged) }

var errResponse = lmz.Errorf("the response says that the request failed")

// serve runs the handler on r, and returns an error if the turn must be rolled back.
func (p *response) serve(h lmz.Handler, r *http.Request) error {
	if t, ok := h.(*tracked); ok {
		t.run.entered("OnRequest")
		h = t.handler
	}
	requester, ok := h.(Requester)
	if !ok {
		p.fail(http.StatusNotImplemented, "This object serves no HTTP requests: its handler has no OnRequest.")
		return nil
	}
	err := protect(func() error {
		requester.OnRequest(p, r)
		return nil
	})
	switch {
	case err != nil:
		p.fail(http.StatusInternalServerError, "internal error")
		return err
	case p.refused != nil:
		p.fail(http.StatusTooManyRequests, p.refused.Message)
		p.header.Set("Retry-After", retryAfter(p.refused))
		return errResponse
	case p.tooLong:
		p.fail(http.StatusInternalServerError, "the response is too long")
		return errResponse
	case p.status >= http.StatusInternalServerError:
		return errResponse
	}
	return nil
}

// fail replaces the handler's response.
func (p *response) fail(status int, text string) {
	p.body.Reset()
	p.header = http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	p.status = status
	p.body.WriteString(text + "\n")
}

// Header implements [http.ResponseWriter].
func (p *response) Header() http.Header { return p.header }

// WriteHeader implements [http.ResponseWriter].
func (p *response) WriteHeader(status int) {
	if p.status == 0 && status >= 200 {
		p.status = status
	}
}

// Write implements [http.ResponseWriter].
func (p *response) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	if p.body.Len()+len(b) > MaxResponseBody {
		p.tooLong = true
		return 0, errors.New("the response is too long")
	}
	if p.refused != nil {
		return 0, p.refused
	}
	if p.refused = p.accounts.Take(p.payer, budget.Waiting, int64(len(b))); p.refused != nil {
		return 0, p.refused
	}
	p.charged += int64(len(b))
	return p.body.Write(b)
}

func (p *response) writeTo(w http.ResponseWriter) {
	for name, values := range p.header {
		if name == "Vary" { // keep the gateway's own
			values = append(w.Header()[name], values...)
		}
		w.Header()[name] = values
	}
	if p.status != 0 {
		w.WriteHeader(p.status)
	}
	w.Write(p.body.Bytes()) // an error means that the client is gone
}

// writeError answers a request that the object did not see, or whose outcome is unknown.
func writeError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch lmz.CodeOf(err) {
	case lmz.CodeAbsent:
		status = http.StatusNotFound
	case lmz.CodeGateway:
		status = http.StatusServiceUnavailable
		if lmz.Exceeded(err) != "" {
			status = http.StatusTooManyRequests
		}
		w.Header().Set("Retry-After", retryAfter(err))
	}
	http.Error(w, err.Error(), status)
}

// retryAfter returns the seconds until a retry: those in the error, or 1.
func retryAfter(err error) string {
	wait, ok := lmz.RetryAfter(err)
	if !ok {
		wait = time.Second
	}
	return strconv.Itoa(int((wait + time.Second - 1) / time.Second))
}
