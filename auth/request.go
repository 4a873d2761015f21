package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/lumenize/lmz/internal/origin"
	"github.com/lumenize/lmz/internal/printable"
)

// request is an HTTP request and what the service knows of where it comes from.
type request struct {
	*http.Request
	id    string   // of this request, in the audit log and in the answer
	ip    string   // of the client
	agent string   // User-Agent, cut
	vars  []string // what stands for {id} in the path, in order
	who   *caller  // once it is known
	// events are what was recorded in the database, to be logged after commit.
	events []event
}

const agentLimit = 200 // bytes of a User-Agent that are kept

func (s *Service) newRequest(r *http.Request) *request {
	return &request{Request: r, id: newUUID(), ip: clientIP(r, s.opts.Proxies), agent: stripped(r.UserAgent(), agentLimit)}
}

// clientIP is the address of the client: that of the connection or, behind the given
// number of proxies that each add one, the one that the outermost of them saw.
func clientIP(r *http.Request, proxies int) string {
	if addr, ok := forwardedFor(r.Header, proxies); ok {
		return addr.String()
	}
	if addr, ok := hopAddr(r.RemoteAddr); ok {
		return addr.String()
	}
	return r.RemoteAddr
}

// forwardedFor is what the outermost of so many proxies says of its client. What stands
// further left is anyone's claim, and so is a header that our proxies do not write: of
// X-Forwarded-For and Forwarded nobody knows here which one they do, so where both are
// there they must agree.
func forwardedFor(h http.Header, proxies int) (addr netip.Addr, ok bool) {
	if proxies <= 0 {
		return addr, false
	}
	for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
		values := h.Values(name)
		if len(values) == 0 {
			continue
		}
		// An open quotation mark of a client must not swallow what a proxy adds, so
		// every comma counts: addresses have none.
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

// forParameter is the parameter for of an element of the header Forwarded.
func forParameter(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		if name, value, _ := strings.Cut(pair, "="); strings.EqualFold(strings.TrimSpace(name), "for") {
			return value
		}
	}
	return ""
}

// hopAddr reads an address as proxies write it: alone, in brackets, with a port, in
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

// stripped is text without what package printable would not show, at most limit bytes
// of it.
func stripped(text string, limit int) string {
	text = printable.Strip(text)
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return text
}

// fromThisMachine tells whether the connection comes from this machine and names
// it, without anything in between that could carry others' requests.
func fromThisMachine(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return origin.IsLoopback(r.RemoteAddr) && origin.IsLoopback(r.Host)
}
