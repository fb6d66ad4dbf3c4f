"""JSON merge patch, RFC 7396: what Container Apps does with the body of a PATCH."""

from __future__ import annotations

from copy import deepcopy


def merge_patch(target: object, patch: object) -> object:
    """The target with the patch applied: objects merge, null removes, everything else (arrays too) replaces."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
