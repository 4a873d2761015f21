package object

import (
	"reflect"
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
