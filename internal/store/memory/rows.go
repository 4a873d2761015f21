package object

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
)

func (s *memStore) row(key string) (value []byte, found bool, err error) {
	err = s.read(func(f *memFile) {
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

func (s *memStore) rows(prefix string, limit int) (found []row, err error) {
	all := make(map[string][]byte)
	err = s.read(func(f *memFile) {
		if f != nil {
			maps.Copy(all, f.rows)
		}
	})
	if s.open != nil {
		maps.Copy(all, s.open.rows)
	}
	for key, value := range all {
		if value != nil && strings.HasPrefix(key, prefix) {
			found = append(found, row{key, bytes.Clone(value)})
		}
	}
	slices.SortFunc(found, func(a, b row) int { return cmp.Compare(a.key, b.key) })
	if limit < len(found) {
		found = found[:limit]
	}
	return found, err
}

func (s *memStore) putRow(key string, value []byte) error {
	if err := s.read(func(*memFile) {}); err != nil {
		return err
	}
	s.begin().rows[key] = append([]byte{}, value...) // never nil
	s.writes++
	return nil
}

func (s *memStore) deleteRow(key string) error {
	_, found, err := s.row(key)
	if found && err == nil {
		s.begin().rows[key] = nil
		s.writes++
	}
	return err
}
