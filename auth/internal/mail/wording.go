package mail

import (
	"cmp"
	"fmt"
)

// worded returns l with the service's own wording, and the subject of the mail.
func (l Letter) worded() (Letter, string) {
	var subject string
	switch l.Kind {
	case MagicLink:
		subject, l.Title, l.Button = "Your login link", "Sign in to "+l.App, "Sign in"
		l.Lines = []string{"Here is the link that you requested. It works once and expires in " + l.ValidFor + "."}
		l.Footer = "If you did not request it, you can ignore this mail: nobody can sign in without the link."
	case CLILink:
		subject, l.Title, l.Button = "Sign in on your terminal", "A terminal wants to sign in to "+l.App, "Sign in on the terminal"
		l.Lines = []string{
			l.request(),
			"Open the link on that same computer. It works once and expires in " + l.ValidFor + ".",
		}
		l.Footer = "If that was not you, ignore this mail, and do not open the link for anyone who asks you to."
	case DeviceLink:
		subject, l.Title, l.Button = "Sign in on your terminal", "A terminal wants to sign in to "+l.App, "Enter the code"
		l.Lines = []string{
			l.request(),
			"Open the link and enter the code that your terminal shows. The link works once and expires in " + l.ValidFor + ".",
		}
		l.Footer = "If that was not you, ignore this mail. Nobody honest will tell you a code to enter: it is on your own terminal or nowhere."
	case NewSignIn:
		subject, l.Title, l.Button = "New sign-in to "+l.App, "Your account was used in a new place", "That was not me: sign it out"
		l.Lines = []string{fmt.Sprintf("At %s somebody signed in as %s from %s (%s).", l.When, l.To, l.IP, cmp.Or(l.Where, l.Agent, "an unknown program"))}
		l.Footer = "If that was you, there is nothing to do."
	case AdminNotification:
		subject, l.Title, l.Button, l.Good = "New signup: "+l.About, "Somebody is waiting for your approval", "Review and approve", true
		l.Lines = []string{l.About + " has signed up for " + l.App + " and is waiting for an admin's approval."}
		l.Footer = "Nobody gets in without approval. You do not need to reply."
	case Approval:
		subject, l.Title, l.Button = "Your account has been approved", "Welcome to "+l.App, "Go to "+l.App
		l.Lines = []string{"Your account has been approved. You can sign in now."}
		l.Footer = "You received this mail because somebody signed up with this address."
	case InviteNew:
		subject, l.Title, l.Button = "You've been invited", "You have been invited to "+l.App, "Accept the invitation"
		l.Lines = []string{"Somebody invited you to " + l.App + ". The link works once and expires in " + l.ValidFor + "."}
		l.Footer = unexpected
	case InviteExisting:
		subject, l.Title, l.Button = "You've been invited", "You have been invited to "+l.App, "Go to "+l.App
		l.Lines = []string{"Somebody invited you to " + l.App + ", where you already have an account."}
		l.Footer = unexpected
	}
	return l, subject
}

const unexpected = "If you were not expecting this, you can ignore this mail: nothing will happen."

// request describes the terminal that requests the sign-in.
func (l Letter) request() string {
	return fmt.Sprintf("At %s a terminal on %s (%s) at %s asked to sign in as %s.", l.When, l.Computer, l.Program, l.IP, l.To)
}
