package proto

// Close codes (PROTOCOL.md, "Close codes"). RFC 6455 defines 1000 to 1015, the original
// Lumenize and lmz the others.
const (
	CloseNormal       = 1000 // the client is finished: its session ends at once
	CloseGoingAway    = 1001
	CloseProtocol     = 1002 // an unreadable frame; the reason names the error
	CloseTooBig       = 1009
	CloseNoToken      = 4400 // login required
	CloseTokenExpired = 4401 // the token has expired or was revoked: reconnect with a new one
	CloseRefused      = 4403 // login required
	CloseTimeout      = 4408 // no sign of life within the timeout
	CloseSuperseded   = 4409 // a newer session has this address: do not reconnect
	CloseBroken       = 4410 // the connection failed at this end
	CloseOverflow     = 4413 // the client's queue overflowed: its session has ended
)

// ReasonExpired is the reason of [CloseTokenExpired] for a token that has expired. Any other
// reason tells people what was revoked.
const ReasonExpired = "Token expired"
