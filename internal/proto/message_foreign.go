package proto

import (
	"errors"
	"strconv"

	"github.com/lumenize/lmz"
)

// ForeignMessages is [Messages] with the codec of another language, which turns JSON
// texts into CBOR and back. A message is, as CBOR, an array of
//
//	type, call id, binding, instance, call context, chain, who failed, payload,
//	subscription required, what is wrong
//
// where the call context, chain and payload are byte strings with documents of
// their own, empty for none. What is wrong is text: a reader says there why a call,
// whose id it could read, cannot be executed.
type ForeignMessages struct {
	ToJSON   func(cbor []byte) (text []byte, err error)
	FromJSON func(text []byte) (cbor []byte, err error)
}

// Write implements [Messages].
func (c ForeignMessages) Write(m *Message) ([]byte, error) {
	b := appendHead(nil, majorArray, 10)
	b = appendText(appendText(b, m.Type), m.CallID)
	b = appendText(appendText(b, m.To.Binding), m.To.Instance)
	b = appendBytes(appendBytes(b, m.Context), m.Chain)
	b = appendBytes(appendText(b, string(m.Answer.Failed)), m.Answer.Payload)
	b = appendText(appendBool(b, m.SubscriptionRequired), "")
	text, err := c.ToJSON(b)
	if err == nil && len(text) > MaxFrame {
		err = tooLarge{MaxFrame}
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
	whole, err := Parse(data)
	if err != nil {
		return m, err
	}
	items, _ := whole.Elements()
	if len(items) != 10 {
		return m, errors.New("a message has " + strconv.Itoa(len(items)) + " elements")
	}
	m.Type, m.CallID = items[0].text(), items[1].text()
	m.To = lmz.Address{Binding: items[2].text(), Instance: items[3].text()}
	m.Context, m.Chain = items[4].octets(), items[5].octets()
	m.Answer = Answer{Failed: lmz.Code(items[6].text()), Payload: items[7].octets()}
	m.SubscriptionRequired = items[8].Raw()[0] == byteTrue
	if wrong := items[9].text(); wrong != "" {
		return m, errors.New(wrong)
	}
	return m, nil
}

func (it Item) text() string {
	text, _ := it.Text()
	return text
}

// octets returns a copy of a byte string, nil for any other value.
func (it Item) octets() []byte {
	h, pos := headAt(it.data, it.start)
	if h.major != majorBytes {
		return nil
	}
	return append([]byte(nil), it.data[pos:pos+int(h.arg)]...)
}
