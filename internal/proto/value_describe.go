package proto

import (
	"reflect"
	"strconv"
	"strings"
)

// mismatch says that an item does not fit a Go type.
func (d *decoder) mismatch(expected reflect.Type, got token) error {
	return mismatch(expected, d.describe(got))
}

func mismatch(expected reflect.Type, got string) error {
	return &valueError{what: "expected " + kindName(expected) + ", got " + got}
}

// badContent says that a tag is around something it does not go with.
func badContent(t token) error {
	return &valueError{what: "tag " + strconv.FormatUint(t.arg, 10) + " is around the wrong kind of value"}
}

// describe names an item in the words of people who write programs.
func (d *decoder) describe(t token) string {
	switch t.major {
	case majorUint, majorNegint:
		return "integer"
	case majorBytes:
		return "bytes"
	case majorText:
		return "string"
	case majorArray:
		return "array"
	case majorMap:
		return "object"
	case majorTag:
		return d.describeTag(t)
	}
	switch t.info {
	case infoFalse, infoTrue:
		return "boolean"
	case infoNull:
		return "null"
	case infoUndefined:
		return "undefined"
	}
	return "number"
}

func (d *decoder) describeTag(t token) string {
	switch t.arg {
	case tagDateText, tagDateEpoch:
		return "date"
	case tagBigPositive, tagBigNegative:
		return "big integer"
	case tagURL:
		return "URL"
	case tagMap:
		return "Map"
	case tagSet:
		return "Set"
	case tagRegExp:
		return "RegExp"
	case tagShared:
		return d.describe(d.token(t.next))
	case tagReference:
		n, _ := headAt(d.data, t.next)
		return d.describe(d.token(d.refs.marks[n.arg]))
	case tagObject:
		if name, _, _, err := d.objectHead(t); err == nil {
			return shorten(name)
		}
	}
	if t.arg >= tagTypedFirst && t.arg <= tagTypedLast {
		return "typed array"
	}
	return "unknown tag " + strconv.FormatUint(t.arg, 10)
}

// maxName bounds what of a peer's own words goes into a message.
const maxName = 64

func shorten(s string) string {
	if len(s) <= maxName {
		return s
	}
	return strings.ToValidUTF8(s[:maxName], "") + "..." // it may end within a character
}
