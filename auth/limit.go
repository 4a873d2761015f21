package auth

import (
	"cmp"
	"time"
)

// Limits bound how often things may be requested. Zero means the default, a negative number no
// limit. A client over a limit gets status 429 with Retry-After, the same for known and unknown
// addresses.
type Limits struct {
	// MailsPerAddress bounds the links that one client requests for one address in 15 minutes,
	// default 3, and MailsPerAddressDaily those in a day, default 10, which are returned one by
	// one, every 2.4 hours. Here a client is a /24 or, in IPv6, a /48. All clients together get
	// three times that. Beyond it nothing is mailed, though the answers stay the same, except to
	// clients in a network where the owner of the address has a session. A browser that has
	// signed in to the address before has the same numbers to itself, and all such browsers
	// together three times that: requests by strangers do not count, nor does MailsPerHour if the
	// account is approved.
	MailsPerAddress, MailsPerAddressDaily int
	// MailsPerIP bounds the links that one client requests in 15 minutes, default 20. In IPv6 a
	// client is a /64; its /56 gets twice as many, and its /48 three times. Networks of many
	// clients, a /24 (three times as many), and a /16 or in IPv6 a /32 (eight times, or an eighth
	// of MailsPerHour), are limited too: beyond that only approved accounts are mailed there,
	// though the answers stay the same.
	MailsPerIP int
	// MailsPerHour bounds all mailed links, default 1000. Half of them are reserved for approved
	// accounts. When the other half is used up, strangers get no mail, though the answers stay the
	// same.
	MailsPerHour int
	// FailuresPerIP bounds the wrong links, codes and tokens that one client tries in 15 minutes,
	// default 100, and how many of its forbidden requests are recorded in the audit log. A client
	// is the same as for MailsPerIP.
	FailuresPerIP int
	// RequestsPerMinute bounds the requests of one subject that [Service.Middleware] admits.
	// Default: no limit.
	RequestsPerMinute int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		MailsPerAddress:      cmp.Or(l.MailsPerAddress, 3),
		MailsPerAddressDaily: cmp.Or(l.MailsPerAddressDaily, 10),
		MailsPerIP:           cmp.Or(l.MailsPerIP, 20),
		MailsPerHour:         cmp.Or(l.MailsPerHour, 1000),
		FailuresPerIP:        cmp.Or(l.FailuresPerIP, 100),
		RequestsPerMinute:    cmp.Or(l.RequestsPerMinute, -1),
	}
}

const (
	shortWindow = 15 * time.Minute
	day         = 24 * time.Hour
)
