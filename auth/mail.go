package auth

import (
	"context"
	"errors"
	"fmt"
	"time"
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
	// KindAdminNotification tells an admin that somebody waits for approval.
	KindAdminNotification = "admin-notification"
	// KindApproval tells somebody that the account was approved.
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
	// Link is what the mail asks to be opened. It is as good as a password.
	Link string
}

// A Sender delivers mails.
type Sender interface {
	// Send delivers m or hands it to something that will. It is called from a
	// goroutine of the service, one mail at a time, and may take a minute; no
	// request waits for it. After an error the mail is tried again, later and
	// later, until its link has expired (a day, if the link is one that does not), unless the
	// error wraps [ErrUndeliverable]. After that, and after [ErrRefused], people who ask for
	// links learn that mails are refused. Both are in the audit log, as mail.refused.
	// The error is logged, so it must not hold the body of the mail.
	Send(ctx context.Context, m Mail) error
}

// ErrUndeliverable is wrapped by the error of a [Sender] that will never be able
// to deliver a mail, for example because there is no such mailbox. Who asks for another
// link to that address within a day is told so, unless one was delivered since.
var ErrUndeliverable = errors.New("the mail cannot be delivered")

// Letter is what a mail says, before it has a form. It is what templates are
// executed with (see [Options].Templates).
type Letter struct {
	// Kind says what it is for, such as [KindMagicLink]. To is whom it goes to.
	Kind, To string
	// App is [Options].AppName.
	App string
	// Link is what the mail asks to be opened, ValidFor for how long it works, in
	// words, such as "30 minutes", or empty.
	Link, ValidFor string
	// Where names the terminal that asks or was signed in, such as "lmz on
	// laptop"; Program and Computer are its parts. Agent is the User-Agent of the
	// browser or program, IP its address, When the time.
	Where, Program, Computer, Agent, IP, When string
	// About is the address of who waits for approval.
	About string

	// Title, Lines, Button and Footer are the words of the service itself, for
	// templates that change the looks only.
	Title  string
	Lines  []string
	Button string
	Footer string
	// Good is true for a button that grants something.
	Good bool

	subject string
	life    time.Duration // of the link; 0: it has no end
	rank    int           // in the queue
	token   string        // hash of the token of the link, if somebody asked for that
	event   int64         // id of the audit event that says so
}

// written returns l with its words.
func (l Letter) written() Letter {
	switch l.Kind {
	case KindMagicLink:
		l.subject, l.Title, l.Button = "Your login link", "Sign in to "+l.App, "Sign in"
		l.Lines = []string{"Here is the link you asked for. It works once, for " + l.ValidFor + "."}
		l.Footer = "You did not ask for it? Then ignore this mail: nobody gets in without it."
	case KindCLILink:
		l.subject, l.Title, l.Button = "Sign in your terminal", "A terminal asks to sign in to "+l.App, "Sign in the terminal"
		l.Lines = []string{
			fmt.Sprintf("At %s a terminal on %s (%s) at %s asked to be signed in as %s.", l.When, l.Computer, l.Program, l.IP, l.To),
			"Open the link on that same computer. It works once, for " + l.ValidFor + ".",
		}
		l.Footer = "That was not you? Then ignore this mail, and do not open the link for anyone who asks you to."
	case KindDeviceLink:
		l.subject, l.Title, l.Button = "Sign in your terminal", "A terminal asks to sign in to "+l.App, "Type the code"
		l.Lines = []string{
			fmt.Sprintf("At %s a terminal on %s (%s) at %s asked to be signed in as %s.", l.When, l.Computer, l.Program, l.IP, l.To),
			"Open the link and type the code that your terminal shows. It works once, for " + l.ValidFor + ".",
		}
		l.Footer = "That was not you? Then ignore this mail. Nobody who is honest tells you a code to type: it is on your own terminal or nowhere."
	case KindNewSignIn:
		l.subject, l.Title, l.Button = "New sign-in to "+l.App, "You were signed in at a new place", "That was not me: sign it out"
		l.Lines = []string{fmt.Sprintf("At %s somebody signed in as %s from %s (%s).", l.When, l.To, l.IP, first(l.Where, l.Agent, "an unknown program"))}
		l.Footer = "That was you? Then there is nothing to do."
	default:
		l = l.writtenByAdmin()
	}
	return l
}

// writtenByAdmin has the words for what admins do and are asked.
func (l Letter) writtenByAdmin() Letter {
	switch l.Kind {
	case KindAdminNotification:
		l.subject, l.Title, l.Button, l.Good = "New signup: "+l.About, "Somebody waits for your approval", "Look and approve", true
		l.Lines = []string{l.About + " has signed up for " + l.App + " and waits until an admin approves it."}
		l.Footer = "Nobody gets in before you approve. You need not answer."
	case KindApproval:
		l.subject, l.Title, l.Button = "Your account has been approved", "Welcome to "+l.App, "Go to "+l.App
		l.Lines = []string{"Your account has been approved: you can sign in now."}
		l.Footer = "You get this mail because somebody signed up with this address."
	case KindInviteNew:
		l.subject, l.Title, l.Button = "You've been invited", "You are invited to "+l.App, "Accept the invitation"
		l.Lines = []string{"Somebody invited you to " + l.App + ". The link works once, for " + l.ValidFor + "."}
		l.Footer = "You do not know what this is about? Then ignore this mail: nothing happens."
	case KindInviteExisting:
		l.subject, l.Title, l.Button = "You've been invited", "You are invited to "+l.App, "Go to "+l.App
		l.Lines = []string{"Somebody invited you to " + l.App + ". You have an account: come and look."}
		l.Footer = "You do not know what this is about? Then ignore this mail: nothing happens."
	}
	return l
}
