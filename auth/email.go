package auth

import (
	"regexp"
	"strings"

	"github.com/lumenize/lmz/internal/origin"
)

// emailSyntax is narrower than RFC 5322: no quotes, comments or brackets, by
// which one mailbox gets many names or a mail carries markup, and a domain with
// at least one dot.
var emailSyntax = regexp.MustCompile("^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@" +
	"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")

// NormalEmail returns the form in which the service compares and stores a mail
// address, in lower case, without spaces around it and with an international domain as
// ASCII (info@xn--mller-kva.example), and whether it is one that the service takes. What
// is before the @ must be ASCII: not every mail server takes other names.
func NormalEmail(raw string) (email string, ok bool) {
	email = strings.ToLower(strings.TrimSpace(raw))
	if spelled, ok := origin.Mailbox(email); ok {
		email = spelled
	}
	return email, len(email) <= 254 && emailSyntax.MatchString(email)
}
