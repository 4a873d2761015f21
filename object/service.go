package object

import (
	"io"
	"log/slog"
	"reflect"
	"slices"
	"sync"
)

// Service returns the service of type T that the object has, and has create make it the
// first time: something that several parts of an object's code share and that belongs
// to this object alone, such as a cache, a counter, or a wrapper of its storage. There
// is no registry: whoever imports the service's package has it.
//
//	func (d *document) save(ctx context.Context, text string) error {
//		return object.Service(d.Object, history.New).Add(ctx, text)
//	}
//
// A service lives as long as the object's handler does: when the object is closed it is
// dropped, after its Close method, if it is an [io.Closer]. create may ask for other
// services, but has no turn yet: it must not use storage. Service may be called from any
// goroutine.
func Service[T any](o *Object, create func(*Object) T) T {
	kind := reflect.TypeFor[T]()
	if s, ok := o.services.get(kind); ok {
		return s.(T)
	}
	return o.services.add(kind, create(o)).(T)
}

// services are those of one object, by type.
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

// add returns the service that was first.
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

// close drops all, the last that was made first.
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
