package object

import (
	"reflect"
)

// Service returns the object's service of type T, calling create the first time. A service
// is something that several parts of an object's code share and that belongs to this object
// alone, such as a cache, a counter, or a wrapper of its storage. There is no registry:
// importing the service's package is enough.
//
//	func (d *document) save(ctx context.Context, text string) error {
//		return object.Service(d.Object, history.New).Add(ctx, text)
//	}
//
// A service lives as long as the object's handler does: when the object is closed it is
// dropped, after its Close method, if it is an [io.Closer]. create may call Service for
// others, but has no turn yet: it must not use storage. Service is safe for concurrent use.
func Service[T any](o *Object, create func(*Object) T) T {
	kind := reflect.TypeFor[T]()
	if s, ok := o.services.get(kind); ok {
		return s.(T)
	}
	return o.services.add(kind, create(o)).(T)
}
