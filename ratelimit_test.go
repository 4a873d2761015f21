package lmz_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/node"
)

func TestRetryAfter(t *testing.T) {
	err := node.NewRateLimited("steps", 20*time.Millisecond+1)
	if wait, ok := lmz.RetryAfter(fmt.Errorf("calling: %w", err)); !ok || wait != 21*time.Millisecond {
		t.Errorf("%v, %v", wait, ok)
	}
	if !errors.Is(err, lmz.ErrRateLimited) || errors.Is(err, lmz.ErrQuotaExceeded) || !errors.Is(err, lmz.ErrNotExecuted) {
		t.Errorf("%v has another name", err)
	}
	fromJSON := &lmz.Error{Name: errtype.RateLimited, Fields: map[string]any{"retryAfterMs": 1.5}}
	if wait, ok := lmz.RetryAfter(fromJSON); !ok || wait != 1500*time.Microsecond {
		t.Errorf("%v, %v", wait, ok)
	}
	for _, other := range []error{nil, lmz.Errorf("x"), &lmz.Error{Name: errtype.RateLimited}} {
		if _, ok := lmz.RetryAfter(other); ok {
			t.Errorf("%v says when to call again", other)
		}
	}
}
