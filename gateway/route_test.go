package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/worker"
)

func TestABindingHasTheSpellingsOfTheOriginal(t *testing.T) {
	for segment, want := range map[string]string{
		"my-do":   "my-do MY_DO my_do MyDo myDo MyDO",
		"my-d-o":  "my-d-o MY_D_O my_d_o MyDO myDO MYDO",
		"api-v2":  "api-v2 API_V2 api_v2 ApiV2 apiV2",
		"session": "session SESSION Session",
		"MY_DO":   "MY_DO",
		"My-Do":   "My-Do",
		"my_do":   "my_do",
	} {
		if got := strings.Join(spellings(segment), " "); got != want {
			t.Errorf("%s: %s, want %s", segment, got, want)
		}
	}
}

func TestAPathLeadsToOneNode(t *testing.T) {
	g := &Gateway{
		options: Options{Prefix: withSlashes("/gateway"), Binding: "LUMENIZE_CLIENT_GATEWAY"},
		fronts:  map[string]*front{"LUMENIZE_CLIENT_GATEWAY": {}},
		kinds:   map[string]bool{"DOCUMENT_DO": true, "TWO_WAYS": true, "TwoWays": true},
		workers: map[string]*worker.Worker{"SPELLCHECK_WORKER": {}},
	}
	for path, want := range map[string]struct {
		to     lmz.Address
		rest   string
		status int
	}{
		"/gateway/DOCUMENT_DO/notes":                {lmz.At("DOCUMENT_DO", "notes"), "", 0},
		"/gateway/document-do/notes/a/b":            {lmz.At("DOCUMENT_DO", "notes"), "/a/b", 0},
		"/gateway/DocumentDo/notes":                 {},
		"/gateway/document_do/notes":                {},
		"/gateway/document-do/notes/":               {lmz.At("DOCUMENT_DO", "notes"), "/", 0},
		"/gateway/document-do/a%2Fb%20%F0%9F%98%80": {lmz.At("DOCUMENT_DO", "a/b 😀"), "", 0},
		"/gateway/document-do/..":                   {lmz.At("DOCUMENT_DO", ".."), "", 0},
		"/gateway/document-do/%2525":                {lmz.At("DOCUMENT_DO", "%25"), "", 0},
		"/gateway/lumenize-client-gateway/ann.t":    {lmz.At("LUMENIZE_CLIENT_GATEWAY", "ann.t"), "", 0},
		"/gateway/document-do":                      {lmz.Address{}, "", http.StatusBadRequest},
		"/gateway/document-do/":                     {lmz.Address{}, "", http.StatusBadRequest},
		"/gateway/two-ways/x":                       {lmz.Address{}, "", http.StatusBadRequest},
		"/gateway/TWO_WAYS/x":                       {lmz.At("TWO_WAYS", "x"), "", 0},
		"/gateway/spellcheck-worker/x":              {},
		"/gatewayDOCUMENT_DO/notes":                 {},
		"/gateway":                                  {},
		"/gateway/":                                 {},
		"/Gateway/DOCUMENT_DO/notes":                {},
		"/":                                         {},
		"/gateway/__proto__/x":                      {},
	} {
		u, err := url.Parse("http://host" + path)
		if err != nil {
			t.Fatal(err)
		}
		to, rest, refused := g.route(u)
		status := 0
		if refused != nil {
			status = refused.Status
		}
		if to != want.to || rest != want.rest || status != want.status {
			t.Errorf("%s: %+v %q %d, want %+v", path, to, rest, status, want)
		}
	}
	for given, want := range map[string]string{"": "/", "/": "/", "api": "/api/", "/api/v1/": "/api/v1/"} {
		if got := withSlashes(given); got != want {
			t.Errorf("prefix %q: %q, want %q", given, got, want)
		}
	}
}
