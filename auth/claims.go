package auth

import "time"

// Claims describe the owner of a verified token.
type Claims struct {
	// Subject is the stable id of the person, a UUID.
	Subject string
	// Email is the address in lower case; empty if a token of another issuer leaves it out.
	Email string
	// EmailVerified, AdminApproved and IsAdmin are the flags of the subject when the token was
	// signed, without those revoked since.
	EmailVerified, AdminApproved, IsAdmin bool
	// Actors are the subjects who act on behalf of Subject, nearest first: the claim act of RFC
	// 8693. Empty unless the token was delegated.
	Actors []string
	// Session is the id of the session that issued the token or, if it was delegated with a named
	// token, the id of that token. Otherwise empty.
	Session string
	// Expires is the moment from which the token is refused: its claim exp plus up to 30 seconds of
	// clock skew.
	Expires time.Time
	// IssuedAt is when the token was signed; zero if it does not say.
	IssuedAt time.Time
	// All holds every claim of the token as encoding/json decodes it into any.
	All map[string]any
}
