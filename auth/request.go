package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

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

// clientIP is the address of the client: that of the connection or, behind the
// given number of proxies that each add one, the one that the outermost of them
// saw. What stands further left in X-Forwarded-For is anyone's claim.
func clientIP(r *http.Request, proxies int) string {
	ip := r.RemoteAddr
	if host, _, err := net.SplitHostPort(ip); err == nil {
		ip = host
	}
	if hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); proxies > 0 && len(hops) >= proxies {
		if hop, err := netip.ParseAddr(strings.TrimSpace(hops[len(hops)-proxies])); err == nil {
			ip = hop.String()
		}
	}
	if addr, err := netip.ParseAddr(ip); err == nil {
		return addr.Unmap().WithZone("").String()
	}
	return ip
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
	return isLoopback(r.RemoteAddr) && isLoopback(r.Host)
}

func isLoopback(hostport string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}
