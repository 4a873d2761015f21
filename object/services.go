package object

import (
	"io"
	"log/slog"
	"reflect"
	"slices"
	"sync"
)

// services are the services of one object, by type.
type services struct {
	mu    sync.Mutex // guards the following fields
	made  map[reflect.Type]any
	order []any
}

func (s *services) get(kind reflect.Type) (any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.made[kind]
	return found, ok
}

// add adds a service unless its type already has one, and returns the one in use.
func (s *services) add(kind reflect.Type, made any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.made[kind]; ok {
		return first
	}
	if s.made == nil {
		s.made = make(map[reflect.Type]any)
	}
	s.made[kind] = made
	s.order = append(s.order, made)
	return made
}

// close drops all services, in reverse order of creation.
func (s *services) close(log *slog.Logger) {
	s.mu.Lock()
	order := s.order
	s.made, s.order = nil, nil
	s.mu.Unlock()
	for _, service := range slices.Backward(order) {
		closer, ok := service.(io.Closer)
		if !ok {
			continue
		}
		if err := protect(closer.Close); err != nil {
			log.Error("closing a service failed", "service", reflect.TypeOf(service).String(), "error", err)
		}
	}
}
