package remote

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestThreatB09ForgedClientAddress(t *testing.T) {
	for _, test := range []struct {
		proxies int
		header  []string
		want    string
	}{
		{0, []string{"1.1.1.1"}, "192.0.2.1"},
		{1, []string{"1.1.1.1"}, "1.1.1.1"},
		{1, []string{"6.6.6.6, 1.1.1.1"}, "1.1.1.1"},
		{1, []string{"6.6.6.6", "1.1.1.1"}, "1.1.1.1"},
		{2, []string{"6.6.6.6, 1.1.1.1, 10.0.0.1"}, "1.1.1.1"},
		{2, []string{"1.1.1.1"}, "192.0.2.1"},
		{1, []string{"nonsense"}, "192.0.2.1"},
		{1, []string{"::ffff:1.1.1.1"}, "1.1.1.1"},
		{1, nil, "192.0.2.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Forwarded-For"] = test.header
		if got := Client(r, test.proxies); got != test.want {
			t.Errorf("%d proxies, %v: got %s, want %s", test.proxies, test.header, got, test.want)
		}
	}
}

func TestAddressFormatsOfProxies(t *testing.T) {
	const xff, fwd = "X-Forwarded-For", "Forwarded"
	for _, test := range []struct {
		proxies int
		header  http.Header
		want    string
	}{
		{1, http.Header{xff: {"198.51.100.7:4711"}}, "198.51.100.7"},
		{1, http.Header{xff: {"[2001:db8::1]:4444"}}, "2001:db8::1"},
		{1, http.Header{xff: {`"[2001:db8::1]:4444"`}}, "2001:db8::1"},
		{1, http.Header{xff: {"[2001:db8::1]"}}, "2001:db8::1"},
		{2, http.Header{xff: {"198.51.100.7:4711, 10.0.0.1:80"}}, "198.51.100.7"},
		{1, http.Header{fwd: {"for=198.51.100.7"}}, "198.51.100.7"},
		{1, http.Header{fwd: {`proto=https; For="[2001:db8::1]:4444";by=10.0.0.1`}}, "2001:db8::1"},
		{2, http.Header{fwd: {"for=6.6.6.6, for=198.51.100.7", "for=10.0.0.1"}}, "198.51.100.7"},
		{1, http.Header{fwd: {`for="6.6.6.6`, "for=198.51.100.7"}}, "198.51.100.7"},
		{1, http.Header{fwd: {"for=unknown"}}, "192.0.2.1"},
		{1, http.Header{fwd: {"for=_hidden"}, xff: {"6.6.6.6"}}, "192.0.2.1"},
		{1, http.Header{fwd: {"for=6.6.6.6"}, xff: {"198.51.100.7"}}, "192.0.2.1"},
		{1, http.Header{fwd: {`for="198.51.100.7:1"`}, xff: {"198.51.100.7"}}, "198.51.100.7"},
		{0, http.Header{fwd: {"for=6.6.6.6"}}, "192.0.2.1"},
		{2, http.Header{fwd: {"for=6.6.6.6"}}, "192.0.2.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = test.header
		if got := Client(r, test.proxies); got != test.want {
			t.Errorf("%d proxies, %v: got %s, want %s", test.proxies, test.header, got, test.want)
		}
	}
}

func TestThisMachine(t *testing.T) {
	for _, test := range []struct {
		from, host, header string
		want               bool
	}{
		{"127.0.0.1:5000", "localhost:8787", "", true},
		{"[::1]:5000", "[::1]:8787", "", true},
		{"127.0.0.1:5000", "example.com", "", false},
		{"192.0.2.1:5000", "localhost:8787", "", false},
		{"127.0.0.1:5000", "localhost:8787", "X-Forwarded-For", false},
		{"127.0.0.1:5000", "localhost:8787", "Forwarded", false},
		{"127.0.0.1:5000", "localhost:8787", "Via", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Host = test.from, test.host
		if test.header != "" {
			r.Header.Set(test.header, "127.0.0.1")
		}
		if got := IsThisMachine(r); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}
