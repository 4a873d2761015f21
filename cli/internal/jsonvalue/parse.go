// Package jsonvalue converts the values of a mesh to and from JSON without loss, or in the form
// that people expect.
package jsonvalue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads one JSON value without loss, or fails and says where. Integers become int64 or
// *big.Int, other numbers float64.
func Parse(text string) (any, error) {
	r := &jsonReader{text: text, d: json.NewDecoder(strings.NewReader(text))}
	r.d.UseNumber()
	v, err := r.value("", 0)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("it is incomplete")
	}
	if err != nil {
		return nil, err
	}
	if _, err := r.d.Token(); err != io.EOF {
		return nil, errors.New("there is text after the value")
	}
	return v, nil
}

// maxDepth limits nesting. No decoder of ours accepts more.
const maxDepth = 1000

// jsonReader reads tokens and rejects what encoding/json would change silently.
type jsonReader struct {
	text string
	d    *json.Decoder
}

// value reads the value at path.
func (r *jsonReader) value(path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("it is nested too deeply")
	}
	token, err := r.token(path)
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Number:
		return number(string(token))
	case json.Delim:
		if token == '[' {
			return r.array(path, depth)
		}
		return r.object(path, depth)
	}
	return token, nil
}

// token reads one token. It rejects invalid UTF-8 and half surrogate pairs, which would become
// U+FFFD.
func (r *jsonReader) token(path string) (json.Token, error) {
	from := r.d.InputOffset()
	token, err := r.d.Token()
	if err != nil {
		return nil, err
	}
	if _, isText := token.(string); isText {
		raw := r.text[from:r.d.InputOffset()]
		switch {
		case !utf8.ValidString(raw):
			return nil, fmt.Errorf("%s is not valid UTF-8", where(path))
		case halfPair(raw):
			return nil, fmt.Errorf("%s contains half of a surrogate pair", where(path))
		}
	}
	return token, nil
}

func (r *jsonReader) array(path string, depth int) (any, error) {
	list := []any{}
	for r.d.More() {
		v, err := r.value(path+"["+strconv.Itoa(len(list))+"]", depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := r.d.Token()
	return list, err
}

func (r *jsonReader) object(path string, depth int) (any, error) {
	members := map[string]any{}
	for r.d.More() {
		token, err := r.token(path)
		if err != nil {
			return nil, err
		}
		key := token.(string) // the decoder allows nothing else
		at := strings.TrimPrefix(path+"."+key, ".")
		if _, twice := members[key]; twice {
			return nil, fmt.Errorf("%s occurs twice", at)
		}
		if members[key], err = r.value(at, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := r.d.Token()
	return members, err
}

// where names a place in an argument.
func where(path string) string {
	if path == "" {
		return "the string"
	}
	return path
}

var surrogate = regexp.MustCompile(`\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)

// halfPair reports whether a JSON string has an escaped surrogate without its other half.
func halfPair(raw string) bool {
	for _, found := range surrogate.FindAllString(raw, -1) {
		if len(found) == len(`\ud800`) {
			return true
		}
	}
	return false
}

// number reads an integer exactly, and any other number as the nearest float64.
func number(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && text != "-0" {
		return n, nil
	}
	if !strings.ContainsAny(text, ".eE") && text != "-0" {
		if n, ok := new(big.Int).SetString(text, 10); ok {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errors.New(text + " is out of range")
	}
	return f, nil
}
