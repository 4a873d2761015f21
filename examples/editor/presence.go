//go:build !js

package editor

import (
	"context"
	"slices"

	"github.com/lumenize/lmz/text"
)

// personPrefix begins the keys of people who have the document open: their instance names.
// The rows have the initial cursors; moves stay in memory, because cursors move more often
// than a disk should be written.
const personPrefix = "person:"

// people are those who have the document open, by instance name. Each client has one editor.
type people map[string]visitor

// visitor is a person without the displayed name, which depends on who else is known.
type visitor struct {
	Person
	Full string // full name; "" in rows of earlier programs, which have Name
}

func (d *Document) loadPeople(ctx context.Context) error {
	d.people = make(people)
	keys, err := d.KV().List(ctx, personPrefix)
	if err != nil {
		return err
	}
	for _, key := range keys {
		var p visitor
		if _, err := d.KV().Get(ctx, key, &p); err != nil {
			return err
		}
		p.Version = d.version()
		d.people[key[len(personPrefix):]] = p
	}
	return nil
}

// maxPeople is the most people in an opening, so that it always fits in a frame. Others
// appear as soon as they move.
const maxPeople = 200

// others returns everyone but one, ordered by color, up to maxPeople.
func (d *Document) others(but string) []Person {
	all := []Person{}
	for instance, p := range d.people {
		if instance != but {
			all = append(all, d.person(p))
		}
	}
	slices.SortFunc(all, func(a, b Person) int { return a.Color - b.Color })
	return all[:min(len(all), maxPeople)]
}

// person returns a visitor as others see it.
func (d *Document) person(p visitor) Person {
	if p.Full != "" {
		p.Name = d.names.shown(p.Full)
	}
	return p.Person
}

// present records the caller's cursor and tells the others.
func (d *Document) present(ctx context.Context, c Cursor) (struct{}, error) {
	if err := d.load(ctx); err != nil {
		return struct{}{}, err
	}
	instance := caller(ctx).Instance
	p, here := d.people[instance]
	same := here && p.ClientID == c.ClientID
	full, err := d.meetAuthor(ctx)
	if err != nil {
		return struct{}{}, err
	}
	if !same {
		if err := d.changeEditor(ctx, instance, c.ClientID); err != nil {
			return struct{}{}, err
		}
	}
	if !here {
		p.Color = d.freeColor()
	}
	p.ClientID, p.Full, p.Version = c.ClientID, full, d.version()
	for _, pos := range []struct {
		of   int
		into *int
	}{{c.Anchor, &p.Anchor}, {c.Head, &p.Head}} {
		now, err := d.mapPosition(ctx, c, pos.of)
		if err != nil {
			return struct{}{}, err
		}
		*pos.into = now
	}
	if !same {
		if err := d.KV().Put(ctx, personPrefix+instance, p); err != nil {
			return struct{}{}, err
		}
	}
	d.people[instance] = p
	return struct{}{}, d.broadcastPerson(ctx, instance, p)
}

// changeEditor replaces a client's editor. The previous one is gone, and leaves nothing
// behind if it never made an edit.
func (d *Document) changeEditor(ctx context.Context, instance, editor string) error {
	if err := d.ownEditor(ctx, editor); err != nil {
		return err
	}
	before, here := d.people[instance]
	if !here {
		return nil
	}
	var last lastEdit
	known, err := d.KV().Get(ctx, editorPrefix+before.ClientID, &last)
	if err == nil && known && last.Version == 0 && last.Owner == subject(ctx) {
		err = d.KV().Delete(ctx, editorPrefix+before.ClientID)
	}
	if err != nil {
		return err
	}
	before.Gone = true
	return d.broadcastPerson(ctx, instance, before)
}

// freeColor returns the smallest unused color.
func (d *Document) freeColor() int {
	taken := make(map[int]bool)
	for _, p := range d.people {
		taken[p.Color] = true
	}
	color := 0
	for taken[color] {
		color++
	}
	return color
}

// mapPosition maps an editor's position to the current version: behind what that editor
// typed there since. Positions in very old versions are returned unmapped.
func (d *Document) mapPosition(ctx context.Context, of Cursor, pos int) (int, error) {
	log := pastOf{ctx, &d.archive}
	for v := of.Version + 1; v > d.version()-recentEntries && v > 0 && v <= d.version(); v++ {
		e, found, err := log.Entry(v)
		if err != nil {
			return 0, err
		}
		if !found {
			break
		}
		side := -1
		if e.Editor == of.ClientID {
			side = 1
		}
		pos = e.Changes.MapPos(max(0, pos), side)
	}
	return min(max(0, pos), d.text().Len()), nil
}

// movePeople adjusts the cursors to edits.
func (d *Document) movePeople(entries []text.Entry) {
	for instance, p := range d.people {
		p.Person = p.After(entries)
		d.people[instance] = p
	}
}

// dropPerson tells the others that a person is gone.
func (d *Document) dropPerson(ctx context.Context, instance string) error {
	p, here := d.people[instance]
	if !here {
		return nil
	}
	if err := d.KV().Delete(ctx, personPrefix+instance); err != nil {
		return err
	}
	delete(d.people, instance)
	p.Gone = true
	return d.broadcastPerson(ctx, instance, p)
}

func (d *Document) broadcastPerson(ctx context.Context, instance string, who visitor) error {
	p := d.person(who)
	if _, err := d.KV().Get(ctx, subscriptionsKey, &p.Moment); err != nil {
		return err
	}
	c := HandlePresence.Ctn(d.Identity().Instance, p)
	return d.broadcast(ctx, c, func(to string) bool { return to != instance })
}
