// Package record encodes the structs that the runtime keeps on disk, such as what an
// object has sent and its alarms.
//
// A record is a CBOR map with the names of its fields, so that versions before and after
// this one read it: a field that a version does not know is ignored, and one that is
// missing stays zero. Records have fixed types and never reach a browser, so they need
// none of what internal/value adds to CBOR, and use fxamacker/cbor. Values of
// applications, which records hold in encoded form, remain with internal/value.
package record

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/lumenize/lmz/internal/value"
)

// maxNesting is how deep arrays and maps may be inside one another: a record is a map of
// texts, numbers and lists of those.
const maxNesting = 8

// maxElements is how many elements one list may have, such as the targets of a broadcast,
// of which each has two.
const maxElements = 1 << 20

var encoding = mode(cbor.EncOptions{
	Time:    cbor.TimeRFC3339NanoUTC,
	TimeTag: cbor.EncTagRequired,
}.EncMode())

var decoding = mode(cbor.DecOptions{
	DupMapKey:         cbor.DupMapKeyEnforcedAPF,
	IndefLength:       cbor.IndefLengthForbidden,
	FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	MaxNestedLevels:   maxNesting,
	MaxArrayElements:  maxElements,
	MaxMapPairs:       1 << 10,
}.DecMode())

// mode returns what the options describe. They are constants, so a mistake in them shows
// when the program starts.
func mode[M any](m M, err error) M {
	if err != nil {
		panic(err)
	}
	return m
}

// Marshal encodes a struct whose fields have a tag cbor. It fails if a text in it is not
// valid UTF-8, because nobody could read the record then, or if it has more than
// [value.MaxElements] parts.
func Marshal(record any) ([]byte, error) {
	data, err := encoding.Marshal(record)
	if err == nil {
		_, err = value.Parse(data)
	}
	if err != nil {
		return nil, fmt.Errorf("%T cannot be stored: %w", record, err)
	}
	return data, nil
}

// Unmarshal decodes data into the struct that record points to.
func Unmarshal(data []byte, record any) error {
	if err := decoding.Unmarshal(data, record); err != nil {
		return fmt.Errorf("a stored %T cannot be read: %w", record, err)
	}
	return nil
}
