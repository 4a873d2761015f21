package lmz

// DefaultGateway is the default binding of clients: the original's default (PROTOCOL.md,
// "Connecting").
const DefaultGateway = "LUMENIZE_CLIENT_GATEWAY"

// NodeType is the kind of a node, spelled as on the wire.
type NodeType string

// The kinds of node.
const (
	TypeObject NodeType = "LumenizeDO"     // stateful, one per (binding, instance)
	TypeWorker NodeType = "LumenizeWorker" // stateless, no instance
	TypeClient NodeType = "LumenizeClient" // outside the gateway
)

// Address names a node: the binding it is registered under and, for objects and
// clients, the instance. A worker has no instance. The zero value names nothing.
type Address struct {
	Binding  string
	Instance string
}

// At returns the address of an object or a client.
func At(binding, instance string) Address { return Address{binding, instance} }

// Worker returns the address of a worker, which has no instance.
func Worker(binding string) Address { return Address{Binding: binding} }

// String returns the address in the form BINDING/instance, for messages and logs.
func (a Address) String() string {
	if a.Instance == "" {
		return a.Binding
	}
	return a.Binding + "/" + a.Instance
}

// Identity is the address of a node together with its kind. The gateway vouches
// for it; a node never states its own.
type Identity struct {
	Type NodeType
	Address
}
