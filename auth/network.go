package auth

import (
	"net/netip"
	"time"
)

// subnet is a network that an address belongs to, and how many times the share of a
// single client all of it may use. A customer of a provider commands a whole /56 or
// /48 of IPv6, and any number of addresses within. Wider ones, and those of IPv4 that are
// wider than an address, have many parties in them: what one of these uses up must lock
// no other out.
type subnet struct {
	prefix string
	share  int
	shared bool // by many parties
}

type width struct {
	bits, share int
	shared      bool
}

var (
	widths4 = []width{{32, 1, false}, {24, 3, true}, {16, 8, true}}
	widths6 = []width{{64, 1, false}, {56, 2, false}, {48, 3, false}, {32, 8, true}}
)

// subnets returns the networks that an address belongs to, the narrowest first. What
// is not an address is a network of its own.
func subnets(ip string) []subnet {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return []subnet{{prefix: ip, share: 1}}
	}
	widths := widths6
	if addr = addr.Unmap(); addr.Is4() {
		widths = widths4
	}
	all := make([]subnet, len(widths))
	for i, w := range widths {
		prefix, err := addr.WithZone("").Prefix(w.bits)
		if err != nil {
			return []subnet{{prefix: ip, share: 1}}
		}
		all[i] = subnet{prefix.String(), w.share, w.shared}
	}
	return all
}

// network is what one client commands: its address, or in IPv6 its /64.
func network(ip string) string { return subnets(ip)[0].prefix }

// siteOf is a network that one party is likely to command as a whole: a /24, or in IPv6
// a /48.
func siteOf(ip string) string {
	all := subnets(ip)
	return all[max(len(all)-2, 0)].prefix
}

// perSubnet is one rule for each network that a client has for itself.
func perSubnet(use, ip string, limit int, every time.Duration) []rule {
	var rules []rule
	for _, n := range subnets(ip) {
		if !n.shared {
			rules = append(rules, rule{key: use + " " + n.prefix, limit: limit * n.share, every: every})
		}
	}
	return rules
}

// perNeighbourhood is one rule for each network that a client shares with others. A large
// service has many users in one, so each may use up to an eighth of all in any case.
func perNeighbourhood(use, ip string, limit, all int, every time.Duration) []rule {
	var rules []rule
	for _, n := range subnets(ip) {
		if n.shared && limit >= 0 && all >= 0 {
			rules = append(rules, rule{key: use + " " + n.prefix, limit: n.share * max(limit, all/64), every: every})
		}
	}
	return rules
}
