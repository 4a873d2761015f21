// Package cron computes the times that a cron expression means. The library that reads the
// expressions leaves out times around a change of the clock, believes impossible expressions
// and refuses ranges across the end; here all three are corrected.
package cron

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// fieldsOf are the fields of an expression with all seven. The last one, a year, may be
// missing.
var fieldsOf = [...]struct {
	name        string
	least, most int // most is 0 where a range cannot go across the end
}{
	{"second", 0, 59}, {"minute", 0, 59}, {"hour", 0, 23}, {"day of the month", 1, 31}, {"month", 1, 12}, {"weekday", 0, 6}, {"year", 0, 0},
}

// segments splits an expression, or what a nickname stands for: the library's, and one of the
// original's that it does not know.
func segments(expression string) ([]string, error) {
	if strings.EqualFold(strings.TrimSpace(expression), "@minutely") {
		expression = "* * * * *"
	}
	return gronx.Segments(expression)
}

// read splits an expression into six or seven fields that the library reads: ranges
// across the end, which it refuses, are listed.
func read(expression string) ([]string, error) {
	fields, err := segments(expression)
	if err != nil {
		return nil, fmt.Errorf("cron expression %q cannot be read: it needs 5 to 7 fields", expression)
	}
	for i, field := range fields {
		items := strings.Split(field, ",")
		for j, item := range items {
			items[j] = acrossEnd(item, fieldsOf[i].least, fieldsOf[i].most)
		}
		fields[i] = strings.Join(items, ",")
	}
	return fields, nil
}

// acrossEnd lists what a range like 5-1 or 22-2/2 means, and returns anything else as it is.
func acrossEnd(item string, least, most int) string {
	span, step, stepped := strings.Cut(item, "/")
	first, last, ok := strings.Cut(span, "-")
	from, err := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	every, err3 := 1, error(nil)
	if stepped {
		every, err3 = strconv.Atoi(step)
	}
	if !ok || errors.Join(err, err2, err3) != nil || every < 1 || to < least || to >= from || from > most {
		return item
	}
	var list []string
	size := most - least + 1
	for v := 0; v <= to+size-from; v += every {
		list = append(list, strconv.Itoa((from-least+v)%size+least))
	}
	return strings.Join(list, ",")
}

// Check returns why an expression cannot be read. The library stops at the first item of
// a list that matches the present, so each is asked for alone.
func Check(expression string) error {
	fields, err := read(expression)
	if err != nil {
		return err
	}
	given, _ := segments(expression)
	for i, field := range fields {
		for item := range strings.SplitSeq(field, ",") {
			alone := []string{"*", "*", "*", "*", "*", "*", "*"}
			alone[i] = item
			if item == "" || !gronx.IsValid(strings.Join(alone, " ")) {
				if strings.Count(field, ",") == 0 {
					item = given[i]
				}
				return fmt.Errorf("cron expression %q cannot be read: there is no %s %q", expression, fieldsOf[i].name, item)
			}
		}
	}
	return nil
}

// The search for the next time looks behind at most so many changes of the clock. Where
// nothing matches for longer than clocksDiffer it skips the changes, because no two clocks
// of a zone differ by that much; so only times that the clocks leave out use it up.
const (
	maxChanges   = 500
	clocksDiffer = 48 * time.Hour
)

// Next returns the first time strictly after a moment that matches. The library
// computes on a clock without summer time, because around the change of a clock it
// leaves times out.
func Next(expression, zone string, after time.Time) (time.Time, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("time zone %q is not known", zone)
	}
	fields, err := read(expression)
	if err != nil {
		return time.Time{}, err
	}
	everyHour := strings.HasPrefix(fields[2], "*")
	now := after.In(location)
	wall := onWall(now)
	for range maxChanges {
		match, ok := nextMatch(strings.Join(fields, " "), wall)
		if !ok {
			break
		}
		_, offset := now.Zone()
		behind := time.Duration(offset) * time.Second
		next := match.Add(-behind).In(location)
		change := nextChange(now)
		if change.IsZero() || next.Before(change) {
			return next, nil
		}
		if skip := next.Add(-clocksDiffer); skip.After(change) && change.Sub(now) > clocksDiffer {
			now = skip
			wall = onWall(now)
			continue
		}
		now = change.In(location)
		wall = onWall(now)
		if before := change.UTC().Add(behind); !everyHour && before.After(wall) {
			wall = before
		}
		wall = wall.Add(-time.Second) // the moment of the change itself may match
	}
	return time.Time{}, fmt.Errorf("cron expression %q matches no time to come", expression)
}

// nextMatch asks the library for the first match strictly after a moment, and does not
// believe it: after the last match it answers with the moment itself.
func nextMatch(expression string, after time.Time) (time.Time, bool) {
	match, err := gronx.NextTickAfter(expression, after, false)
	return match, err == nil && match.After(after)
}

// nextChange returns the end of the offset that t's zone has at t, or zero. It is later than
// t: on the last day of some leap years Go names a moment that has passed, and nothing
// changes that day.
func nextChange(t time.Time) time.Time {
	_, change := t.ZoneBounds()
	if !change.IsZero() && !change.After(t) {
		change = t.Add(24 * time.Hour)
	}
	return change
}

// onWall is what the clock shows at t, as a time in UTC.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}
