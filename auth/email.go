package auth

import (
	"regexp"
	"strings"
)

// emailSyntax is narrower than RFC 5322: no quotes, comments or brackets, by
// which one mailbox gets many names or a mail carries markup, and a domain with
// at least one dot.
var emailSyntax = regexp.MustCompile("^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@" +
	"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")

// NormalEmail returns the form in which the service compares and stores a mail
// address, in lower case and without spaces around it, and whether it is one that
// the service takes.
func NormalEmail(raw string) (email string, ok bool) {
	email = strings.ToLower(strings.TrimSpace(raw))
	return email, len(email) <= 254 && emailSyntax.MatchString(email)
}
