package test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/object"
)

// keeperSchema creates the tables of version 1's keeper, with a later migration.
var keeperSchema = []string{
	`CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)`,
	`ALTER TABLE note ADD COLUMN weight REAL NOT NULL DEFAULT 1.5`,
	`ALTER TABLE note ADD COLUMN more TEXT NOT NULL DEFAULT 'new'`,
}

// keeper is the object of testdata/v1/make, which exposes what it stores.
type keeper struct {
	*object.Object
	lmz.Mux
}

func newKeeper(o *object.Object) lmz.Handler {
	k := &keeper{Object: o}
	lmz.Method0[[]any]("values").Expose(&k.Mux, lmz.Anyone, k.values)
	lmz.Method0[[]string]("notes").Expose(&k.Mux, lmz.Anyone, k.notes)
	lmz.Method0[[]string]("alarms").Expose(&k.Mux, lmz.Anyone, k.alarms)
	lmz.Method1[string, []string]("strings").Expose(&k.Mux, lmz.Anyone, k.strings)
	lmz.Method0[int]("count").Expose(&k.Mux, lmz.Anyone, k.count)
	lmz.Method0[string]("slow").Expose(&k.Mux, lmz.Anyone, func(context.Context) (string, error) { return "ran twice", nil })
	for method, key := range map[string]string{"receive": "received", "ended": "ended", "ring": "rang"} {
		lmz.Method1[string, struct{}](method).Expose(&k.Mux, lmz.Anyone, func(ctx context.Context, text string) (struct{}, error) {
			return struct{}{}, k.add(ctx, key, text)
		})
	}
	lmz.Method2[string, any, struct{}]("heard").Expose(&k.Mux, lmz.NoOne, func(ctx context.Context, text string, _ any) (struct{}, error) {
		return struct{}{}, k.add(ctx, "heard", text)
	})
	lmz.Method1[*lmz.Error, struct{}]("answered").Expose(&k.Mux, lmz.NoOne, func(ctx context.Context, err *lmz.Error) (struct{}, error) {
		return struct{}{}, k.add(ctx, "answered", string(err.Code))
	})
	return k
}

func (k *keeper) add(ctx context.Context, key, text string) error {
	all, err := k.strings(ctx, key)
	return errors.Join(err, k.KV().Put(ctx, key, append(all, text)))
}

func (k *keeper) strings(ctx context.Context, key string) (all []string, err error) {
	_, err = k.KV().Get(ctx, key, &all)
	return all, err
}

func (k *keeper) values(ctx context.Context) (all []any, err error) {
	_, err = k.KV().Get(ctx, "values", &all)
	return all, err
}

func (k *keeper) notes(ctx context.Context) (all []string, err error) {
	rows, err := object.QueryAll[struct {
		Text   string
		Weight float64
		More   string
	}](ctx, k.SQL(), `SELECT text, weight, more FROM note ORDER BY id`)
	for _, r := range rows {
		all = append(all, fmt.Sprint(r.Text, " ", r.Weight, " ", r.More))
	}
	return all, err
}

func (k *keeper) alarms(ctx context.Context) (ids []string, err error) {
	all, err := k.Alarms().List(ctx, object.AlarmFilter{})
	for _, a := range all {
		ids = append(ids, a.ID)
	}
	return ids, err
}

func (k *keeper) count(ctx context.Context) (int, error) {
	var n int
	_, err := k.KV().Get(ctx, "n", &n)
	return n + 1, errors.Join(err, k.KV().Put(ctx, "n", n+1))
}

// TestFramesOfVersion1 decodes recorded frames, and encodes them again unchanged.
func TestFramesOfVersion1(t *testing.T) {
	values := v1Lines(t, "value")
	for kind, again := range map[string]func(data []byte) ([]byte, error){
		"frame": func(data []byte) ([]byte, error) {
			f, err := proto.ParseFrame(data)
			return f.Append(nil), err
		},
		"value": func(data []byte) ([]byte, error) {
			var v any
			if err := value.Unmarshal(data, &v); err != nil {
				return nil, err
			}
			return value.Marshal(v)
		},
		"chain": func(data []byte) ([]byte, error) {
			c, err := value.UnmarshalChain(data)
			if err != nil {
				return nil, err
			}
			return value.MarshalChain(c)
		},
		"context": func(data []byte) ([]byte, error) {
			c, err := proto.UnmarshalContext(data)
			if err != nil {
				return nil, err
			}
			return proto.MarshalContext(c)
		},
	} {
		for name, line := range v1Lines(t, kind) {
			data, err := hex.DecodeString(line)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := again(data); err != nil || hex.EncodeToString(got) != line {
				t.Errorf("%s %s: %x, %v; want %s", kind, name, got, err, line)
			}
		}
	}
	for name, line := range v1Lines(t, "json") {
		data, err := jsonwire.FromJSON([]byte(line))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := jsonwire.ToJSON(data); err != nil || string(again) != line {
			t.Errorf("%s in JSON: %s, %v; want %s", name, again, err, line)
		}
		if name == "negative-zero" { // its sign was lost
			line = `{"json":-0,"meta":{}}`
		}
		if got, err := jsonwire.ToJSON(must(hex.DecodeString(values[name]))); err != nil || string(got) != line {
			t.Errorf("%s to JSON: %s, %v; want %s", name, got, err, line)
		}
	}
}
