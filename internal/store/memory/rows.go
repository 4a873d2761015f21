package memory

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/lumenize/lmz/internal/store"
)

// Row implements [store.Store].
func (s *Store) Row(key string) (value []byte, found bool, err error) {
	err = s.read(func(f *file) {
		if f != nil {
			value, found = f.rows[key]
		}
	})
	if s.open != nil {
		if written, ok := s.open.rows[key]; ok {
			value, found = written, written != nil
		}
	}
	return bytes.Clone(value), found, err
}

// Rows implements [store.Store].
func (s *Store) Rows(prefix string, limit int) (found []store.Row, err error) {
	all := make(map[string][]byte)
	err = s.read(func(f *file) {
		if f != nil {
			maps.Copy(all, f.rows)
		}
	})
	if s.open != nil {
		maps.Copy(all, s.open.rows)
	}
	for key, value := range all {
		if value != nil && strings.HasPrefix(key, prefix) {
			found = append(found, store.Row{Key: key, Value: bytes.Clone(value)})
		}
	}
	slices.SortFunc(found, func(a, b store.Row) int { return cmp.Compare(a.Key, b.Key) })
	if limit < len(found) {
		found = found[:limit]
	}
	return found, err
}

// PutRow implements [store.Store].
func (s *Store) PutRow(key string, value []byte) error {
	if err := s.read(func(*file) {}); err != nil {
		return err
	}
	s.begin().rows[key] = append([]byte{}, value...) // never nil
	s.writes++
	return nil
}

// DeleteRow implements [store.Store].
func (s *Store) DeleteRow(key string) error {
	_, found, err := s.Row(key)
	if found && err == nil {
		s.begin().rows[key] = nil
		s.writes++
	}
	return err
}
