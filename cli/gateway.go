package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/datadir"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/cli/internal/server"
	"github.com/lumenize/lmz/cli/internal/signals"
	"github.com/lumenize/lmz/debug"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/origin"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/web"
)

// gatewayOptions are the settings of lmz gateway: flags, LMZ_ variables, or a file.
type gatewayOptions struct {
	config          string
	addr, data      string
	publicURL       string
	tlsCert, tlsKey string
	proxies         int
	appName         string
	bootstrapEmail  string
	oneClick        bool
	callLimit       time.Duration
	budget          flags.Budget

	mail             flags.Mail
	turnstileSecret  string // a file
	turnstileSiteKey string
}

func gatewayCommand(con *console.Console) *cobra.Command {
	var o gatewayOptions
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Run a gateway for other machines, with the editor example",
		Long: "gateway runs what 'lmz dev' runs, for users on other machines: it mails sign-in\n" +
			"links, new accounts wait for an admin's approval, and it is reachable at one\n" +
			"public URL, with its own TLS certificate or behind a proxy.\n\n" +
			"Every flag can also be set by an environment variable (--public-url is\n" +
			"LMZ_PUBLIC_URL) or by a member of the JSON object in the file given by --config.\n" +
			"A flag overrides a variable, which overrides the file. Secrets are read from\n" +
			"files or variables, never from flags: LMZ_SMTP_PASSWORD, LMZ_RESEND_KEY, and\n" +
			"LMZ_TURNSTILE_SECRET.\n\n" +
			"SIGHUP makes it reload the settings and the certificate. It applies what can\n" +
			"change while it runs, and logs which changes need a restart\n" +
			"('lmz help signals').\n\n" +
			"Sign-in events are logged to stderr as lines of JSON; 'lmz audit' prints them as\n" +
			"well. DEBUG selects what else is logged.",
		Example: "  lmz gateway --public-url https://mesh.example.com --tls-cert cert.pem --tls-key key.pem \\\n" +
			"      --mail-from 'Mesh <mesh@example.com>' --smtp smtp://mesh@mail.example.com:587 \\\n" +
			"      --smtp-password-file /run/secrets/smtp --bootstrap-email you@example.com\n" +
			"  lmz gateway --config gateway.json",
		Args: flags.NoWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runGateway(cmd.Context(), con, gatewaySettings(con, cmd))
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// flags adds the flags that set o to f. o is zero otherwise.
func (o *gatewayOptions) flags(f *pflag.FlagSet) {
	o.budget.Into = gateway.Budget{Connects: gateway.PublicConnectRate, Calls: gateway.PublicCallRate}
	f.StringVar(&o.config, "config", "", "`file` with settings, a JSON object")
	f.StringVar(&o.publicURL, "public-url", "", "public `URL` of the gateway, such as https://mesh.example.com")
	f.StringVar(&o.addr, "addr", "", "`address` to listen on (default :443 with --tls-cert, else 127.0.0.1:8787)")
	f.StringVar(&o.data, "data", "", "data `directory` (default lmz/gateway in $XDG_DATA_HOME or ~/.local/share)")
	f.StringVar(&o.tlsCert, "tls-cert", "", "`file` with the certificate, PEM; reloaded when it changes")
	f.StringVar(&o.tlsKey, "tls-key", "", "`file` with the private key of the certificate, PEM")
	f.IntVar(&o.proxies, "proxies", 0, "number of reverse proxies in front of the gateway, which add X-Forwarded-For or Forwarded")
	f.StringVar(&o.appName, "app-name", "", "name of the application in pages and mails")
	f.StringVar(&o.bootstrapEmail, "bootstrap-email", "", "email `address` that becomes an admin when it signs in")
	f.BoolVar(&o.oneClick, "one-click-links", false, "sign in as soon as a mailed link is opened, as the TypeScript system does; mail scanners then use up links")
	f.Var(&o.budget, "budget", flags.BudgetUsage)
	f.DurationVar(&o.callLimit, "call-limit", 5*time.Minute, "the longest that a client's call may take")
	f.StringVar(&o.turnstileSecret, "turnstile-secret-file", "", "`file` with the secret key of a Cloudflare Turnstile widget: only visitors who pass its check receive links")
	f.StringVar(&o.turnstileSiteKey, "turnstile-site-key", "", "site `key` of that widget, which the sign-in page shows")
	o.mail.Add(f)
}

// gatewaySettings returns a function that reads the current settings: those of the command
// line, else variables, else the file. The function also returns them as flags.
func gatewaySettings(con *console.Console, cmd *cobra.Command) func() (gatewayOptions, *pflag.FlagSet, error) {
	typed := make(map[string]string)
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			typed[f.Name] = f.Value.String()
		}
	})
	return func() (o gatewayOptions, set *pflag.FlagSet, err error) {
		set = pflag.NewFlagSet(cmd.Name(), pflag.ContinueOnError)
		o.flags(set)
		for name, value := range typed {
			err = errors.Join(err, set.Set(name, value))
		}
		return o, set, errors.Join(err, flags.ApplySettings(con.Getenv, cmd.CommandPath(), set, cmp.Or(o.config, con.Getenv("LMZ_CONFIG"))))
	}
}

func runGateway(ctx context.Context, con *console.Console, settings func() (gatewayOptions, *pflag.FlagSet, error)) error {
	o, set, err := settings()
	if err != nil {
		return err
	}
	con.RunForLong()
	hangups := signals.TakeHangups(ctx)
	r := &reloader{con: con, settings: settings, started: set, inUse: set, mails: new(reloadedSender)}
	p, err := gatewayPlan(con, o, r)
	if err != nil {
		return err
	}
	s, err := server.Open(p)
	if err != nil {
		return explainGateway(err, p.Addr)
	}
	fmt.Fprintf(con.Out, "lmz gateway serves %s, listening on %s, data in %s.\nCtrl-C stops it.\n", s.URL(), s.Addr(), p.Data)
	r.server, r.log = s, p.Log.With(debug.Namespace, "lmz.gateway")
	go r.reloadAt(ctx, hangups)
	if err = s.Serve(ctx); err == nil {
		fmt.Fprintln(con.Err, "lmz gateway has stopped.")
	}
	return err
}

// checkedSettings are validated settings.
type checkedSettings struct {
	public     *origin.Origin
	sender     auth.Sender
	changeable auth.Changeable
}

// check reads the files that the settings name, and returns everything missing or wrong.
func (o *gatewayOptions) check(getenv func(string) string) (c checkedSettings, missing []string) {
	public, err := o.public()
	if err != nil {
		missing = append(missing, err.Error())
	}
	if (o.tlsCert == "") != (o.tlsKey == "") {
		missing = append(missing, "--tls-cert and --tls-key must be set together")
	}
	if o.tlsCert == "" && public != nil && public.Scheme == "https" && o.proxies == 0 {
		missing = append(missing, "--tls-cert and --tls-key, or --proxies 1 if a proxy terminates TLS")
	}
	if o.proxies < 0 {
		missing = append(missing, fmt.Sprintf("--proxies %d must not be negative: it is the number of proxies in front of the gateway", o.proxies))
	}
	if o.callLimit <= 0 {
		missing = append(missing, fmt.Sprintf("--call-limit %v must be positive", o.callLimit))
	}
	sender, err := o.mail.Sender(getenv, public)
	if err != nil {
		missing = append(missing, err.Error())
	}
	if _, ok := auth.NormalEmail(o.bootstrapEmail); !ok && o.bootstrapEmail != "" {
		missing = append(missing, fmt.Sprintf("--bootstrap-email %q is not an email address", o.bootstrapEmail))
	}
	hasSecret := o.turnstileSecret != "" || getenv("LMZ_TURNSTILE_SECRET") != ""
	secret, err := flags.Secret(getenv("LMZ_TURNSTILE_SECRET"), o.turnstileSecret)
	switch {
	case err != nil:
		missing = append(missing, err.Error())
	case hasSecret && o.turnstileSiteKey == "":
		missing = append(missing, "--turnstile-site-key, which goes with the Turnstile secret: without it, nobody can request a link on the page")
	case !hasSecret && o.turnstileSiteKey != "":
		missing = append(missing, "--turnstile-secret-file or LMZ_TURNSTILE_SECRET, which goes with --turnstile-site-key: without it, nothing is checked")
	}
	return checkedSettings{public, sender, auth.Changeable{AppName: o.appName, BootstrapEmail: o.bootstrapEmail, TurnstileSecret: secret}}, missing
}

// gatewayPlan checks the settings and prints all problems at once. It gives r what can change
// later.
func gatewayPlan(con *console.Console, o gatewayOptions, r *reloader) (p server.Plan, err error) {
	checked, missing := o.check(con.Getenv)
	if len(missing) > 0 {
		for _, what := range missing {
			fmt.Fprintln(con.Err, "missing or wrong: "+output.Line(what))
		}
		return p, exit.Usagef("lmz gateway --help", "the gateway cannot start without these settings")
	}
	log := con.Log(gatewayLog)
	p.Getenv = con.Getenv
	if p.Data, err = datadir.Make(con.Getenv, o.data, "gateway"); err != nil {
		return p, err
	}
	if o.tlsCert != "" {
		if r.cert, err = server.NewCertificate(o.tlsCert, o.tlsKey, log); err != nil {
			return p, exit.Usagef("--tls-cert FILE --tls-key FILE", "cannot use the TLS certificate: %v", err)
		}
		p.TLS = r.cert.Config()
	}
	r.mails.now.Store(&checked.sender)
	public := checked.public
	p.Budget = o.budget.Into
	p.Addr, p.PublicURL, p.CallLimit, p.Log = o.listenOn(), public.String(), o.callLimit, log
	p.Auth = auth.Options{
		Sender: r.mails, AppName: o.appName, BootstrapEmail: o.bootstrapEmail, OneClick: o.oneClick, Proxies: o.proxies,
		HostCookie: public.Scheme == "https", TurnstileSecret: checked.changeable.TurnstileSecret,
	}
	p.Page = web.Options{TurnstileSiteKey: o.turnstileSiteKey}
	p.Answers = public.Has
	p.Refusal = "this gateway only answers to " + public.Host
	return p, nil
}

// public returns the public URL in its canonical form.
func (o *gatewayOptions) public() (*origin.Origin, error) {
	if o.publicURL == "" {
		return nil, errors.New("--public-url, the URL at which users reach the gateway")
	}
	public, err := origin.Parse(o.publicURL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("--public-url %q is not an origin such as https://mesh.example.com", o.publicURL)
	case public.Scheme == "http" && !public.IsLoopback():
		return nil, fmt.Errorf("--public-url %s is http, which would send tokens over the network unencrypted; use https", o.publicURL)
	case public.Scheme != "http" && public.Scheme != "https":
		return nil, fmt.Errorf("--public-url %s is neither https nor http", o.publicURL)
	}
	return &public, nil
}

func (o *gatewayOptions) listenOn() string {
	switch {
	case o.addr != "":
		return o.addr
	case o.tlsCert != "":
		return ":443"
	}
	return hint.DefaultAddr
}

// gatewayLog is the default log filter of a gateway. It includes the audit log.
const gatewayLog = "*:warn,lmz.auth:info"

// explainGateway adds what operators can do about an error.
func explainGateway(err error, addr string) error {
	var listen *net.OpError
	switch {
	case errors.Is(err, object.ErrInUse):
		return exit.Errorf(exit.Failed, "lmz gateway --data OTHER", "%v", err)
	case errors.As(err, &listen) && listen.Op == "listen":
		return exit.Errorf(exit.Failed, "lmz gateway --addr ADDRESS", "cannot listen on %s: %v", addr, listen.Err)
	}
	return err
}
