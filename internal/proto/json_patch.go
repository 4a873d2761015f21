package proto

import "reflect"

// MergePatch returns target with an RFC 7396 merge patch applied. Both are as
// [ParseJSON] returns them, and neither is changed; the result shares what the
// patch does not touch. A null cannot be set: it removes a member.
func MergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	before, _ := target.(map[string]any)
	after := make(map[string]any, len(before)+len(changes))
	for key, value := range before {
		after[key] = value
	}
	for key, change := range changes {
		if change == nil {
			delete(after, key)
			continue
		}
		after[key] = MergePatch(before[key], change)
	}
	return after
}

// MergeDiff returns the merge patch that makes after of before, and false if they
// are equal. Arrays are replaced as a whole. Where a member becomes null the patch
// removes it instead.
func MergeDiff(before, after any) (patch any, changed bool) {
	if reflect.DeepEqual(before, after) {
		return nil, false
	}
	old, isObject := before.(map[string]any)
	now, staysObject := after.(map[string]any)
	if !isObject || !staysObject {
		return after, true
	}
	changes := make(map[string]any)
	for key := range old {
		if _, kept := now[key]; !kept {
			changes[key] = nil
		}
	}
	for key, value := range now {
		was, known := old[key]
		if !known {
			changes[key] = value
		} else if change, differs := MergeDiff(was, value); differs {
			changes[key] = change
		}
	}
	return changes, true
}
