package adminnode

import "github.com/lumenize/lmz/internal/printable"

// Limits of a page of a list: of entries, and of the bytes of their texts with something
// for each entry. JSON may make six times as many of them, which a frame has room for.
const (
	pageEntries = 1000
	pageBytes   = 64 << 10
	entryBytes  = 64
)

// page says how much room is left on a page of a list.
type page struct{ entries, bytes int }

// newPage makes a page that has room for at most limit entries; 0, and more than a page may
// have, mean as many as it may.
func newPage(limit int) *page {
	if limit <= 0 || limit > pageEntries {
		limit = pageEntries
	}
	return &page{limit, pageBytes}
}

// takes reports whether there is room for an entry with these texts, and takes it. The
// first always has.
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

// maxShown is how much a list shows of a text that may have any length, in bytes.
const maxShown = 1024

// cut returns a text, or of one that is too long to be shown the beginning.
func cut(text string) string { return printable.Cut(text, maxShown) }
