package credential

// Reasons with which package auth refuses an account that signed in correctly. They are
// codes as much as text: PROTOCOL.md fixes them, because a closing handshake has no room for
// a code of its own, and clients decide by them what to tell the user.
const (
	ReasonNotApproved = "Account not yet approved"
	ReasonWithdrawn   = "Approval withdrawn"
)
