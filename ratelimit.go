package lmz

import (
	"errors"
	"time"

	"github.com/lumenize/lmz/internal/errtype"
)

// Exceeded returns the budget that an [ErrRateLimited] or [ErrQuotaExceeded] names, such as
// "steps" or "stored", or "" for any other error.
func Exceeded(err error) string {
	var e *Error
	if !errors.As(err, &e) || e.Name != errtype.RateLimited && e.Name != errtype.QuotaExceeded {
		return ""
	}
	what, _ := e.Fields[errtype.Exceeded].(string)
	return what
}

// RetryAfter returns how long to wait before the call that failed with err is made again. It
// reports false if err does not say so.
func RetryAfter(err error) (wait time.Duration, ok bool) {
	var e *Error
	if !errors.As(err, &e) || e.Name != errtype.RateLimited {
		return 0, false
	}
	switch ms := e.Fields[errtype.RetryAfterMs].(type) {
	case int64:
		return time.Duration(ms) * time.Millisecond, true
	case float64: // in JSON all numbers are
		return time.Duration(ms * float64(time.Millisecond)), true
	}
	return 0, false
}
