package httpserver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz/internal/memnet"
)

// atRate reads at a rate in bytes per second, after the first bytes.
type atRate struct {
	io.Reader
	perSecond int
}

func (r atRate) Read(p []byte) (int, error) {
	time.Sleep(time.Second) // virtual
	return r.Reader.Read(p[:min(len(p), r.perSecond)])
}

// onProgress tests a server with a handler in virtual time.
func onProgress(t *testing.T, h http.HandlerFunc, test func(t *testing.T, client *http.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network, server := memnet.New(), New(h)
		served := make(chan error)
		go func() { served <- server.Serve(network) }()
		client := network.Client()
		test(t, client)
		client.CloseIdleConnections()
		server.Close()
		<-served
	})
}

const page = 600_000 // bytes

// TestPageOverSlowLine takes longer than a request may stall, and must arrive complete.
func TestPageOverSlowLine(t *testing.T) {
	onProgress(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, page)) }, func(t *testing.T, client *http.Client) {
		for rate, whole := range map[int]bool{15_000: true, 2_000: true, 100: false} {
			r, err := client.Get("http://mesh/")
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, atRate{r.Body, rate})
			if got := n == page && err == nil; got != whole {
				t.Errorf("at %d bytes a second %d came, %v; want all: %v", rate, n, err, whole)
			}
			r.Body.Close()
		}
	})
}

// TestStalledAnswer requires that the answer and its handler end.
func TestStalledAnswer(t *testing.T) {
	var ended chan error // of the bubble
	onProgress(t, func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, page))
		ended <- err
	}, func(t *testing.T, client *http.Client) {
		ended = make(chan error, 1)
		began := time.Now()
		r, err := client.Get("http://mesh/")
		if err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) > writePatience {
			t.Errorf("the handler's answer ended with %v after %v, want the deadline", err, time.Since(began))
		}
		r.Body.Close()
	})
}

// TestBodyOverSlowLine requires that a slow body arrives, however long its answer takes, and that
// a stalled one ends.
func TestBodyOverSlowLine(t *testing.T) {
	onProgress(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err == nil {
			time.Sleep(10 * time.Minute) // it calls, for instance
			err = r.Context().Err()
		}
		if err != nil || n != page {
			http.Error(w, "no", http.StatusRequestTimeout)
		}
	}, func(t *testing.T, client *http.Client) {
		for rate, whole := range map[int]bool{15_000: true, 2_000: true, 100: false} {
			r, err := client.Post("http://mesh/", "", atRate{bytes.NewReader(make([]byte, page)), rate})
			if err == nil {
				r.Body.Close()
			}
			if got := err == nil && r.StatusCode == 200; got != whole {
				t.Errorf("at %d bytes a second: %v, %v; want it taken: %v", rate, r, err, whole)
			}
		}
		stands, w := io.Pipe()
		defer w.Close()
		began := time.Now()
		r, err := client.Post("http://mesh/", "", io.MultiReader(strings.NewReader("x"), stands))
		if err == nil {
			r.Body.Close()
		}
		if took := time.Since(began); took > 2*readPatience {
			t.Errorf("a body that stands still was ended after %v", took)
		}
	})
}

// TestStalledUnreadBody requires that the body ends even if the answer is complete.
func TestStalledUnreadBody(t *testing.T) {
	onProgress(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }, func(t *testing.T, client *http.Client) {
		stands, w := io.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://mesh/", stands)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = 1000
		began := time.Now()
		answer, err := client.Do(r)
		if err == nil {
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		if took := time.Since(began); took > 2*readPatience {
			t.Errorf("it was given up after %v", took)
		}
		w.Close()
	})
}

// TestDeadlineOfHandler requires that a handler's own deadline holds.
func TestDeadlineOfHandler(t *testing.T) {
	var ended chan error // of the bubble
	onProgress(t, func(w http.ResponseWriter, _ *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
		_, err := w.Write(make([]byte, page))
		ended <- err
	}, func(t *testing.T, client *http.Client) {
		ended = make(chan error, 1)
		if r, err := client.Get("http://mesh/"); err == nil {
			r.Body.Close()
			t.Error("an answer came after the handler's deadline")
		}
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the handler's answer ended with %v, want its deadline", err)
		}
	})
}
