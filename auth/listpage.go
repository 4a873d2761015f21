package auth

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/lumenize/lmz/auth/internal/store"
)

// pageBytes is how much a page of a list has at most, in bytes of JSON. A single entry has
// far less.
const pageBytes = 256 << 10

// listPage is some entries of a list: as many as are asked for, and fit.
type listPage[T any] struct {
	entries []T
	limit   int64
	bytes   int
	more    bool // there are more
}

// newListPage makes an empty one; an empty list is [] in JSON.
func newListPage[T any](limit int64) *listPage[T] { return &listPage[T]{entries: []T{}, limit: limit} }

// add adds an entry, or reports false: it belongs to the next page.
func (p *listPage[T]) add(entry T) bool {
	text, _ := json.Marshal(entry) // whoever writes the page finds the error
	if p.bytes += len(text); int64(len(p.entries)) == p.limit || p.bytes > pageBytes && len(p.entries) > 0 {
		p.more = true
		return false
	}
	p.entries = append(p.entries, entry)
	return true
}

// cursor is a place in a list that has the newest first, and those of one time by id. It
// stays one if its row goes.
type cursor store.Place

// parseCursor reads what String has written; "" is the place before all.
func parseCursor(text string) (c cursor, err error) {
	if text == "" {
		return cursor{At: math.MaxInt64}, nil
	}
	at, id, found := strings.Cut(text, ".")
	if c.At, err = strconv.ParseInt(at, 10, 64); err != nil || !found {
		return c, badRequest("invalid_request", "after must be the next of the previous page")
	}
	c.ID = id
	return c, nil
}

func (c cursor) String() string { return strconv.FormatInt(c.At, 10) + "." + c.ID }

// wholeNumber reads a number of a query and brings it within its bounds. As in
// the original, what is no number at all means the default; what JavaScript would
// take for a number and SQLite would not is refused.
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
