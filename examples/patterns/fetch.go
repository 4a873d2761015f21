package patterns

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Proxy fetch. An object must not wait for a slow server, because it would have to stay awake. It
// asks a worker to fetch the URL and receives the response as a later call, the reply, which is
// stored with the object: the object may be closed meanwhile. The deadline of the send is the
// timeout. If the worker dies, the reply still runs, and says that the outcome is unknown.
const (
	Import  lmz.Method1[string, struct{}]                   = "import" // on a feed: a URL
	Pages   lmz.Method0[map[string]Page]                    = "pages"  // on a feed: the imported pages, by URL
	Fetch   lmz.Method1[lmz.HTTPRequest, *lmz.HTTPResponse] = "fetch"  // on a fetcher
	fetched lmz.Method2[string, lmz.Value, struct{}]        = "fetched"
)

// Bindings of this pattern.
const (
	FeedBinding    = "FEED_DO"
	FetcherBinding = "FETCHER_WORKER"
)

// FetchTimeout limits the duration of a fetch.
const FetchTimeout = 10 * time.Second

// Page is the outcome of an import.
type Page struct {
	Status  int
	Body    string
	Failure string // why there is no page
	Code    lmz.Code
}

// NewFeed returns a feed, for object.Kind.
func NewFeed(o *object.Object) lmz.Handler {
	mux := new(lmz.Mux)
	Import.Expose(mux, lmz.Anyone, func(ctx context.Context, url string) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, FetchTimeout)
		defer cancel() // does not cancel what was sent
		request := lmz.HTTPRequest{URL: url, Method: http.MethodGet}
		return struct{}{}, o.Send(ctx, lmz.Worker(FetcherBinding), Fetch.Ctn(request), lmz.Reply(lmz.Ctn(string(fetched), url, lmz.Result)))
	}, lmz.Params("url"), lmz.Doc("Has a page fetched and keeps it."), lmz.Destructive)
	fetched.Expose(mux, lmz.NoOne, func(ctx context.Context, url string, outcome lmz.Value) (struct{}, error) {
		pages, err := pages(ctx, o)
		if err != nil {
			return struct{}{}, err
		}
		pages[url] = pageOf(lmz.ResultOf[*lmz.HTTPResponse](outcome))
		return struct{}{}, o.KV().Put(ctx, "pages", pages)
	}, lmz.Params("url", "outcome"), lmz.Doc("Keeps what became of a fetch."))
	Pages.Expose(mux, lmz.Anyone, func(ctx context.Context) (map[string]Page, error) { return pages(ctx, o) }, lmz.Doc("Lists the pages that were fetched."), lmz.ReadOnly)
	return mux
}

func pages(ctx context.Context, o *object.Object) (map[string]Page, error) {
	pages := make(map[string]Page)
	_, err := o.KV().Get(ctx, "pages", &pages)
	return pages, err
}

// pageOf returns the page of a response, or of the error that took its place.
func pageOf(response *lmz.HTTPResponse, err error) Page {
	if err != nil {
		return Page{Failure: err.Error(), Code: lmz.CodeOf(err)}
	}
	body, _ := response.Body.(string)
	return Page{Status: response.Status, Body: body}
}

// maxBody limits the part of a body that is fetched, in bytes.
const maxBody = 256 << 10

// FetchError reports that a URL could not be fetched. Any HTTP status is a response.
type FetchError struct {
	URL     string
	Timeout bool
}

// Error implements error.
func (e *FetchError) Error() string {
	if e.Timeout {
		return "the fetch of " + e.URL + " took too long"
	}
	return "the fetch of " + e.URL + " failed"
}

func init() { lmz.RegisterError[*FetchError]("FetchError") }

// NewFetcher returns a constructor of fetchers, for Gateway.HandleWorker. Only nodes of the given
// bindings may use it: its callers can reach everything that the gateway's machine can.
func NewFetcher(client *http.Client, bindings ...string) func(lmz.Caller) lmz.Handler {
	return func(lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		mux.OnBeforeCall(func(ctx context.Context, req *lmz.Request) error {
			for _, binding := range bindings {
				if onlyFrom(binding)(ctx, req) == nil {
					return nil
				}
			}
			return lmz.Errorf("this node may not fetch")
		})
		Fetch.Expose(mux, lmz.Anyone, func(ctx context.Context, r lmz.HTTPRequest) (*lmz.HTTPResponse, error) {
			return fetch(ctx, client, r)
		}, lmz.Params("request"), lmz.Doc("Does an HTTP request and returns its answer."))
		return mux
	}
}

// fetchMargin is how much earlier than the object the worker gives up, so that its error arrives.
const fetchMargin = 500 * time.Millisecond

func fetch(ctx context.Context, client *http.Client, r lmz.HTTPRequest) (*lmz.HTTPResponse, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-fetchMargin))
		defer cancel()
	}
	body, _ := r.Body.(string)
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL, strings.NewReader(body))
	if err != nil {
		return nil, &FetchError{URL: r.URL}
	}
	for _, line := range r.Headers {
		request.Header.Add(line[0], line[1])
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, &FetchError{r.URL, errors.Is(err, context.DeadlineExceeded)}
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return nil, &FetchError{r.URL, errors.Is(err, context.DeadlineExceeded)}
	}
	answer := &lmz.HTTPResponse{Status: response.StatusCode, StatusText: http.StatusText(response.StatusCode), Body: string(data)}
	for name, values := range response.Header {
		for _, value := range values {
			answer.Headers = append(answer.Headers, [2]string{name, value})
		}
	}
	return answer, nil
}
