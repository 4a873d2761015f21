package lmz

import (
	"errors"
	"time"
)

// RateLimited is the class name of the error of a call that was refused because its
// caller makes too many. It was not executed; see [RetryAfter].
const RateLimited = "RateLimitedError"

// retryAfterMs is the field of a RateLimitedError that says when to call again, in
// milliseconds from now.
const retryAfterMs = "retryAfterMs"

// NewRateLimited makes the error that says that a call may be made again after a
// while. Gateways make it.
func NewRateLimited(wait time.Duration) *Error {
	ms := (wait + time.Millisecond - 1) / time.Millisecond
	return &Error{
		Code:    CodeGateway,
		Name:    RateLimited,
		Message: "too many calls; call again in " + (ms * time.Millisecond).String(),
		Fields:  map[string]any{retryAfterMs: int64(ms)},
	}
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
