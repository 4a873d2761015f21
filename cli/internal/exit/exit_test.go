package exit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
)

func TestExitCodes(t *testing.T) {
	for code, err := range map[int]error{
		Failed:      errors.New("anything else"),
		NotExecuted: fmt.Errorf("call: %w", &lmz.Error{Code: lmz.CodeGateway}),
		Login:       fmt.Errorf("call: %w", client.ErrLoginRequired),
		Unknown:     fmt.Errorf("call: %w", &lmz.Error{Code: lmz.CodeUnknown}),
		Refused:     &lmz.Error{Name: "Error", Code: lmz.CodeGuard},
		Absent:      &lmz.Error{Name: "Error", Code: lmz.CodeAbsent},
	} {
		if got := CodeOf(err); got != code {
			t.Errorf("%v: exit code %d, want %d", err, got, code)
		}
	}
}

func TestReport(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, tt := range []struct {
		ctx  context.Context
		err  error
		code int
		want string
	}{
		{t.Context(), nil, 0, ""},
		{t.Context(), &Error{Code: Refused}, 5, ""},
		{t.Context(), errors.New("no"), 1, "lmz: no\n"},
		{t.Context(), Errorf(Absent, "lmz ls", "no %s", "x\ny\x1b"), 6, "lmz: no x y\\u001b\nTry: /bin/lmz ls\n"},
		{t.Context(), fmt.Errorf("whoami: %w", LoginRequired("https://a", "", "signed out")), 4, "lmz: signed out\nTry: /bin/lmz login magic-link you@example.com --server https://a\n"},
		{stopped, context.Canceled, 130, "lmz: interrupted\n"},
		{stopped, errors.New("not sent"), 130, "lmz: interrupted: not sent\n"},
		{stopped, Usagef("", "wrong flag"), 2, "lmz: wrong flag\n"},
	} {
		var out bytes.Buffer
		if code := Report(tt.ctx, &out, "/bin/lmz", tt.err); code != tt.code || out.String() != tt.want {
			t.Errorf("%v: %d, %q, want %d, %q", tt.err, code, &out, tt.code, tt.want)
		}
	}
}

func TestLoginErrors(t *testing.T) {
	err := error(LoginRequired("http://127.0.0.1:8787", "Ann@example.com", "signed out"))
	if e := (*Error)(nil); !errors.Is(err, client.ErrLoginRequired) || !errors.As(err, &e) || e.Code != Login || e.Try != "lmz login magic-link ann@example.com" {
		t.Errorf("got %v, %+v", err, e)
	}
	if errors.Is(Errorf(Login, "", "the keyring is locked"), client.ErrLoginRequired) {
		t.Error("any failure with that code is taken for a refusal")
	}
}
