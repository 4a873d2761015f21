package auth

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/lumenize/lmz/auth/internal/store"
)

// pageBytes bounds a page of a list, in bytes of JSON. A single entry is far smaller.
const pageBytes = 256 << 10

// listPage is a page of a list: as many entries as were requested and fit.
type listPage[T any] struct {
	entries []T
	limit   int64
	bytes   int
	more    bool // further entries exist
}

// newListPage returns an empty page; its entries are [] in JSON.
func newListPage[T any](limit int64) *listPage[T] { return &listPage[T]{entries: []T{}, limit: limit} }

// add adds an entry, or returns false if it belongs to the next page.
func (p *listPage[T]) add(entry T) bool {
	text, _ := json.Marshal(entry) // an error shows when the page is written
	if p.bytes += len(text); int64(len(p.entries)) == p.limit || p.bytes > pageBytes && len(p.entries) > 0 {
		p.more = true
		return false
	}
	p.entries = append(p.entries, entry)
	return true
}

// cursor is a store.Place with a text form.
type cursor store.Place

// parseCursor reads the output of String; "" is the place before all rows.
func parseCursor(text string) (c cursor, err error) {
	if text == "" {
		return cursor{At: math.MaxInt64}, nil
	}
	at, id, found := strings.Cut(text, ".")
	if c.At, err = strconv.ParseInt(at, 10, 64); err != nil || !found {
		return c, badRequest("invalid_request", "after must be the value of next in the previous page")
	}
	c.ID = id
	return c, nil
}

func (c cursor) String() string { return strconv.FormatInt(c.At, 10) + "." + c.ID }

// wholeNumber reads a number from a query and clamps it to its bounds. As in the original, text
// that is not a number means the default; a number that JavaScript accepts and SQLite does not is
// refused.
func wholeNumber(text string, otherwise, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		if f, isNumber := strconv.ParseFloat(text, 64); isNumber == nil && f == f {
			return 0, badRequest("invalid_request", "limit, offset and before must be whole numbers")
		}
		n = 0
	}
	if n == 0 && low > 0 {
		n = otherwise
	}
	return min(max(n, low), high), nil
}
