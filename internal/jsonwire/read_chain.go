package jsonwire

import (
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/proto"
)

// ChainFromJSON translates an encoded chain of the original into CBOR (PROTOCOL.md,
// "Continuations"). It resolves references and checks the limits.
func ChainFromJSON(text []byte) ([]byte, error) {
	doc, err := scanJSON(text)
	if err != nil {
		return nil, err
	}
	return newJSONReader(doc).chainDocument(0)
}

func (r *jsonReader) chainDocument(i int32) ([]byte, error) {
	doc, err := r.document(i, (*jsonReader).chain)
	if err == nil && doc[0] == cbordoc.ByteUndefined {
		return nil, proto.BadChain("operations must be an array")
	}
	return doc, err
}

// continuation writes a nested continuation, or the placeholder for a reply's outcome.
func (r *jsonReader) continuation(members jsonMembers) error {
	chain := r.resolve(members.value(nestedChain))
	if chain < 0 {
		return proto.BadChain("invalid nested operation marker: missing " + nestedChain)
	}
	if r.isResult(chain) {
		return r.Result()
	}
	if err := r.Writer.Object(cbordoc.ObjectContinuation); err != nil {
		return err
	}
	if err := r.chain(chain); err != nil {
		return err
	}
	r.EndObject()
	return nil
}

func (r *jsonReader) isResult(chain int32) bool {
	ops, _ := r.elements(chain)
	if len(ops) != 1 {
		return false
	}
	op := r.resolve(ops[0])
	if r.tokens[op].kind != jsonObject {
		return false
	}
	members, err := r.membersOf(op)
	if err != nil {
		return false
	}
	kind, key := members.value("type"), members.value("key")
	return kind >= 0 && key >= 0 && r.is(kind, "get") && r.is(key, resultKey)
}

// chain writes the operations at token i.
func (r *jsonReader) chain(i int32) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	ops, ok := r.elements(r.resolve(i))
	if !ok {
		return proto.BadChain("operations must be an array")
	}
	if len(ops) > lmz.MaxOperations {
		return tooManyOperations(len(ops))
	}
	return r.list(ops, r.operation)
}

func (r *jsonReader) operation(i int32) error {
	i = r.resolve(i)
	if r.tokens[i].kind != jsonObject {
		return proto.BadChain("an operation is " + r.describe(i))
	}
	members, err := r.membersOf(i)
	if err != nil {
		return err
	}
	switch kind := members.value("type"); {
	case kind < 0:
		return proto.BadChain("an operation has no type")
	case r.is(kind, "get"):
		return r.key(members.value("key"))
	case r.is(kind, "apply"):
		args, ok := r.elements(r.resolve(members.value("args")))
		if !ok {
			return proto.BadChain("an operation applies without args")
		}
		if len(args) > lmz.MaxArguments {
			return tooManyArguments(len(args))
		}
		return cbordoc.At(r.list(args, r.value), "args")
	}
	return proto.BadChain("an operation is of an unknown type")
}

// key writes the name that an operation reads. JavaScript converts numbers to text.
func (r *jsonReader) key(i int32) error {
	switch {
	case i >= 0 && r.tokens[i].kind == jsonText:
		return r.textOf(i)
	case i >= 0 && r.tokens[i].kind == jsonNumber && specialNumber(r.float(i)) == "":
		r.Dst = cbordoc.AppendText(r.Dst, string(appendJSONFloat(nil, r.float(i)+0))) // as a name, -0 is 0
		return nil
	}
	return proto.BadChain("the key of an operation is " + r.describe(i))
}
