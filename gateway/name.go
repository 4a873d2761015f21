package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/lumenize/lmz"
)

// InstanceName returns a [ClientOptions].BeforeAccept that requires instance names to match a
// format. A format consists of fields separated by dots:
//
//	{sub}    the token's subject
//	{tab}    anything; only the last field may contain dots
//	{other}  the claim called other, which must be a string
//
// such as "{sub}.{tab}", the default, or "{sub}.{tenant}.{tab}", which admits a user only
// under the tenant in the token's claim. A subject or claim with a dot matches no format.
// InstanceName panics if the format has no {sub}: users could take each other's names.
func InstanceName(format string) func(context.Context, lmz.Address, *lmz.Auth) (map[string]any, error) {
	fields := strings.Split(format, ".")
	for _, field := range fields {
		if len(field) < 3 || field[0] != '{' || field[len(field)-1] != '}' {
			panic("gateway: InstanceName " + format + ": a format is made of fields such as {sub}, with dots between them")
		}
	}
	if !slices.Contains(fields, "{sub}") {
		panic("gateway: InstanceName " + format + ": without {sub} users could take each other's names")
	}
	return func(_ context.Context, client lmz.Address, auth *lmz.Auth) (map[string]any, error) {
		parts := strings.SplitN(client.Instance, ".", len(fields))
		if len(parts) != len(fields) || slices.Contains(parts, "") {
			return nil, &Refusal{Message: "invalid instance name format (expected " + format + ")"}
		}
		for i, field := range fields {
			if err := checkField(strings.Trim(field, "{}"), parts[i], auth); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

// checkField checks one part of an instance name.
func checkField(name, part string, auth *lmz.Auth) error {
	var want string
	switch name {
	case "tab":
		return nil
	case "sub":
		want = auth.Subject
	default:
		var ok bool
		if want, ok = auth.Claims[name].(string); !ok {
			return &Refusal{Message: "the token has no claim " + name}
		}
	}
	switch {
	case strings.Contains(want, "."):
		return &Refusal{Message: "the token's " + name + " contains a dot, so no instance name can have it"}
	case part != want:
		return &Refusal{Message: "identity mismatch"}
	}
	return nil
}
