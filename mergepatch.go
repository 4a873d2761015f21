package lmz

import "reflect"

// MergePatch returns target with a merge patch (RFC 7396) applied. Both are JSON values as
// [encoding/json.Unmarshal] puts them into an any. Neither is changed; the result shares what
// the patch does not touch. A patch that is no object replaces target. A null in a patch
// removes a member, so none can be set to null.
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

// MergeDiff returns the merge patch (RFC 7396) that makes after of before, and false if they
// are equal. Both are JSON values as [encoding/json.Unmarshal] puts them into an any. Arrays are
// replaced as a whole. Where a member becomes null, which a patch cannot say, it removes it.
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
