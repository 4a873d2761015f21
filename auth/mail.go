package auth

import (
	"github.com/lumenize/lmz/auth/internal/mail"
)

// Kinds of mail.
const (
	// KindMagicLink is a sign-in link that a browser requested.
	KindMagicLink = "magic-link"
	// KindCLILink is a sign-in link that a terminal with a browser requested.
	KindCLILink = "cli-link"
	// KindDeviceLink is a sign-in link that a terminal without a browser requested.
	KindDeviceLink = "device-link"
	// KindNewSignIn reports a sign-in from a new place, with a link that ends it.
	KindNewSignIn = "new-sign-in"
	// KindAdminNotification notifies an admin that a user is waiting for approval.
	KindAdminNotification = "admin-notification"
	// KindApproval notifies a user that their account was approved.
	KindApproval = "approval-confirmation"
	// KindInviteNew is an invitation to a user whose address is not verified yet.
	KindInviteNew = "invite-new"
	// KindInviteExisting is an invitation to a user who can sign in already.
	KindInviteExisting = "invite-existing"
)

// Mail is one message to one person.
type Mail struct {
	// ID is random and stays the same when the mail is retried.
	ID string
	// Kind is the purpose of the mail, such as [KindMagicLink].
	Kind string
	// To is an address in lower case.
	To string
	// Subject is one line.
	Subject string
	// Text and HTML are the two forms of the body, UTF-8.
	Text, HTML string
	// Link is the URL that the mail asks to open. It is as sensitive as a password.
	Link string
}

// Letter is the content of a mail before formatting. Templates are executed with it: see
// [Options].Templates.
type Letter struct {
	// Kind is the purpose of the mail, such as [KindMagicLink]. To is its recipient.
	Kind, To string
	// App is [Options].AppName.
	App string
	// Link is the URL that the mail asks to open, ValidFor its lifetime, in words, such as "30
	// minutes", or empty.
	Link, ValidFor string
	// Where names the terminal that requests the sign-in or was signed in, such as "lmz on laptop";
	// Program and Computer are its parts. Agent is the User-Agent of the browser or program, IP its
	// address, When the time.
	Where, Program, Computer, Agent, IP, When string
	// About is the address that is waiting for approval.
	About string

	// Title, Lines, Button and Footer are the service's own wording, for templates that change only
	// the design.
	Title  string
	Lines  []string
	Button string
	Footer string
	// Good is true for a button that grants something.
	Good bool
}

var _ = Letter(mail.Letter{}) // must be identical to the templates' type
