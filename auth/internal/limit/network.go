package limit

import (
	"net/netip"
	"time"
)

// subnet is a network that contains an address. All of it may use share times the limit of a
// single client: a customer of a provider commands a whole /56 or /48 of IPv6 and any number of
// addresses in it. Many parties share the wider networks, and those of IPv4 that are wider than
// one address, so a party that exhausts its share there must not lock out the others.
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

// subnets returns the networks that contain an address, narrowest first. Text that is not an
// address counts as a network with one address.
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

// Network returns the network that one client commands: its IPv4 address, or its /64 of IPv6.
func Network(ip string) string { return subnets(ip)[0].prefix }

// Site returns the network that one party is likely to command: a /24 of IPv4 or a /48 of IPv6.
func Site(ip string) string {
	all := subnets(ip)
	return all[max(len(all)-2, 0)].prefix
}

// PerClient returns one rule for each network that contains an address and that a single client
// commands. A key is use followed by the network.
func PerClient(use, ip string, limit int, every time.Duration) []Rule {
	var rules []Rule
	for _, n := range subnets(ip) {
		if !n.shared {
			rules = append(rules, Rule{Key: use + " " + n.prefix, Max: limit * n.share, Every: every})
		}
	}
	return rules
}

// PerNeighbourhood returns one rule for each network that a client shares with others. A large
// service has many users in one network, so each network may use up to an eighth of all.
func PerNeighbourhood(use, ip string, limit, all int, every time.Duration) []Rule {
	var rules []Rule
	for _, n := range subnets(ip) {
		if n.shared && limit >= 0 && all >= 0 {
			rules = append(rules, Rule{Key: use + " " + n.prefix, Max: n.share * max(limit, all/64), Every: every})
		}
	}
	return rules
}
