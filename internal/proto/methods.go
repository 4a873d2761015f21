package proto

import (
	"strconv"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/value"
)

// Methods returns the names of the methods that an encoded chain calls: its own first, then those
// of the continuations among its arguments, at any depth. It evaluates nothing. It fails for a
// chain that no node would execute.
func Methods(chain []byte) ([]string, error) {
	doc, err := value.Parse(chain)
	if err != nil {
		return nil, BadChain(err.Error())
	}
	names, err := chainMethods(nil, doc)
	if err != nil {
		return names, err
	}
	for object := range doc.Objects() {
		name, members, _ := object.Object()
		if name != cbordoc.ObjectContinuation || len(members) != 1 {
			continue
		}
		if names, err = chainMethods(names, members[0]); err != nil {
			break
		}
	}
	return names, err
}

// FirstMethod returns the name of the first method that an encoded chain calls, without
// reading the rest, or "" if there is none.
func FirstMethod(chain []byte) string {
	r := frameReader{data: chain}
	r.head(cbordoc.MajorArray)
	return string(r.text())
}

// chainMethods appends the names of one chain.
func chainMethods(names []string, chain value.Item) ([]string, error) {
	ops, ok := chain.Elements()
	if !ok || len(ops) == 0 || len(ops)%2 != 0 || len(ops) > lmz.MaxOperations {
		return nil, BadChain("it must name methods and call them, at most " + strconv.Itoa(lmz.MaxOperations/2))
	}
	for i := 0; i < len(ops); i += 2 {
		name, ok := ops[i].Text()
		if !ok {
			return nil, BadChain("a method name must be text")
		}
		names = append(names, name)
	}
	if len(names) > maxSteps {
		return nil, BadChain("continuations ask for more than " + strconv.Itoa(maxSteps) + " calls")
	}
	return names, nil
}
