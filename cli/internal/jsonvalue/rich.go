package jsonvalue

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/printable"
	"github.com/lumenize/lmz/internal/value"
)

// Values that JSON lacks are written as the original does: {"json": ..., "meta": ...}
// (PROTOCOL.md, "The subprotocol lmz").

// isRich reports whether a JSON object is a rich document.
func isRich(members map[string]any) bool {
	_, v := members["json"]
	meta, ok := members["meta"].(map[string]any)
	return v && ok && meta != nil && len(members) == 2
}

// FromRich returns the value of an object: itself, unless it is a rich document.
func FromRich(members map[string]any) (any, error) {
	if !isRich(members) {
		return members, nil
	}
	if !onlyJSON(members) {
		return nil, &RichError{errors.New("it must contain only JSON, no calls")}
	}
	if err := keepsNumbers(members); err != nil {
		return nil, &RichError{err}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return nil, &RichError{err}
	}
	return decodeRich(text)
}

// ParseRich reads JSON or a rich document.
func ParseRich(text string) (any, error) {
	v, err := Parse(text)
	if members, ok := v.(map[string]any); ok && isRich(members) {
		if err := keepsNumbers(members); err != nil {
			return nil, &RichError{err}
		}
		return decodeRich([]byte(text))
	}
	return v, err
}

func onlyJSON(v any) bool {
	switch v := v.(type) {
	case nil, bool, string, int64, float64, *big.Int:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(part any) bool { return !onlyJSON(part) })
	case map[string]any:
		for _, part := range v {
			if !onlyJSON(part) {
				return false
			}
		}
		return true
	}
	return false
}

// keepsNumbers rejects integers that a rich document, whose numbers are those of JavaScript,
// would change.
func keepsNumbers(v any) error {
	switch v := v.(type) {
	case int64:
		const exact = 1 << 53
		if v > exact || v < -exact {
			return fmt.Errorf(`%d is beyond 2^53: write {"$type":"bigint","value":"%d"}`, v, v)
		}
	case *big.Int:
		return fmt.Errorf(`%d is beyond 2^53: write {"$type":"bigint","value":"%d"}`, v, v)
	case []any:
		for _, part := range v {
			if err := keepsNumbers(part); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := keepsNumbers(v[key]); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

func decodeRich(text []byte) (any, error) {
	doc, err := jsonwire.FromJSON(text)
	if err != nil {
		return nil, &RichError{err}
	}
	return value.Parse(doc)
}

// RichError is the error of a rich document that cannot be read.
type RichError struct{ Err error }

func (e *RichError) Error() string { return "cannot read the {json, meta} value: " + e.Err.Error() }

// AppendRich appends a value as a rich document.
func AppendRich(b []byte, v lmz.Value) ([]byte, error) {
	doc, err := value.Marshal(v)
	if err != nil {
		return nil, err
	}
	text, err := jsonwire.ToJSON(doc)
	if err != nil {
		return nil, err
	}
	return append(b, printable.JSON(text)...), nil
}
