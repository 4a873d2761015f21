package jsonwire

import (
	"math"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/value"
)

// ErrorFromJSON is [FromJSON] for the error of an answer: it returns the payload and the code,
// which is "" if the error has none. A value that is not an error becomes the message of one.
func ErrorFromJSON(text []byte) (payload []byte, code lmz.Code, err error) {
	doc, err := scanJSON(text)
	if err != nil {
		return nil, "", err
	}
	return newJSONReader(doc).failure(0)
}

func (r *jsonReader) failure(i int32) (payload []byte, code lmz.Code, err error) {
	payload, err = r.document(i, func(r *jsonReader, body int32) error {
		code = r.takeCode(body)
		return r.value(body)
	})
	if err != nil {
		return nil, "", err
	}
	it, err := value.Parse(payload)
	if err != nil {
		return nil, "", err
	}
	if name, _, ok := it.Object(); ok && name == cbordoc.ObjectError {
		return payload, code, nil
	}
	message, ok := it.Text()
	if !ok {
		message = "the node returned a malformed error"
	}
	payload, err = value.Marshal(&lmz.Error{Message: message})
	return payload, "", err
}

// takeCode returns the code of the error at token i, if it has one, and omits that property.
func (r *jsonReader) takeCode(i int32) lmz.Code {
	i = r.resolve(i)
	if r.tokens[i].kind != jsonObject {
		return ""
	}
	members, err := r.membersOf(i)
	if err != nil {
		return ""
	}
	token, tag := members.value(cbordoc.MemberCode), members.value(jsonType)
	if token < 0 || tag < 0 || !r.is(tag, "error") || r.tokens[token].kind != jsonText {
		return ""
	}
	switch code := lmz.Code(r.chars(token)); code {
	case lmz.CodeCallee, lmz.CodeGuard, lmz.CodeAbsent, lmz.CodeGateway, lmz.CodeUnknown:
		r.code = token
		return code
	}
	return ""
}

// errorValue writes an error. Its name and message are converted to text, as in the original.
func (r *jsonReader) errorValue(members jsonMembers) error {
	var own jsonMembers
	stack, cause := int32(-1), int32(-1)
	for _, m := range members {
		switch {
		case m.name == jsonType, m.name == cbordoc.MemberName, m.name == cbordoc.MemberMessage, m.token == r.code:
		case m.name == cbordoc.MemberStack:
			if r.tokens[m.token].kind == jsonText {
				stack = m.token
			}
		case m.name == cbordoc.MemberCause:
			if !r.isUndefined(m.token) {
				cause = m.token
			}
		default:
			own = append(own, m)
		}
	}
	own = own.unescaped()
	n := 2 + len(own)
	for _, extra := range [...]int32{stack, cause} {
		if extra >= 0 {
			n++
		}
	}
	if err := r.openMembers(cbordoc.ObjectError, n); err != nil {
		return err
	}
	if err := r.errorTexts(members, stack); err != nil {
		return err
	}
	if cause >= 0 {
		r.Dst = cbordoc.AppendText(r.Dst, cbordoc.MemberCause)
		if err := r.value(cause); err != nil {
			return cbordoc.At(err, cbordoc.MemberCause)
		}
	}
	for _, m := range own {
		r.Dst = cbordoc.AppendText(r.Dst, m.name)
		if err := r.value(m.token); err != nil {
			return cbordoc.At(err, m.name)
		}
	}
	r.closeMembers()
	return nil
}

func (r *jsonReader) errorTexts(members jsonMembers, stack int32) error {
	r.Dst = cbordoc.AppendText(r.Dst, cbordoc.MemberName)
	if name := members.value(cbordoc.MemberName); name >= 0 && r.tokens[name].kind == jsonText && len(r.chars(name)) > 0 {
		if err := r.textOf(name); err != nil {
			return cbordoc.At(err, cbordoc.MemberName)
		}
	} else {
		r.Dst = cbordoc.AppendText(r.Dst, cbordoc.ObjectError)
	}
	r.Dst = cbordoc.AppendText(r.Dst, cbordoc.MemberMessage)
	switch message := members.value(cbordoc.MemberMessage); {
	case message < 0 || r.tokens[message].kind == jsonNull:
		r.Dst = cbordoc.AppendText(r.Dst, "")
	case r.tokens[message].kind == jsonText:
		if err := r.textOf(message); err != nil {
			return cbordoc.At(err, cbordoc.MemberMessage)
		}
	default:
		r.Dst = cbordoc.AppendText(r.Dst, string(r.chars(message)))
	}
	if stack < 0 {
		return nil
	}
	r.Dst = cbordoc.AppendText(r.Dst, cbordoc.MemberStack)
	return cbordoc.At(r.textOf(stack), cbordoc.MemberStack)
}

func (r *jsonReader) isUndefined(i int32) bool {
	if r.tokens[i].kind != jsonObject {
		return false
	}
	members, err := r.membersOf(i)
	if err != nil {
		return false
	}
	tag := members.value(jsonType)
	return tag >= 0 && r.is(tag, "undefined")
}

// headersValue writes header lines.
func (r *jsonReader) headersValue(members jsonMembers) error {
	i := members.value("entries")
	entries, ok := r.elements(i)
	if !ok {
		return r.wrong(i, "entries", "an array")
	}
	if err := r.openMembers(cbordoc.ObjectHeaders, 1); err != nil {
		return err
	}
	r.Dst = cbordoc.AppendText(r.Dst, "entries")
	if err := r.list(entries, r.headerLine); err != nil {
		return cbordoc.At(err, "entries")
	}
	r.closeMembers()
	return nil
}

func (r *jsonReader) headerLine(i int32) error {
	line, ok := r.elements(i)
	if !ok || len(line) != 2 || r.tokens[line[0]].kind != jsonText || r.tokens[line[1]].kind != jsonText {
		return &cbordoc.Error{What: "expected a name and a value, got " + r.describe(i)}
	}
	return r.list(line, r.textOf)
}

func (r *jsonReader) request(members jsonMembers) error {
	data, err := r.data(members)
	if err != nil {
		return err
	}
	url, err := r.memberText(data, "url")
	if err != nil {
		return cbordoc.At(err, "data")
	}
	method := "GET"
	if data.value("method") >= 0 {
		if method, err = r.memberText(data, "method"); err != nil {
			return cbordoc.At(err, "data")
		}
	}
	if err := r.openMembers(cbordoc.ObjectRequest, 4); err != nil {
		return err
	}
	r.Dst = cbordoc.AppendText(cbordoc.AppendText(r.Dst, "url"), url)
	r.Dst = cbordoc.AppendText(cbordoc.AppendText(r.Dst, "method"), method)
	return r.message(data)
}

func (r *jsonReader) response(members jsonMembers) error {
	data, err := r.data(members)
	if err != nil {
		return err
	}
	status := float64(200)
	if i := data.value("status"); i >= 0 {
		if status = r.float(i); r.tokens[i].kind != jsonNumber || status != math.Trunc(status) || status < 200 || status > 599 {
			return cbordoc.At(r.wrong(i, "status", "a status from 200 to 599"), "data")
		}
	}
	text := ""
	if data.value("statusText") >= 0 {
		if text, err = r.memberText(data, "statusText"); err != nil {
			return cbordoc.At(err, "data")
		}
	}
	if err := r.openMembers(cbordoc.ObjectResponse, 4); err != nil {
		return err
	}
	r.Dst = cbordoc.AppendInt(cbordoc.AppendText(r.Dst, "status"), int64(status))
	r.Dst = cbordoc.AppendText(cbordoc.AppendText(r.Dst, "statusText"), text)
	return r.message(data)
}

// data returns the members of a request or response.
func (r *jsonReader) data(members jsonMembers) (jsonMembers, error) {
	i := members.value("data")
	if i < 0 || r.tokens[i].kind != jsonObject {
		return nil, r.wrong(i, "data", "an object")
	}
	return r.membersOf(i)
}

// message writes the members that requests and responses share, and closes them.
func (r *jsonReader) message(data jsonMembers) error {
	r.Dst = cbordoc.AppendText(r.Dst, "headers")
	if err := r.messageHeaders(data.value("headers")); err != nil {
		return cbordoc.At(cbordoc.At(err, "headers"), "data")
	}
	r.Dst = cbordoc.AppendText(r.Dst, cbordoc.MemberBody)
	if i := data.value(cbordoc.MemberBody); i < 0 {
		r.Dst = append(r.Dst, cbordoc.ByteNull)
	} else if err := r.rawValue(i); err != nil {
		return cbordoc.At(cbordoc.At(err, cbordoc.MemberBody), "data")
	}
	r.closeMembers()
	return nil
}

func (r *jsonReader) messageHeaders(i int32) error {
	if i < 0 || r.tokens[i].kind == jsonNull {
		if err := r.openMembers(cbordoc.ObjectHeaders, 1); err != nil {
			return err
		}
		r.Dst = cbordoc.AppendHead(cbordoc.AppendText(r.Dst, "entries"), cbordoc.MajorArray, 0)
		r.closeMembers()
		return nil
	}
	if headers := r.resolve(i); r.tokens[headers].kind == jsonObject {
		members, err := r.membersOf(headers)
		if err != nil {
			return err
		}
		if tag := members.value(jsonType); tag >= 0 && r.is(tag, "headers") {
			return r.value(i)
		}
	}
	return &cbordoc.Error{What: "expected headers, got " + r.describe(i)}
}
