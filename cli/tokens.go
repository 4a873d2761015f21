package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
)

// namedToken is an access token with a name, without its secret.
type namedToken struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Admin    bool   `json:"admin"`
	Created  int64  `json:"createdAt"`  // Unix milliseconds, as are the next
	Expires  int64  `json:"expiresAt"`  //
	LastUsed *int64 `json:"lastUsedAt"` // nil: never
}

func tokensCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	var asJSON bool
	var of string
	cmd := &cobra.Command{
		Use:   "tokens",
		Short: "Manage access tokens for scripts and CI",
		Long: "tokens lists your named access tokens. They act as you, last longer than those\n" +
			"of a sign-in, and can be revoked. Admins list those of others with --of.",
		Example: "  lmz tokens\n  lmz tokens new nightly-backup --ttl 720h",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return listTokens(cmd.Context(), con, o, of, asJSON) },
	}
	o = account.Flags(con, cmd)
	flags.JSON(cmd, &asJSON)
	cmd.Flags().StringVar(&of, "of", "", "email `address` of another account (admins)")
	cmd.AddCommand(newTokenCommand(con), revokeTokenCommand(con))
	return cmd
}

func listTokens(ctx context.Context, con *console.Console, o *account.Account, of string, asJSON bool) error {
	s, err := o.Service(ctx)
	if err != nil {
		return err
	}
	endpoint := "tokens"
	if of != "" {
		who, err := s.Find(ctx, of)
		if err != nil {
			return err
		}
		endpoint = "subject/" + url.PathEscape(who.Sub) + "/tokens"
	}
	var list struct{ Tokens []namedToken }
	if err := s.Do(ctx, http.MethodGet, endpoint, nil, &list); err != nil {
		return err
	}
	if len(list.Tokens) == 0 && !asJSON {
		fmt.Fprintln(con.Err, "There are no tokens. Create one: lmz tokens new NAME")
	}
	return output.Print(con.Out, asJSON, list.Tokens, "ID NAME ADMIN EXPIRES LAST-USED", func(x namedToken) []string {
		return []string{x.ID, x.Name, output.Yes(x.Admin), output.Minute(x.Expires), output.MinuteIf(x.LastUsed)}
	})
}

func newTokenCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	var ttl time.Duration
	var admin bool
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Create a token and print it once",
		Long: "new creates a token that acts as you and prints it. It is not shown again: store\n" +
			"it with your secrets, and pass it to programs in LMZ_ACCESS_TOKEN or with\n" +
			"--token-stdin.",
		Example: "  lmz tokens new nightly-backup --ttl 720h",
		Args:    flags.OneWord("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if ttl < time.Second {
				return exit.Usagef("--ttl 720h", "--ttl %v is too short: the minimum is 1s", ttl)
			}
			return newToken(cmd.Context(), con, o, args[0], ttl, admin)
		},
	}
	o = account.Flags(con, cmd)
	cmd.Flags().DurationVar(&ttl, "ttl", 90*24*time.Hour, "how long the token is valid")
	cmd.Flags().BoolVar(&admin, "admin", false, "allow what only admins may do")
	return cmd
}

func newToken(ctx context.Context, con *console.Console, o *account.Account, name string, ttl time.Duration, admin bool) error {
	s, err := o.Service(ctx)
	if err != nil {
		return err
	}
	var made struct {
		Token string
		namedToken
	}
	err = s.Do(ctx, http.MethodPost, "tokens", map[string]any{
		"name": name, "expiresIn": int64(ttl / time.Second), "admin": admin,
	}, &made)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.Err, "Valid until %s; revoke it with: lmz tokens rm %s\n", output.Minute(made.Expires), made.ID)
	_, err = fmt.Fprintln(con.Out, made.Token)
	return err
}

func revokeTokenCommand(con *console.Console) *cobra.Command {
	var o *account.Account
	cmd := &cobra.Command{
		Use:   "rm ID|NAME",
		Short: "Revoke a token",
		Long: "rm revokes the token with this ID, or your token with this name if there is only\n" +
			"one.",
		Args: flags.OneWord("ID or NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			s, err := o.Service(ctx)
			if err != nil {
				return err
			}
			id, err := tokenID(ctx, s, args[0])
			if err != nil {
				return err
			}
			if err := s.Do(ctx, http.MethodDelete, "token/"+url.PathEscape(id), nil, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintln(con.Out, "The token was revoked.")
			return err
		},
	}
	o = account.Flags(con, cmd)
	return cmd
}

// tokenID returns the ID of the token that word identifies: by its ID, or by a name that only
// one of the caller's tokens has.
func tokenID(ctx context.Context, s *account.Service, word string) (string, error) {
	var list struct{ Tokens []namedToken }
	if err := s.Do(ctx, http.MethodGet, "tokens", nil, &list); err != nil {
		return "", err
	}
	id := word
	for _, t := range list.Tokens {
		switch {
		case t.ID == word:
			return word, nil
		case t.Name == word && id != word:
			return "", exit.Usagef("lmz tokens", "several tokens are named %q: use an ID", word)
		case t.Name == word:
			id = t.ID
		}
	}
	return id, nil
}
