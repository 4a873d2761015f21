// Package mail has the contents of sign-in mails. A handler writes a [Letter], which has only
// facts; [Templates] turn it into a [Message] with the wording of wording.go, or that of the
// operator's own template files.
package mail

import "errors"

// Kinds of mail. The names of template files begin with them.
const (
	MagicLink         = "magic-link"
	CLILink           = "cli-link"
	DeviceLink        = "device-link"
	NewSignIn         = "new-sign-in"
	AdminNotification = "admin-notification"
	Approval          = "approval-confirmation"
	InviteNew         = "invite-new"
	InviteExisting    = "invite-existing"
)

var kinds = []string{MagicLink, CLILink, DeviceLink, NewSignIn, AdminNotification, Approval, InviteNew, InviteExisting}

var (
	// ErrUndeliverable is wrapped by the error of a sender that will never be able to deliver a
	// mail.
	ErrUndeliverable = errors.New("the mail cannot be delivered")
	// ErrRefused is wrapped by the error of a sender whose server accepts no mail at all from us.
	ErrRefused = errors.New("the mail server accepts no mail from this service")
)

// Message is a mail to one person, as passed to a sender.
type Message struct {
	ID         string // random; the same for every attempt
	Kind       string
	To         string // in lower case
	Subject    string // one line
	Text, HTML string // the two forms of the body
	Link       string // the URL that the mail asks to open
}

// Letter is the content of a mail before formatting: templates are executed with it.
type Letter struct {
	// Kind is the kind of mail, To the address that it goes to.
	Kind, To string
	// App is the name of the application.
	App string
	// Link is the URL that the mail asks to open, ValidFor its lifetime, in words, or empty.
	Link, ValidFor string
	// Where names the terminal that requests the sign-in or was signed in, such as "lmz on laptop";
	// Program and Computer are its parts. Agent is the User-Agent, IP the address, When the time.
	Where, Program, Computer, Agent, IP, When string
	// About is the address that waits for approval.
	About string

	// Title, Lines, Button and Footer are the wording of the service.
	Title  string
	Lines  []string
	Button string
	Footer string
	// Good is true for a button that grants something.
	Good bool
}
