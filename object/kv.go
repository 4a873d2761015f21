package object

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/value"
)

// KV is the key-value storage of one object. Keys are any valid UTF-8; a value is anything
// that can be an argument of a call, and is read back equal.
//
// Its methods require the ctx of the object's handler, or one derived from it, while the
// handler has the turn; with any other they fail with [ErrNoTurn]. Writes become durable
// when the turn ends, and are rolled back if the handler returns an error or panics.
type KV struct {
	in access
}

// Get decodes the value of key into the variable that into points to, and reports whether
// there was one. If not, it leaves the variable unchanged.
func (kv *KV) Get(ctx context.Context, key string, into any) (found bool, err error) {
	var data []byte
	err = kv.in.use(ctx, func(s store.Store) error {
		data, found, err = s.Get(key)
		return err
	})
	if err != nil || !found {
		return false, err
	}
	return true, value.Unmarshal(data, into)
}

// Put stores v under key. Storing an unchanged value writes nothing, and so costs nothing.
func (kv *KV) Put(ctx context.Context, key string, v any) error {
	if !utf8.ValidString(key) {
		return errors.New("a key must be valid UTF-8")
	}
	data, err := value.Marshal(v)
	if err != nil {
		return err
	}
	return kv.in.use(ctx, func(s store.Store) error { return s.Put(key, data) })
}

// Delete removes key and its value, if present.
func (kv *KV) Delete(ctx context.Context, key string) error {
	return kv.in.use(ctx, func(s store.Store) error { return s.Delete(key) })
}

// Range selects entries of a KV. The zero value selects all, in byte order.
type Range struct {
	Prefix  string // keys that begin with it
	Start   string // keys >= Start
	End     string // keys < End; "" means no end
	Limit   int    // at most this many; 0 means no limit
	Bytes   int    // stop once the values have this many bytes; 0 means no limit
	Reverse bool   // from the last to the first
}

// Entry is a key with its value.
type Entry struct {
	Key   string
	value []byte
}

// Decode decodes the value into the variable that into points to.
func (e Entry) Decode(into any) error { return value.Unmarshal(e.value, into) }

// Entries returns the entries in a range.
func (kv *KV) Entries(ctx context.Context, r Range) (entries []Entry, err error) {
	err = kv.in.use(ctx, func(s store.Store) error {
		found, err := s.Entries(store.Range(r))
		entries = make([]Entry, len(found))
		for i, e := range found {
			entries[i] = Entry{e.Key, e.Value}
		}
		return err
	})
	return entries, err
}

// DeleteAll removes all keys and their values, and returns how many there were. SQL tables
// are kept.
func (kv *KV) DeleteAll(ctx context.Context) (n int, err error) {
	err = kv.in.use(ctx, func(s store.Store) error {
		n, err = s.DeleteAll()
		return err
	})
	return n, err
}

// List returns the keys that begin with prefix, in byte order. An empty prefix
// lists all keys.
func (kv *KV) List(ctx context.Context, prefix string) (keys []string, err error) {
	err = kv.in.use(ctx, func(s store.Store) error {
		entries, err := s.Entries(store.Range{Prefix: prefix})
		for _, e := range entries {
			keys = append(keys, e.Key)
		}
		return err
	})
	return keys, err
}
