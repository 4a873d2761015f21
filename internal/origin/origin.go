// Package origin reads origins and hosts and writes each in its canonical spelling, so that they
// can be compared as text: in lower case, with international names in ASCII (A-labels, such as
// xn--bcher-kva.example), without the dot of the root, addresses in their shortest form, and
// without the default port of the scheme.
package origin

import (
	"errors"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Origin is a scheme and a host in canonical spelling. The zero value is no origin.
type Origin struct {
	// Scheme is in lower case, such as "https".
	Scheme string
	// Host has a port unless it is the default of the scheme. An IPv6 address has brackets.
	Host string
}

var errNoOrigin = errors.New("not an origin such as https://example.com")

// Parse reads an origin: a scheme and a host, optionally with a port and one slash at the end, and
// no other part of a URL.
func Parse(raw string) (Origin, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		return Origin{}, errNoOrigin
	}
	return Of(u)
}

// Of returns the origin of a URL.
func Of(u *url.URL) (Origin, error) {
	host, err := Host(u.Scheme, u.Host)
	if u.Scheme == "" || err != nil {
		return Origin{}, errNoOrigin
	}
	return Origin{u.Scheme, host}, nil // url.Parse writes schemes in lower case
}

// String returns the origin as browsers send it.
func (o Origin) String() string { return o.Scheme + "://" + o.Host }

// Hostname is Host without port and brackets.
func (o Origin) Hostname() string { return (&url.URL{Host: o.Host}).Hostname() }

// Has reports whether the header Host of a request under the scheme of o names its host.
func (o Origin) Has(host string) bool {
	host, err := Host(o.Scheme, host)
	return err == nil && host == o.Host
}

// IsLoopback reports whether the host is this machine: see the function [IsLoopback].
func (o Origin) IsLoopback() bool { return IsLoopback(o.Host) }

// defaultPorts are the ports that URLs leave out.
var defaultPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443"}

var errNoHost = errors.New("not a host such as example.com or example.com:8443")

// Host returns HOST or HOST:PORT in canonical spelling, without the default port of the scheme.
func Host(scheme, hostport string) (string, error) {
	name, port := hostport, ""
	if colon := strings.LastIndexByte(hostport, ':'); colon > strings.LastIndexByte(hostport, ']') {
		name, port = hostport[:colon], hostport[colon+1:]
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return "", errNoHost
		}
		port = strconv.FormatUint(n, 10)
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		ip, err := netip.ParseAddr(inner)
		if !ok || err != nil || !ip.Is6() || ip.Zone() != "" {
			return "", errNoHost
		}
		name = "[" + ip.String() + "]"
	} else {
		var err error
		if name, err = Domain(name); err != nil {
			return "", errNoHost
		}
	}
	if port == "" || port == defaultPorts[scheme] {
		return name, nil
	}
	return name + ":" + port, nil
}

// names converts as browsers do (UTS 46, non-transitional). ASCII labels may contain any
// characters: names within a network have underscores.
var names = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckJoiners(true), idna.Transitional(false), idna.StrictDomainName(false))

// Domain returns a host name, or an IPv4 address, in canonical spelling.
func Domain(name string) (string, error) {
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		ascii, err := names.ToASCII(name)
		if err != nil {
			return "", errNoHost
		}
		name = ascii
	}
	if strings.HasPrefix(name, ".") || strings.Contains(name, "..") {
		return "", errNoHost
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "" || strings.ContainsFunc(name, foreign) {
		return "", errNoHost
	}
	return name, nil
}

// foreign reports characters that no host name has, and with which one could be taken for another.
func foreign(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"#%/:<>?@[\]^{|}`+"`", r)
}

// Matches reports whether o matches a pattern of [path.Match]: an origin, or a host with any
// scheme.
func (o Origin) Matches(pattern string) bool {
	scheme, host, found := strings.Cut(pattern, "://")
	if !found {
		scheme, host = "*", pattern
	}
	sameScheme, _ := path.Match(strings.ToLower(scheme), o.Scheme)
	spelled, err := Host(o.Scheme, host)
	if err == nil && strings.HasPrefix(spelled, "[") { // Match would read the brackets of an address as a class
		return sameScheme && spelled == o.Host
	}
	if err != nil { // it has wildcards in places that no host allows
		spelled = strings.ToLower(host)
	}
	sameHost, _ := path.Match(spelled, o.Host)
	return sameScheme && sameHost
}

// URL returns an absolute URL with its origin in canonical spelling and the rest unchanged.
func URL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	host, err := Host(u.Scheme, u.Host)
	if err != nil || host == u.Host {
		return raw
	}
	u.Host = host
	return u.String()
}

// Mailbox returns an address LOCAL@DOMAIN with the domain in canonical spelling. It returns false
// if the domain has none; in addresses a dot at the end is an error.
func Mailbox(address string) (string, bool) {
	at := strings.LastIndexByte(address, '@')
	domain, err := Domain(address[at+1:])
	return address[:at+1] + domain, at > 0 && err == nil && !strings.HasSuffix(address, ".")
}

// IsLoopback reports whether HOST or HOST:PORT is localhost or a loopback address.
func IsLoopback(hostport string) bool {
	host, err := Host("", hostport)
	if err != nil {
		return false
	}
	name := (&url.URL{Host: host}).Hostname()
	ip, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
