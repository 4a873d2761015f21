package cli

import (
	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/hint"
)

const exitCodesText = `Exit codes

    0  ok
    1  the callee failed, or the command could not do its work
    2  usage: the command line makes no sense
    3  not executed: the gateway was not reached, the call was refused before it ran,
       or its deadline passed before it was sent
    4  login required
    5  refused by a guard or hook
    6  no such binding, instance or method
    7  outcome unknown: the call was sent, then the link or the deadline was lost, or
       another client took this one's address; it may have run
   70  a bug in lmz
  130  interrupted

After 3, 5 and 6 the method did not run. 'lmz can' exits with 0 if a call would be
allowed and with 5 if not. When 'lmz call' makes several calls, the
code is that of the first that failed; those before it ran, those after it did not.

'lmz dev' and 'lmz gateway' exit with 0 when they are stopped by Ctrl-C or SIGTERM. A
second Ctrl-C ends any command at once, with 130; 'lmz help signals' has the rest.`

const jsonText = `What --json prints

Every command that reads has --json: it prints JSON on stdout, each value on a line of
its own, for jq and the like. What is a list for people is one object a line, and
nothing if the list is empty; anything else is one object. 'lmz call' prints the result
of each call, and nothing for one that is undefined.

What goes wrong is on stderr, as without --json, and told by the exit code.`

const environmentText = `Environment variables. A flag of the same name wins. A byte order mark and a line end
of a value are no part of it; files are UTF-8, and UTF-16 is refused.

  LMZ_SERVER        the server, as --server; default ` + hint.DefaultServer + `
  LMZ_EMAIL         the account to use, as --email, if several are signed in
  LMZ_ACCESS_TOKEN  an access token that is used as it is, in place of what
                    'lmz login' keeps; never stored or renewed
  LMZ_CONFIG_DIR    where sign-ins are kept, as --config-dir; default
                    $XDG_CONFIG_HOME/lmz, else the system's place for settings
  LMZ_NO_KEYRING    if not empty, keep sign-ins in a file and leave the system's
                    keyring alone, as --no-keyring
  LMZ_NO_BROWSER    if not empty, open no browser, as --no-browser
  DEBUG             which parts tell what they do, on stderr, in lines of JSON:
                    'lmz.client', 'lmz.gateway.*:info', '*,-lmz.object' and so on;
                    the level is debug, info, warn or error. Servers tell warnings
                    anyway. Secrets are never told
  NO_COLOR          if not empty, 'lmz edit' uses no colours
  XDG_STATE_HOME    what 'lmz edit' has not sent yet is kept in lmz in it; default
                    ~/.local/state

'lmz gateway' also knows a variable for each of its flags, as in
  LMZ_PUBLIC_URL    --public-url; LMZ_CONFIG names the file of settings
  LMZ_SMTP_PASSWORD, LMZ_RESEND_KEY, LMZ_TURNSTILE_SECRET
                    secrets, in place of files with them

'lmz dev' and 'lmz gateway' also know
  XDG_DATA_HOME     the data directory is lmz/dev or lmz/gateway in it; --data
                    chooses another
  JWT_PRIVATE_KEY_BLUE, JWT_PUBLIC_KEY_BLUE, JWT_PRIVATE_KEY_GREEN,
  JWT_PUBLIC_KEY_GREEN, PRIMARY_JWT_KEY
                    keys to sign and verify with, in place of those that it makes
  LUMENIZE_AUTH_ISSUER, LUMENIZE_AUTH_AUDIENCE
                    the iss and aud of tokens`

const signalsText = `What signals do

  SIGINT, SIGTERM  the command stops: a server says goodbye to its clients, commits and
                   closes its files, and exits with 0; others exit with 130. A second
                   one ends the process at once, with 130
  SIGHUP           'lmz gateway' reads the file of --config again and all files that its
                   settings name. In use at once are tls-cert and tls-key (if it does TLS
                   already), app-name, bootstrap-email, mail-from, smtp, smtp-helo,
                   smtp-password-file, resend-key-file, turnstile-secret-file and
                   turnstile-site-key. Of the others it logs which have changed, for the
                   next start. If anything cannot be used, it logs why, and what was read
                   before remains in use. Every other command, 'lmz dev' too, stops as at
                   SIGTERM. Where SIGHUP was ignored from the start, as under nohup, it
                   does nothing
  SIGPIPE          servers go on when the reader of their stdout or stderr has gone,
                   count the lines that were lost, and log that as soon as they can;
                   other commands end
  SIGQUIT          the process ends at once and prints what its goroutines do
  SIGKILL          the process ends at once; what was acknowledged is on disk`

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesText}
}

func jsonTopic() *cobra.Command {
	return &cobra.Command{Use: "json", Short: "What --json prints", Long: jsonText}
}

func environmentTopic() *cobra.Command {
	return &cobra.Command{Use: "environment", Short: "Environment variables", Long: environmentText}
}

func signalsTopic() *cobra.Command {
	return &cobra.Command{Use: "signals", Short: "What signals do", Long: signalsText}
}

// runHelp explains the command or topic that words name.
func runHelp(cmd *cobra.Command, words []string) error {
	about, unknown, err := cmd.Root().Find(words)
	if err != nil {
		unknown = words
	}
	if len(unknown) > 0 {
		return exit.Usagef("lmz help", "there is no help about %q", unknown[0])
	}
	about.InitDefaultHelpFlag() // which is listed then
	return about.Help()
}
