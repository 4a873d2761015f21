package tui

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
)

// Run edits documents until the user quits. Quitting is not an error, even with unsaved
// edits: the user was asked, and the next opening sends them. When ctx ends, Run spends up
// to 3 s on sending the remaining edits and returns the cause of the end.
//
// If the gateway refuses the user, Run returns a [*client.LoginRequiredError], immediately
// or when the user quits. If a newer client has taken the address, it returns
// [client.ErrSuperseded] in the same way. Without a connection it keeps trying.
func Run(ctx context.Context, o Options) error {
	setDefaults(&o)
	m := newModel(o)
	if o.File != "" {
		m.file = &sharedFile{path: o.File}
		if err := m.file.readFile(); err != nil {
			return err
		}
	}
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	m.ctx = calls
	var err error
	if m.peer, err = client.New(m.clientOptions(o.Client)); err != nil {
		return err
	}
	defer m.peer.Wait()
	defer m.peer.Close()
	defer context.AfterFunc(ctx, func() { m.pump.push(stopMsg{}) })()

	program := tea.NewProgram(m, tea.WithContext(calls), tea.WithInput(withComposed(o.Input)), tea.WithOutput(o.Output),
		tea.WithEnvironment(environment(o.Getenv)), tea.WithoutSignalHandler())
	if _, err = program.Run(); err != nil {
		return err
	}
	if m.err != nil {
		return m.err
	}
	return context.Cause(ctx)
}

func setDefaults(o *Options) {
	if o.Input == nil {
		o.Input = os.Stdin
	}
	if o.Output == nil {
		o.Output = os.Stdout
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
}

func newModel(o Options) *model {
	m := &model{
		options: o, document: o.Document, desk: editor.NewDesk(),
		pump: newPump(), log: &eventLog{w: o.Log}, now: time.Now,
		width: 80, height: 24,
		styles: newStyles(o.Getenv("NO_COLOR") == ""), area: newTextArea(),
	}
	m.offline = m.now()
	return m
}

// clientOptions adds the callbacks of the model to o.
func (m *model) clientOptions(o client.Options) client.Options {
	user := o
	o.Handler = m.desk
	o.OnStateChange = func(s client.State) {
		m.log.printf("state %v", s)
		m.pump.push(stateMsg(s))
		if user.OnStateChange != nil {
			user.OnStateChange(s)
		}
	}
	var sessions atomic.Int64
	o.OnSubscriptionRequired = func(ctx context.Context) {
		m.log.printf("subscription required %d", sessions.Add(1))
		m.desk.SubscriptionRequired(ctx)
		if user.OnSubscriptionRequired != nil {
			user.OnSubscriptionRequired(ctx)
		}
	}
	o.OnMissed = m.desk.Missed
	o.OnLoginRequired = func(err *client.LoginRequiredError) {
		m.log.printf("%v", err)
		m.pump.push(loginMsg{err})
		if user.OnLoginRequired != nil {
			user.OnLoginRequired(err)
		}
	}
	o.OnConnectionError = func(err error) {
		m.log.printf("connection error: %s", describe(err))
		m.pump.push(failureMsg{err})
		if user.OnConnectionError != nil {
			user.OnConnectionError(err)
		}
	}
	return o
}

// environment returns the variables that tell programs what a terminal can do.
func environment(getenv func(string) string) []string {
	var env []string
	for _, name := range []string{
		"TERM", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "TMUX", "SSH_TTY", "WT_SESSION",
		"CLICOLOR", "CLICOLOR_FORCE", "NO_COLOR", "TERMINFO", "ConEmuANSI", "GOOGLE_CLOUD_SHELL",
	} {
		value := getenv(name)
		if name == "NO_COLOR" && value != "" {
			value = "1" // any value counts (no-color.org), not only what looks like true
		}
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}
