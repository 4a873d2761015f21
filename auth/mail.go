package auth

import (
	"github.com/lumenize/lmz/auth/internal/mail"
)

// Kinds of mail.
const (
	// KindMagicLink is a sign-in link that a browser asked for.
	KindMagicLink = "magic-link"
	// KindCLILink is a sign-in link that a terminal with a browser asked for.
	KindCLILink = "cli-link"
	// KindDeviceLink is a sign-in link that a terminal without a browser asked for.
	KindDeviceLink = "device-link"
	// KindNewSignIn tells of a sign-in from a new place, with a link that ends it.
	KindNewSignIn = "new-sign-in"
	// KindAdminNotification tells an admin that somebody is waiting for approval.
	KindAdminNotification = "admin-notification"
	// KindApproval tells somebody that their account was approved.
	KindApproval = "approval-confirmation"
	// KindInviteNew is an invitation to somebody whose address is not verified yet.
	KindInviteNew = "invite-new"
	// KindInviteExisting is an invitation to somebody who can sign in already.
	KindInviteExisting = "invite-existing"
)

// Mail is one message to one person.
type Mail struct {
	// ID is random and stays the same when the mail is tried again.
	ID string
	// Kind says what it is for, such as [KindMagicLink].
	Kind string
	// To is an address in lower case.
	To string
	// Subject is one line.
	Subject string
	// Text and HTML are the two forms of the body, UTF-8.
	Text, HTML string
	// Link is what the mail asks to open. It is as good as a password.
	Link string
}

// Letter is what a mail says, before it has a form. Templates are executed with it: see
// [Options].Templates.
type Letter struct {
	// Kind says what it is for, such as [KindMagicLink]. To is the address that it goes to.
	Kind, To string
	// App is [Options].AppName.
	App string
	// Link is what the mail asks to open, ValidFor how long it works, in words, such as
	// "30 minutes", or empty.
	Link, ValidFor string
	// Where names the terminal that asks or was signed in, such as "lmz on laptop"; Program and
	// Computer are its parts. Agent is the User-Agent of the browser or program, IP its address,
	// When the time.
	Where, Program, Computer, Agent, IP, When string
	// About is the address that is waiting for approval.
	About string

	// Title, Lines, Button and Footer are the service's own wording, for templates that change
	// the looks only.
	Title  string
	Lines  []string
	Button string
	Footer string
	// Good is true for a button that grants something.
	Good bool
}

var _ = Letter(mail.Letter{}) // the package of the templates has the same
