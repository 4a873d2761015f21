// Package record encodes the structs that the runtime keeps on disk, such as stored sends
// and alarms.
//
// A record is a CBOR map keyed by field name, so that older and newer versions can read it:
// unknown fields are ignored, and missing ones stay zero. Records have fixed types and never
// reach a browser, so they need none of what internal/value adds to CBOR, and use
// fxamacker/cbor. Application values, which records hold in encoded form, still use
// internal/value.
package record

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/lumenize/lmz/internal/value"
)

// maxNesting is the maximum nesting depth of arrays and maps: a record is a map of texts,
// numbers and lists of those.
const maxNesting = 8

// maxElements is the maximum number of elements in a list, such as the targets of a
// broadcast, which take two each.
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

// mode returns m and panics on an error. The options are constants, so a mistake shows when
// the program starts.
func mode[M any](m M, err error) M {
	if err != nil {
		panic(err)
	}
	return m
}

// Marshal encodes a struct whose fields have a tag cbor. It fails if a text is not valid
// UTF-8, because the record could not be read back, or if it has more than
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
