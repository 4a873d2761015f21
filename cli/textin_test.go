package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/callargs"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/credentials"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// asWindows returns a text as editors and shells on Windows write it, and as UTF-16.
func asWindows(text string) (marked, utf16 string) {
	text = strings.ReplaceAll(text, "\n", "\r\n")
	utf16 = "\xff\xfe"
	for _, b := range []byte(text) {
		utf16 += string([]byte{b, 0})
	}
	return "\ufeff" + text, utf16
}

func noVariables(string) string { return "" }

// reading returns a console with a text on stdin.
func reading(text string) *console.Console {
	return console.New(console.Streams{In: strings.NewReader(text), Out: io.Discard, Err: io.Discard, Getenv: noVariables})
}

// argument reads an argument of lmz call.
func argument(word, stdin string) (string, error) {
	_, calls, err := callargs.Parse([]string{"B", "I", "m", word}, nil, &callargs.Inputs{Stdin: strings.NewReader(stdin)})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(calls[0].Args...), nil
}

// All text from outside may have been written on Windows.
func TestTextFromWindows(t *testing.T) {
	dir := t.TempDir()
	for what, test := range map[string]struct {
		text string
		read func(path, content string) (string, error)
		want string
	}{
		"settings": {"{\"public-url\": \"https://mesh.example\"}\n", func(path, _ string) (string, error) {
			set := pflag.NewFlagSet("gateway", pflag.ContinueOnError)
			public := set.String("public-url", "", "")
			err := flags.ApplySettings(noVariables, "lmz gateway", set, path)
			return *public, err
		}, "https://mesh.example"},
		"a secret": {"secret\n", func(path, _ string) (string, error) { return flags.Secret("", path) }, "secret"},
		"a token": {"a.b.c\n", func(_, content string) (string, error) {
			o := account.Flags(reading(content), new(cobra.Command))
			o.TokenStdin = true
			token, _, err := o.GivenToken()
			return token, err
		}, "a.b.c"},
		"an argument": {"{\"a\": 1}\n", func(path, _ string) (string, error) { return argument("@"+path, "") }, "map[a:1]"},
		"stdin":       {"1\n", func(_, content string) (string, error) { return argument("-", content) }, "1"},
		"kept sign-in": {"{}\n", func(path, _ string) (string, error) {
			_, unlock, err := credentials.Open(t.Context(), filepath.Dir(path), false)
			if err == nil {
				unlock()
			}
			return "", err
		}, ""},
		"an answer": {"yes\n", func(_, content string) (string, error) { return reading(content).ReadLine(t.Context()) }, "yes"},
	} {
		marked, utf16 := asWindows(test.text)
		path := filepath.Join(dir, "credentials.json")
		if err := os.WriteFile(path, []byte(marked), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := test.read(path, marked); got != test.want || err != nil {
			t.Errorf("%s is read as %q, %v", what, got, err)
		}
		if err := os.WriteFile(path, []byte(utf16), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := test.read(path, utf16); err == nil || !strings.Contains(err.Error(), "it is UTF-16: make it UTF-8") {
			t.Errorf("%s in UTF-16 is read as %q, %v", what, got, err)
		}
	}
}

func TestVariablesWithLineEnds(t *testing.T) {
	var stderr bytes.Buffer
	variables := map[string]string{"LMZ_SERVER": "http://127.0.0.1:1\r", "LMZ_ACCESS_TOKEN": "\ufeffa.b.c\r\n", "LMZ_CONFIG_DIR": t.TempDir()}
	Main(context.Background(), []string{"whoami"}, Streams{
		In: strings.NewReader(""), Out: new(bytes.Buffer), Err: &stderr, Getenv: func(name string) string { return variables[name] },
	})
	if strings.Contains(stderr.String(), "not an origin") || strings.Contains(stderr.String(), `\u000d`) {
		t.Errorf("%s", stderr.String())
	}
}
