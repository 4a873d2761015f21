package auth

import (
	"regexp"
	"strings"

	"github.com/lumenize/lmz/internal/origin"
)

// emailSyntax is narrower than RFC 5322: it excludes quotes, comments and brackets, which give
// one mailbox many names or carry markup, and requires at least one dot in the domain.
var emailSyntax = regexp.MustCompile("^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@" +
	"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")

// NormalEmail returns the form in which the service compares and stores a mail address, in lower
// case, without surrounding spaces and with an international domain in ASCII
// (info@xn--mller-kva.example), and whether the service accepts it. The part before the @ must be
// ASCII: not every mail server accepts others.
func NormalEmail(raw string) (email string, ok bool) {
	email = strings.ToLower(strings.TrimSpace(raw))
	if spelled, ok := origin.Mailbox(email); ok {
		email = spelled
	}
	return email, len(email) <= 254 && emailSyntax.MatchString(email)
}
