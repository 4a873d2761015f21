package lmz_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// quotaError is an error of an application.
type quotaError struct {
	Limit  int
	Plan   string
	secret string
}

func (e *quotaError) Error() string { return fmt.Sprintf("over the quota of %d", e.Limit) }

// kindError is one that is no pointer.
type kindError struct{ Kind string }

func (e kindError) Error() string { return e.Kind }

type plainError struct{ Path string }

func (e *plainError) Error() string { return "cannot open " + e.Path }

func init() {
	lmz.RegisterError[*quotaError]("QuotaError")
	lmz.RegisterError[kindError]("KindError")
}

// across sends an error as an answer.
func across(err error) error {
	_, err = proto.NewAnswer(nil, err).Result()
	return err
}

func TestRegisteredErrorTypes(t *testing.T) {
	err := across(fmt.Errorf("saving: %w", &quotaError{Limit: 5, Plan: "free", secret: "x"}))
	var quota *quotaError
	if !errors.As(err, &quota) || quota.Limit != 5 || quota.Plan != "free" || quota.secret != "" {
		t.Errorf("got %v as %+v", err, quota)
	}
	if lmz.CodeOf(err) != lmz.CodeCallee || err.Error() != "QuotaError: over the quota of 5" {
		t.Errorf("got %q with code %q", err, lmz.CodeOf(err))
	}
	var kind kindError
	if err := across(kindError{"blue"}); !errors.As(err, &kind) || kind.Kind != "blue" {
		t.Errorf("got %v as %+v", err, kind)
	}
	if errors.As(across(kindError{"blue"}), &quota) && quota.Limit == 0 {
		t.Error("an error was found as a type that it is not")
	}
}

func TestUnregisteredErrors(t *testing.T) {
	err := across(&plainError{"/etc/secret"})
	var plain *plainError
	if errors.As(err, &plain) || err.Error() != "internal error" {
		t.Errorf("got %v", err)
	}
}

func TestRegisteredErrorOfAnotherVersion(t *testing.T) {
	err := across(&lmz.Error{Name: "QuotaError", Message: "m", Fields: map[string]any{"limit": "many", "plan": nil, "new": 1}})
	var quota *quotaError
	if !errors.As(err, &quota) || quota.Limit != 0 {
		t.Errorf("got %v as %+v", err, quota)
	}
}

func TestInvalidErrorRegistrations(t *testing.T) {
	for name, register := range map[string]func(){
		"taken name": func() { lmz.RegisterError[*plainError]("QuotaError") },
		"no name":    func() { lmz.RegisterError[*plainError]("") },
		"taken type": func() { lmz.RegisterError[*quotaError]("Other") },
		"interface":  func() { lmz.RegisterError[error]("Any") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			register()
		}()
	}
}
