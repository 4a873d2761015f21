//go:build !js

package editor

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lumenize/lmz"
)

// namePrefix begins the keys of all people who ever used the document: their full names.
const namePrefix = "name:"

// maxName is the longest name of a person, in bytes: a mail address has at most 254.
const maxName = 254

// names tells people apart: it maps short names to full names. A person appears under the
// part of the address before the @, unless two people of the document share it: then both
// appear under their whole address.
type names map[string][]string

func (d *Document) loadNames(ctx context.Context) error {
	d.names = make(names)
	keys, err := d.KV().List(ctx, namePrefix)
	for _, key := range keys {
		d.names.add(key[len(namePrefix):])
	}
	return err
}

func (n names) add(full string) {
	key := strings.ToLower(shortName(full))
	n[key] = append(n[key], full)
}

// alike returns the full names with the same short name.
func (n names) alike(full string) []string { return n[strings.ToLower(shortName(full))] }

// shown returns a person's displayed name.
func (n names) shown(full string) string {
	if len(n.alike(full)) > 1 {
		return full
	}
	return shortName(full)
}

// fullName returns the full name of the user on whose behalf a call runs.
func fullName(ctx context.Context) string {
	c, _ := lmz.CallContextFrom(ctx)
	if c.Auth == nil {
		return c.Origin().Binding
	}
	name, _ := c.Auth.Claims["email"].(string)
	if !strings.Contains(name, "@") {
		name = userPrefix + c.Auth.Subject
	}
	for len(name) > maxName {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

// userPrefix begins the full names of users without an address, followed by their subject.
const userPrefix = "user "

func shortName(full string) string {
	if name, _, ok := strings.Cut(full, "@"); ok && name != "" {
		return name
	}
	if subject, ok := strings.CutPrefix(full, userPrefix); ok {
		return userPrefix + strings.ToValidUTF8(subject[:min(8, len(subject))], "")
	}
	return full
}

// meetAuthor returns the full name of the user on whose behalf a call runs, and remembers it.
// If that makes a short name ambiguous, subscribers learn the new displayed names.
func (d *Document) meetAuthor(ctx context.Context) (full string, err error) {
	full = fullName(ctx)
	if err := d.KV().Put(ctx, namePrefix+full, true); err != nil {
		return "", err
	}
	if slices.Contains(d.names.alike(full), full) {
		return full, nil
	}
	d.names.add(full)
	if len(d.names.alike(full)) != 2 {
		return full, nil
	}
	for instance, p := range d.people {
		if p.Full == d.names.alike(full)[0] {
			if err := d.broadcastPerson(ctx, instance, p); err != nil {
				return "", err
			}
		}
	}
	return full, nil
}
