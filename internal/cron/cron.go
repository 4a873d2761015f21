// Package cron computes the times that match a cron expression. The library that parses the
// expressions skips times around clock changes, accepts impossible expressions and refuses
// ranges that wrap around; this package corrects all three.
package cron

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// fieldsOf are the fields of a full expression. The last one, the year, is optional.
var fieldsOf = [...]struct {
	name        string
	least, most int // most is 0 where a range cannot wrap around
}{
	{"second", 0, 59}, {"minute", 0, 59}, {"hour", 0, 23}, {"day of the month", 1, 31}, {"month", 1, 12}, {"weekday", 0, 6}, {"year", 0, 0},
}

// segments splits an expression, or the expansion of a nickname: the library's, and one of
// the original cron's that the library does not know.
func segments(expression string) ([]string, error) {
	if strings.EqualFold(strings.TrimSpace(expression), "@minutely") {
		expression = "* * * * *"
	}
	return gronx.Segments(expression)
}

// read splits an expression into six or seven fields that the library can parse: ranges that
// wrap around, which it refuses, are expanded to lists.
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

// acrossEnd expands a wrapping range like 5-1 or 22-2/2 to a list, and returns anything else
// unchanged.
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

// Check returns why an expression is invalid. The library stops at the first item of a list
// that matches the present, so each item is checked separately.
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

// The search for the next time goes past at most so many clock changes. Where nothing
// matches for longer than clocksDiffer it skips the changes, because no two offsets of a
// zone differ by that much; so only times that clock changes skip count toward the limit.
const (
	maxChanges   = 500
	clocksDiffer = 48 * time.Hour
)

// Next returns the first matching time strictly after the given one. The library is used on
// a clock without daylight saving time, because it skips times around clock changes.
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
		wall = wall.Add(-time.Second) // the time of the change itself may match
	}
	return time.Time{}, fmt.Errorf("cron expression %q matches no time to come", expression)
}

// nextMatch asks the library for the first match strictly after the given time, and verifies
// it: after the last match the library returns the given time itself.
func nextMatch(expression string, after time.Time) (time.Time, bool) {
	match, err := gronx.NextTickAfter(expression, after, false)
	return match, err == nil && match.After(after)
}

// nextChange returns when the UTC offset of t's zone next changes after t, or zero. On the
// last day of some leap years Go returns a time that has passed; nothing changes that day.
func nextChange(t time.Time) time.Time {
	_, change := t.ZoneBounds()
	if !change.IsZero() && !change.After(t) {
		change = t.Add(24 * time.Hour)
	}
	return change
}

// onWall returns the wall clock reading at t, as a time in UTC.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}
