package proto

import (
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/value"
)

// wireContext is a call context as it travels in a call frame.
type wireContext struct {
	Chain       [][]string            `lmz:"chain,omitempty"` // [type, binding] or [type, binding, instance]
	Auth        *wireAuth             `lmz:"auth,omitempty"`
	State       map[string]value.Item `lmz:"state,omitempty"`
	ClientState map[string]value.Item `lmz:"clientState,omitempty"`
}

type wireAuth struct {
	Subject string         `lmz:"sub"`
	Claims  map[string]any `lmz:"claims,omitempty"`
}

// MarshalContext encodes c for a frame, without Self, which the callee knows.
func MarshalContext(c lmz.CallContext) ([]byte, error) {
	w := wireContext{}
	for _, hop := range c.Chain {
		id := []string{string(hop.Type), hop.Binding}
		if hop.Instance != "" {
			id = append(id, hop.Instance)
		}
		w.Chain = append(w.Chain, id)
	}
	if c.Auth != nil {
		w.Auth = &wireAuth{Subject: c.Auth.Subject, Claims: c.Auth.Claims}
	}
	var err error
	if w.State, err = stateItems(c.State); err != nil {
		return nil, err
	}
	if w.ClientState, err = stateItems(c.ClientState); err != nil {
		return nil, err
	}
	return value.Marshal(w)
}

func stateItems(state map[string]lmz.Value) (map[string]value.Item, error) {
	if len(state) == 0 {
		return nil, nil
	}
	items := make(map[string]value.Item, len(state))
	for key, v := range state {
		if item, ok := v.(value.Item); ok {
			items[key] = item
			continue
		}
		encoded, err := encodeValue(v)
		if err != nil {
			return nil, cbordoc.At(err, key)
		}
		items[key] = encoded.(value.Item)
	}
	return items, nil
}

// EncodedState returns state with its values encoded, so that nodes share no memory.
func EncodedState(state map[string]lmz.Value) (map[string]lmz.Value, error) {
	for _, v := range state {
		if _, encoded := v.(value.Item); !encoded {
			items, err := stateItems(state)
			return StateValues(items), err
		}
	}
	return state, nil
}

// UnmarshalContext decodes the context of a call frame.
func UnmarshalContext(data []byte) (lmz.CallContext, error) {
	var w wireContext
	var c lmz.CallContext
	if err := value.Unmarshal(data, &w); err != nil {
		return c, err
	}
	for _, hop := range w.Chain {
		if len(hop) < 2 {
			continue // a hop of a kind that this version does not know
		}
		id := lmz.Identity{Type: lmz.NodeType(hop[0]), Address: lmz.Worker(hop[1])}
		if len(hop) > 2 {
			id.Instance = hop[2]
		}
		c.Chain = append(c.Chain, id)
	}
	if w.Auth != nil {
		c.Auth = &lmz.Auth{Subject: w.Auth.Subject, Claims: w.Auth.Claims}
	}
	c.State, c.ClientState = StateValues(w.State), StateValues(w.ClientState)
	return c, nil
}

func StateValues(items map[string]value.Item) map[string]lmz.Value {
	if len(items) == 0 {
		return nil
	}
	values := make(map[string]lmz.Value, len(items))
	for key, item := range items {
		values[key] = item
	}
	return values
}
