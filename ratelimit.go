package lmz

import (
	"errors"
	"strconv"
	"time"
)

// RateLimited is the class name of the error of a call that was refused because its
// caller makes too many. It was not executed; see [RetryAfter].
const RateLimited = "RateLimitedError"

// QuotaExceeded is the class name of the error of a call that was refused because its
// caller already holds as much of something as it may, such as objects or stored bytes.
// Waiting does not help; freeing some does.
const QuotaExceeded = "QuotaExceededError"

// ErrQuotaExceeded matches an [*Error] of that name.
var ErrQuotaExceeded = errors.New("quota exceeded")

// Fields of both errors. The time is in milliseconds from now.
const (
	retryAfterMs  = "retryAfterMs"
	exceededField = "exceeded"
	limitField    = "limit"
)

// NewRateLimited returns the error for a caller that has exceeded the budget named what
// and may call again after wait, which is rounded up to milliseconds. Gateways use it.
func NewRateLimited(what string, wait time.Duration) *Error {
	ms := (wait + time.Millisecond - 1) / time.Millisecond
	return &Error{
		Code:    CodeGateway,
		Name:    RateLimited,
		Message: "too many calls (" + what + "); call again in " + (ms * time.Millisecond).String(),
		Fields:  map[string]any{retryAfterMs: int64(ms), exceededField: what},
	}
}

// NewQuotaExceeded returns the error for a caller that already holds limit of the budget
// named what. Gateways use it.
func NewQuotaExceeded(what string, limit int64) *Error {
	return &Error{
		Code:    CodeGateway,
		Name:    QuotaExceeded,
		Message: "the account's limit of " + strconv.FormatInt(limit, 10) + " (" + what + ") is reached; remove some, or ask an administrator",
		Fields:  map[string]any{exceededField: what, limitField: limit},
	}
}

// Exceeded returns the budget that a RateLimitedError or QuotaExceededError names, such
// as "steps" or "stored", or "" for any other error.
func Exceeded(err error) string {
	var e *Error
	if !errors.As(err, &e) || e.Name != RateLimited && e.Name != QuotaExceeded {
		return ""
	}
	what, _ := e.Fields[exceededField].(string)
	return what
}

// RetryAfter returns how long to wait before the call that failed with err is made
// again, if that is what err says.
func RetryAfter(err error) (wait time.Duration, ok bool) {
	var e *Error
	if !errors.As(err, &e) || e.Name != RateLimited {
		return 0, false
	}
	switch ms := e.Fields[retryAfterMs].(type) {
	case int64:
		return time.Duration(ms) * time.Millisecond, true
	case float64: // in JSON all numbers are
		return time.Duration(ms * float64(time.Millisecond)), true
	}
	return 0, false
}
