package auth

import "time"

// Claims say who the bearer of a verified token is.
type Claims struct {
	// Subject is the stable id of the person, a UUID.
	Subject string
	// Email is the address in lower case; empty in tokens of other issuers that
	// leave it out.
	Email string
	// EmailVerified, AdminApproved and IsAdmin are the subject's flags when the
	// token was signed, less what was taken away since.
	EmailVerified, AdminApproved, IsAdmin bool
	// Actors are the subjects who act on behalf of Subject, the nearest first: the
	// claim act of RFC 8693. Empty unless the token was delegated.
	Actors []string
	// Session is the id of the session that the token came from or, if it was
	// delegated by means of a token with a name, that token's; empty for tokens that
	// came from none.
	Session string
	// Expires is the moment from which the token is refused: that of its claim exp
	// and up to 30 seconds for clocks that differ.
	Expires time.Time
	// IssuedAt is when the token was signed; zero if it does not say.
	IssuedAt time.Time
	// All holds every claim of the token as encoding/json decodes it into any.
	All map[string]any
}
