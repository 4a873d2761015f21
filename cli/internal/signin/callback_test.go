package signin

import (
	"net/http"
	"net/url"
	"testing"
)

func TestForeignRequestsToCallback(t *testing.T) {
	c, err := listenForCode()
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer c.close()
	to, err := url.Parse(c.url)
	if err != nil || to.Hostname() != "127.0.0.1" && to.Hostname() != "::1" {
		t.Fatalf("it listens at %s", c.url)
	}
	good := url.Values{"code": {"the code"}, "state": {c.state}}.Encode()
	for _, request := range []struct {
		method, path, host string
		want               int
	}{
		{"GET", "/callback?" + good, "localhost:" + to.Port(), 421}, // another name that leads here
		{"GET", "/callback?" + good, "evil.example", 421},
		{"GET", "/?" + good, to.Host, 404},
		{"POST", "/callback?" + good, to.Host, 405},
		{"GET", "/callback?code=evil&state=guessed", to.Host, 400},
		{"GET", "/callback?code=evil", to.Host, 400},
		{"GET", "/callback?state=" + c.state, to.Host, 400},
		{"GET", "/callback?" + good, to.Host, 200},
		{"GET", "/callback?code=evil&state=" + c.state, to.Host, 200}, // too late
	} {
		req, err := http.NewRequest(request.method, "http://"+to.Host+request.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = request.host
		response, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != request.want || response.Header.Get("Cache-Control") != "no-store" || response.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s at %s: got %d %v, want %d", request.method, request.path, request.host, response.StatusCode, response.Header, request.want)
		}
	}
	if code, err := c.wait(t.Context()); code != "the code" || err != nil {
		t.Errorf("got %q, %v", code, err)
	}
	c.close()
	if response, err := http.Get(c.url + "?" + good); err == nil {
		response.Body.Close()
		t.Error("it goes on listening")
	}
}
