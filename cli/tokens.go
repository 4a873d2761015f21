package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
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

func (a *app) tokensCommand() *cobra.Command {
	var o *account
	var asJSON bool
	var of string
	cmd := &cobra.Command{
		Use:   "tokens",
		Short: "Access tokens for scripts and CI, which can be revoked",
		Long: "tokens lists your named access tokens. They act as you, last longer than a sign-in's\n" +
			"tokens, and end when you say so. Admins see those of others with --of.",
		Example: "  lmz tokens\n  lmz tokens new nightly-backup --ttl 720h",
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listTokens(cmd.Context(), o, of, asJSON) },
	}
	o = a.accountFlags(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&of, "of", "", "mail `address` of somebody else (admins)")
	cmd.AddCommand(a.newTokenCommand(), a.revokeTokenCommand())
	return cmd
}

func (a *app) listTokens(ctx context.Context, o *account, of string, asJSON bool) error {
	s, err := a.signedIn(ctx, o)
	if err != nil {
		return err
	}
	endpoint := "tokens"
	if of != "" {
		who, err := s.find(ctx, of)
		if err != nil {
			return err
		}
		endpoint = "subject/" + url.PathEscape(who.Sub) + "/tokens"
	}
	var list struct{ Tokens []namedToken }
	if err := s.do(ctx, http.MethodGet, endpoint, nil, &list); err != nil {
		return err
	}
	if len(list.Tokens) == 0 && !asJSON {
		fmt.Fprintln(a.Err, "There are no tokens. Make one: lmz tokens new NAME")
	}
	return printList(a, asJSON, list.Tokens, "ID NAME ADMIN EXPIRES LAST-USED", func(x namedToken) []string {
		return []string{x.ID, x.Name, yes(x.Admin), when(x.Expires), whenSet(x.LastUsed)}
	})
}

func (a *app) newTokenCommand() *cobra.Command {
	var o *account
	var ttl time.Duration
	var admin bool
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a token and print it, this once",
		Long: "new makes a token that acts as you and prints it. It is not shown again: keep it where\n" +
			"secrets are kept, and give it to programs in LMZ_ACCESS_TOKEN or by --token-stdin.",
		Example: "  lmz tokens new nightly-backup --ttl 720h",
		Args:    oneWord("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if ttl < time.Second {
				return usagef("--ttl 720h", "--ttl %v is too short: at least 1s", ttl)
			}
			return a.newToken(cmd.Context(), o, args[0], ttl, admin)
		},
	}
	o = a.accountFlags(cmd)
	cmd.Flags().DurationVar(&ttl, "ttl", 90*24*time.Hour, "how long the token is good")
	cmd.Flags().BoolVar(&admin, "admin", false, "let it do what only admins may")
	return cmd
}

func (a *app) newToken(ctx context.Context, o *account, name string, ttl time.Duration, admin bool) error {
	s, err := a.signedIn(ctx, o)
	if err != nil {
		return err
	}
	var made struct {
		Token string
		namedToken
	}
	err = s.do(ctx, http.MethodPost, "tokens", map[string]any{
		"name": name, "expiresIn": int64(ttl / time.Second), "admin": admin,
	}, &made)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "Good until %s; revoke it with: lmz tokens rm %s\n", when(made.Expires), made.ID)
	_, err = fmt.Fprintln(a.Out, made.Token)
	return err
}

func (a *app) revokeTokenCommand() *cobra.Command {
	var o *account
	cmd := &cobra.Command{
		Use:   "rm ID|NAME",
		Short: "Revoke a token",
		Long:  "rm revokes the token with this id, or the one of yours with this name if there is only one.",
		Args:  oneWord("ID or NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			s, err := a.signedIn(ctx, o)
			if err != nil {
				return err
			}
			id, err := s.tokenID(ctx, args[0])
			if err != nil {
				return err
			}
			if err := s.do(ctx, http.MethodDelete, "token/"+url.PathEscape(id), nil, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.Out, "The token is revoked.")
			return err
		},
	}
	o = a.accountFlags(cmd)
	return cmd
}

// tokenID returns the id of the token that word means: its id, or a name that only one
// of the caller's has.
func (s *signedIn) tokenID(ctx context.Context, word string) (string, error) {
	var list struct{ Tokens []namedToken }
	if err := s.do(ctx, http.MethodGet, "tokens", nil, &list); err != nil {
		return "", err
	}
	id := word
	for _, t := range list.Tokens {
		switch {
		case t.ID == word:
			return word, nil
		case t.Name == word && id != word:
			return "", usagef("lmz tokens", "several tokens are called %q: say which by its id", word)
		case t.Name == word:
			id = t.ID
		}
	}
	return id, nil
}
