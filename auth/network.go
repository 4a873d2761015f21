package auth

import (
	"net/netip"
	"time"
)

// subnet is a network that an address belongs to, and how many times the share of a
// single client all of it may use. A customer of a provider commands a whole /56 or
// /48 of IPv6, and any number of addresses within.
type subnet struct {
	prefix string
	share  int
}

var (
	widths4 = []struct{ bits, share int }{{32, 1}, {24, 3}, {16, 8}}
	widths6 = []struct{ bits, share int }{{64, 1}, {56, 2}, {48, 3}, {32, 8}}
)

// subnets returns the networks that an address belongs to, the narrowest first. What
// is not an address is a network of its own.
func subnets(ip string) []subnet {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return []subnet{{ip, 1}}
	}
	widths := widths6
	if addr = addr.Unmap(); addr.Is4() {
		widths = widths4
	}
	all := make([]subnet, len(widths))
	for i, w := range widths {
		prefix, err := addr.WithZone("").Prefix(w.bits)
		if err != nil {
			return []subnet{{ip, 1}}
		}
		all[i] = subnet{prefix.String(), w.share}
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

// perSubnet is one rule for each network of a client.
func perSubnet(use, ip string, limit int, every time.Duration) []rule {
	var rules []rule
	for _, n := range subnets(ip) {
		rules = append(rules, rule{key: use + " " + n.prefix, limit: limit * n.share, every: every})
	}
	return rules
}
