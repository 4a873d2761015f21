// Package remote determines where an HTTP request comes from. Behind a reverse proxy the
// connection is the proxy's, and the headers that name its client may have been written by
// anyone: limits, the audit log and test mode depend on telling these apart.
package remote

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/lumenize/lmz/internal/origin"
)

// Client returns the address of the client: that of the connection or, behind the given number
// of proxies that each add one, the address that the outermost proxy saw.
func Client(r *http.Request, proxies int) string {
	if addr, ok := forwardedFor(r.Header, proxies); ok {
		return addr.String()
	}
	if addr, ok := hopAddr(r.RemoteAddr); ok {
		return addr.String()
	}
	return r.RemoteAddr
}

// forwardedFor returns the client address reported by the outermost of the given number of
// proxies. Clients can forge the entries further left, and a header that our proxies do not
// write. Which of X-Forwarded-For and Forwarded they write is not known here, so if both are
// present they must agree.
func forwardedFor(h http.Header, proxies int) (addr netip.Addr, ok bool) {
	if proxies <= 0 {
		return addr, false
	}
	for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
		values := h.Values(name)
		if len(values) == 0 {
			continue
		}
		// An opening quotation mark from a client must not swallow what a proxy adds, so every
		// comma counts: addresses contain none.
		hops := strings.Split(strings.Join(values, ","), ",")
		if len(hops) < proxies {
			return addr, false
		}
		hop := hops[len(hops)-proxies]
		if name == "Forwarded" {
			hop = forParameter(hop)
		}
		said, valid := hopAddr(hop)
		if !valid || ok && said != addr {
			return addr, false
		}
		addr, ok = said, true
	}
	return addr, ok
}

// forParameter returns the parameter for of an element of the header Forwarded.
func forParameter(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		if name, value, _ := strings.Cut(pair, "="); strings.EqualFold(strings.TrimSpace(name), "for") {
			return value
		}
	}
	return ""
}

// hopAddr reads an address in the forms that proxies write: bare, in brackets, with a port, in
// quotation marks.
func hopAddr(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		text = strings.TrimSuffix(inner, `"`)
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		var host string
		if host, _, err = net.SplitHostPort(text); err == nil {
			addr, err = netip.ParseAddr(host)
		}
	}
	return addr.Unmap().WithZone(""), err == nil
}

// IsThisMachine reports whether the connection comes from this machine and addresses it as
// such, with nothing in between that could carry the requests of others.
func IsThisMachine(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return origin.IsLoopback(r.RemoteAddr) && origin.IsLoopback(r.Host)
}
