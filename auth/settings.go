package auth

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/lumenize/lmz/auth/internal/private"
	"github.com/lumenize/lmz/auth/internal/token"
	"github.com/lumenize/lmz/internal/origin"
	"github.com/lumenize/lmz/internal/wholefile"
)

const defaultIssuer = "https://lumenize.local"

// settings are the contents of auth.json: what all processes that sign or verify with a data
// directory must agree on.
type settings struct {
	Issuer    string `json:"issuer"`
	Audience  string `json:"audience"`
	PublicURL string `json:"public_url"`
}

func (s settings) names() token.Names { return token.Names{Issuer: s.Issuer, Audience: s.Audience} }

// readSettings fails with fs.ErrNotExist for a directory that was never opened.
func readSettings(dir string) (settings, error) {
	var kept settings
	path := filepath.Join(dir, "auth.json")
	data, err := private.ReadFile(path)
	if err != nil {
		return kept, err
	}
	if err := json.Unmarshal([]byte(data), &kept); err != nil {
		return kept, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return kept, nil
}

// keepSettings merges given over the stored settings, and stores the result if check accepts it.
func keepSettings(dir string, given settings, check func(settings) error) (settings, error) {
	kept, err := readSettings(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return kept, err
	}
	merged := settings{
		Issuer:    cmp.Or(given.Issuer, kept.Issuer, defaultIssuer),
		Audience:  cmp.Or(given.Audience, kept.Audience, defaultIssuer),
		PublicURL: cmp.Or(given.PublicURL, kept.PublicURL),
	}
	merged.PublicURL, err = publicOrigin(merged.PublicURL)
	if err != nil {
		return merged, err
	}
	if err := check(merged); err != nil || merged == kept {
		return merged, err
	}
	data, err := json.MarshalIndent(merged, "", "  ")
	if err != nil {
		return merged, err
	}
	return merged, wholefile.Write(filepath.Join(dir, "auth.json"), append(data, '\n'), 0o600)
}

// publicOrigin checks a public URL and returns its canonical spelling.
func publicOrigin(raw string) (string, error) {
	if raw == "" {
		return "", errors.New("PublicURL is required when a data directory is opened for the first time: links in mails are built from it")
	}
	o, err := webOrigin(raw)
	if err != nil {
		return "", fmt.Errorf("PublicURL %q is %w", raw, err)
	}
	return o, nil
}

// webOrigin returns the canonical spelling of an origin that pages can have.
func webOrigin(raw string) (string, error) {
	o, err := origin.Parse(raw)
	if err == nil && o.Scheme != "http" && o.Scheme != "https" {
		err = errors.New("not an origin such as https://example.com")
	}
	if err != nil {
		return "", err
	}
	return o.String(), nil
}
