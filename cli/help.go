package cli

import (
	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/hint"
)

const exitCodesText = `Exit codes

    0  success
    1  the callee failed, or the command could not do its work
    2  usage: the command line is wrong
    3  not executed: the gateway could not be reached, the call was refused before it
       ran, or its deadline passed before it was sent
    4  login required
    5  refused by a guard or hook
    6  no such binding, instance, or method
    7  outcome unknown: the call was sent, but then the connection was lost, the deadline
       passed, or another client took over this address; it may have run
   70  bug in lmz
  130  interrupted

After 3, 5, and 6, the method did not run. 'lmz can' exits with 0 if a call would be
allowed, and with 5 if not. When 'lmz call' makes several calls, the exit code is that
of the first failure; calls before it ran, and calls after it did not.

'lmz dev' and 'lmz gateway' exit with 0 when stopped by Ctrl-C or SIGTERM. A second
Ctrl-C ends any command at once, with 130; see 'lmz help signals'.`

const jsonText = `JSON output

Every command that reads has --json: it prints JSON on stdout, one value per line, for
jq and similar tools. A list is printed as one object per line, and nothing if it is
empty; everything else is one object. 'lmz call' prints the result of each call, and
nothing for a result that is undefined.

Errors go to stderr, as without --json, and are reflected in the exit code.`

const environmentText = `Environment variables

A flag of the same name overrides a variable. A byte order mark and a line ending in a
value are ignored. Files are UTF-8; UTF-16 is rejected.

  LMZ_SERVER        the server, as --server; default ` + hint.DefaultServer + `
  LMZ_EMAIL         the account to use if several are signed in, as --email
  LMZ_ACCESS_TOKEN  an access token to use instead of the sign-in; it is never stored
                    or renewed
  LMZ_CONFIG_DIR    where sign-ins are stored, as --config-dir; default
                    $XDG_CONFIG_HOME/lmz, or else the system's configuration directory
  LMZ_NO_KEYRING    if not empty, store sign-ins in a file, not in the system's
                    keyring, as --no-keyring
  LMZ_NO_BROWSER    if not empty, open no browser, as --no-browser
  DEBUG             which parts log to stderr, in lines of JSON: 'lmz.client',
                    'lmz.gateway.*:info', '*,-lmz.object', and so on; levels are
                    debug, info, warn, and error. Servers always log warnings.
                    Secrets are never logged
  NO_COLOR          if not empty, 'lmz edit' uses no colors
  XDG_STATE_HOME    'lmz edit' stores unsent changes in lmz below it; default
                    ~/.local/state

'lmz gateway' also reads a variable for each of its flags, such as
  LMZ_PUBLIC_URL    --public-url
  LMZ_CONFIG        the file of settings, as --config
  LMZ_SMTP_PASSWORD, LMZ_RESEND_KEY, LMZ_TURNSTILE_SECRET
                    secrets, instead of files that contain them

'lmz dev' and 'lmz gateway' also read
  XDG_DATA_HOME     the data directory is lmz/dev or lmz/gateway below it, unless
                    --data says otherwise; default ~/.local/share
  JWT_PRIVATE_KEY_BLUE, JWT_PUBLIC_KEY_BLUE, JWT_PRIVATE_KEY_GREEN,
  JWT_PUBLIC_KEY_GREEN, PRIMARY_JWT_KEY
                    keys to sign and verify with, instead of generated ones
  LUMENIZE_AUTH_ISSUER, LUMENIZE_AUTH_AUDIENCE
                    the iss and aud of tokens`

const signalsText = `Signals

  SIGINT, SIGTERM  the command stops: a server says goodbye to its clients, commits,
                   closes its files, and exits with 0; other commands exit with 130. A
                   second signal ends the process at once, with 130
  SIGHUP           'lmz gateway' reloads the file of --config and all files that its
                   settings name. These settings take effect at once: tls-cert and
                   tls-key (if it already serves TLS), app-name, bootstrap-email,
                   mail-from, smtp, smtp-helo, smtp-password-file, resend-key-file,
                   turnstile-secret-file, and turnstile-site-key. Other changes are
                   logged and take effect at the next start. If anything is invalid,
                   the reason is logged and the previous settings remain in use. Every
                   other command, including 'lmz dev', stops as at SIGTERM. Where
                   SIGHUP was ignored from the start, as under nohup, it does nothing
  SIGPIPE          servers continue when the reader of their stdout or stderr is gone,
                   count the lines lost, and log the count as soon as they can; other
                   commands end
  SIGQUIT          the process ends at once and prints its goroutines
  SIGKILL          the process ends at once; everything acknowledged is on disk`

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "Exit codes", Long: exitCodesText}
}

func jsonTopic() *cobra.Command {
	return &cobra.Command{Use: "json", Short: "Output of --json", Long: jsonText}
}

func environmentTopic() *cobra.Command {
	return &cobra.Command{Use: "environment", Short: "Environment variables", Long: environmentText}
}

func signalsTopic() *cobra.Command {
	return &cobra.Command{Use: "signals", Short: "Signals", Long: signalsText}
}

// runHelp prints the help of a command or topic.
func runHelp(cmd *cobra.Command, words []string) error {
	about, unknown, err := cmd.Root().Find(words)
	if err != nil {
		unknown = words
	}
	if len(unknown) > 0 {
		return exit.Usagef("lmz help", "no help for %q", unknown[0])
	}
	about.InitDefaultHelpFlag() // to list it
	return about.Help()
}
