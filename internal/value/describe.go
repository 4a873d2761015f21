package value

import (
	"reflect"
	"strconv"
	"strings"
)

// mismatch says that an item does not fit a Go type.
func (d *Decoder) mismatch(expected reflect.Type, got Token) error {
	return mismatch(expected, d.Describe(got))
}

func mismatch(expected reflect.Type, got string) error {
	return &Error{What: "expected " + kindName(expected) + ", got " + got}
}

// badContent says that a tag is around something it does not go with.
func BadContent(t Token) error {
	return &Error{What: "tag " + strconv.FormatUint(t.Arg, 10) + " is around the wrong kind of value"}
}

// describe names an item in the words of people who write programs.
func (d *Decoder) Describe(t Token) string {
	switch t.Major {
	case MajorUint, MajorNegint:
		return "integer"
	case MajorBytes:
		return "bytes"
	case MajorText:
		return "string"
	case MajorArray:
		return "array"
	case MajorMap:
		return "object"
	case MajorTag:
		return d.describeTag(t)
	}
	switch t.Info {
	case InfoFalse, InfoTrue:
		return "boolean"
	case InfoNull:
		return "null"
	case InfoUndefined:
		return "undefined"
	}
	return "number"
}

func (d *Decoder) describeTag(t Token) string {
	switch t.Arg {
	case TagDateText, TagDateEpoch:
		return "date"
	case TagBigPositive, TagBigNegative:
		return "big integer"
	case TagURL:
		return "URL"
	case TagMap:
		return "Map"
	case TagSet:
		return "Set"
	case TagRegExp:
		return "RegExp"
	case TagShared:
		return d.Describe(d.Token(t.Next))
	case TagReference:
		n, _ := HeadAt(d.Data, t.Next)
		return d.Describe(d.Token(d.Refs.Marks[n.Arg]))
	case TagObject:
		if name, _, _, err := d.ObjectHead(t); err == nil {
			return Shorten(name)
		}
	}
	if t.Arg >= TagTypedFirst && t.Arg <= TagTypedLast {
		return "typed array"
	}
	return "unknown tag " + strconv.FormatUint(t.Arg, 10)
}

// maxName bounds what of a peer's own words goes into a message.
const maxName = 64

func Shorten(s string) string {
	if len(s) <= maxName {
		return s
	}
	return strings.ToValidUTF8(s[:maxName], "") + "..." // it may end within a character
}
