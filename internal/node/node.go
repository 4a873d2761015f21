// Package node is the part of package lmz that only the runtimes of nodes need: running a call in
// its call context, distinguishing refusals from failures, and creating the errors that only a
// gateway may create. The runtimes are package client, package object, package gateway and their
// internals.
package node

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/errtype"
	"github.com/lumenize/lmz/internal/scope"
)

// WithCallContext returns a ctx for a new call whose guards and methods see c.
func WithCallContext(ctx context.Context, c lmz.CallContext) context.Context {
	return scope.With(ctx, c)
}

// SendOptions combines the options of one Send. The last reply wins.
func SendOptions(options []lmz.SendOption) (all lmz.SendOption) {
	for _, o := range options {
		if len(o.Reply.Ops()) > 0 {
			all.Reply, all.ErrorsOnly = o.Reply, o.ErrorsOnly
		}
	}
	return all
}

// PublicError returns the part of err that may leave the node: the first [*lmz.Error] in its
// tree, or the first error of a registered type as one. It returns nil if there is neither.
func PublicError(err error) *lmz.Error {
	return errtype.First(err, func(name, message string, fields map[string]any, cause error) *lmz.Error {
		return &lmz.Error{Name: name, Message: message, Fields: fields, Cause: cause}
	})
}

// Refused returns the code of a refusal by an [lmz.Mux] of this process, and "" for any other
// error: one that a handler returned, or that came from another node. It distinguishes "refused
// here" from "failed here because another node refused".
func Refused(err error) lmz.Code {
	var refused *errtype.Refused
	var first, own *lmz.Error
	if errors.As(err, &refused) && errors.As(err, &first) && errors.As(refused.Err, &own) && own == first {
		return own.Code
	}
	return ""
}

// NewClientDisconnected returns the error of a call to a client whose session has ended.
func NewClientDisconnected(instance string, code lmz.Code, message string) *lmz.Error {
	return &lmz.Error{
		Code:    code,
		Name:    errtype.ClientDisconnected,
		Message: message,
		Fields:  map[string]any{errtype.ClientInstanceName: instance},
	}
}

// NewRateLimited returns the error for a caller that has exceeded the budget named what and
// may call again after wait, which is rounded up to milliseconds.
func NewRateLimited(what string, wait time.Duration) *lmz.Error {
	ms := (wait + time.Millisecond - 1) / time.Millisecond
	return &lmz.Error{
		Code:    lmz.CodeGateway,
		Name:    errtype.RateLimited,
		Message: "too many calls (" + what + "); call again in " + (ms * time.Millisecond).String(),
		Fields:  map[string]any{errtype.RetryAfterMs: int64(ms), errtype.Exceeded: what},
	}
}

// NewQuotaExceeded returns the error for a caller that already holds limit of the budget
// named what.
func NewQuotaExceeded(what string, limit int64) *lmz.Error {
	return &lmz.Error{
		Code: lmz.CodeGateway,
		Name: errtype.QuotaExceeded,
		Message: "the account's limit of " + strconv.FormatInt(limit, 10) + " (" + what +
			") is reached; remove some, or ask an administrator",
		Fields: map[string]any{errtype.Exceeded: what, errtype.Limit: limit},
	}
}
