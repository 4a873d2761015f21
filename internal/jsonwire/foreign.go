package jsonwire

import (
	"errors"
	"strconv"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// ForeignMessages is [Messages] with the codec of another language, which turns JSON
// texts into CBOR and back. A message is, as CBOR, an array of
//
//	type, call id, binding, instance, call context, chain, who failed, payload,
//	subscription required, what is wrong
//
// where the call context, chain and payload are byte strings that hold documents, or are empty
// for none. What is wrong is text: a reader uses it to say why a call whose id it could read
// cannot be executed.
type ForeignMessages struct {
	ToJSON   func(cbor []byte) (text []byte, err error)
	FromJSON func(text []byte) (cbor []byte, err error)
}

// Write implements [Messages].
func (c ForeignMessages) Write(m *Message) ([]byte, error) {
	b := cbordoc.AppendHead(nil, cbordoc.MajorArray, 10)
	b = cbordoc.AppendText(cbordoc.AppendText(b, m.Type), m.CallID)
	b = cbordoc.AppendText(cbordoc.AppendText(b, m.To.Binding), m.To.Instance)
	b = cbordoc.AppendBytes(cbordoc.AppendBytes(b, m.Context), m.Chain)
	b = cbordoc.AppendBytes(cbordoc.AppendText(b, string(m.Answer.Failed)), m.Answer.Payload)
	b = cbordoc.AppendText(cbordoc.AppendBool(b, m.SubscriptionRequired), "")
	text, err := c.ToJSON(b)
	if err == nil && len(text) > proto.MaxFrame {
		err = cbordoc.TooLarge(proto.MaxFrame)
	}
	return text, err
}

// Read implements [Messages].
func (c ForeignMessages) Read(text []byte) (Message, error) {
	var m Message
	data, err := c.FromJSON(text)
	if err != nil {
		return m, err
	}
	whole, err := value.Parse(data)
	if err != nil {
		return m, err
	}
	items, _ := whole.Elements()
	if len(items) != 10 {
		return m, errors.New("a message has " + strconv.Itoa(len(items)) + " elements")
	}
	m.Type, m.CallID = textOf(items[0]), textOf(items[1])
	m.To = lmz.Address{Binding: textOf(items[2]), Instance: textOf(items[3])}
	m.Context, m.Chain = bytesOf(items[4]), bytesOf(items[5])
	m.Answer = proto.Answer{Failed: lmz.Code(textOf(items[6])), Payload: bytesOf(items[7])}
	m.SubscriptionRequired = items[8].IsTrue()
	if wrong := textOf(items[9]); wrong != "" {
		return m, errors.New(wrong)
	}
	return m, nil
}

func textOf(it value.Item) string {
	text, _ := it.Text()
	return text
}

func bytesOf(it value.Item) []byte {
	b, _ := it.Bytes()
	return b
}
