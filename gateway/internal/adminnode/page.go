package adminnode

import "github.com/lumenize/lmz/internal/printable"

// Limits of a page of a list: of entries, and of the bytes of their texts plus an overhead
// for each entry. JSON may expand the texts sixfold, which still fits in a frame.
const (
	pageEntries = 1000
	pageBytes   = 64 << 10
	entryBytes  = 64
)

// page is the room left on a page of a list.
type page struct{ entries, bytes int }

// newPage returns a page with room for at most limit entries; 0, or more than the maximum,
// means the maximum.
func newPage(limit int) *page {
	if limit <= 0 || limit > pageEntries {
		limit = pageEntries
	}
	return &page{limit, pageBytes}
}

// takes reports whether there is room for an entry with these texts, and reserves it. The
// first entry always fits.
func (p *page) takes(texts ...string) bool {
	size := entryBytes
	for _, text := range texts {
		size += len(text)
	}
	if p.entries == 0 || size > p.bytes && p.bytes < pageBytes {
		return false
	}
	p.entries--
	p.bytes -= size
	return true
}

// maxShown is how many bytes of an arbitrarily long text a list shows.
const maxShown = 1024

// cut returns a text, truncated if it is too long to show.
func cut(text string) string { return printable.Cut(text, maxShown) }
