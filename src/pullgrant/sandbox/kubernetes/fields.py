"""Patches, and who owns which field: enough of server-side apply for objects of a few fields.

Source: kubernetes.io docs/reference/using-api/server-side-apply. Lists are owned whole, as `imagePullSecrets` is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, TypeAlias

from pullgrant.sandbox.kubernetes.refusal import Json, RefusalError

Path: TypeAlias = tuple[str, ...]
Owner: TypeAlias = tuple[str, str]  # field manager and operation
Owners: TypeAlias = dict[Path, set[Owner]]

_NOBODYS = ("apiVersion", "kind")
_IDENTITY = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "managedFields", "generation")
_BY_NAME = frozenset({"imagePullSecrets", "secrets"})


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the fields that somebody can own, with their values."""
    if not isinstance(value, dict):
        yield path, value
        return
    for key, inner in value.items():
        own = not path and key in _NOBODYS
        identity = path == ("metadata",) and key in _IDENTITY
        if not own and not identity:
            yield from leaves(inner, (*path, key))


def applied(old: Json, body: Json, owners: Owners, manager: str, *, force: bool) -> tuple[Json, Owners]:
    """Return the object and its owners after a server-side apply. Raises a refusal for conflicts, unless `force`."""
    me = (manager, "Apply")
    wanted = dict(leaves(body))
    now = dict(leaves(old))
    conflicts = {
        path: sorted(others)
        for path, value in wanted.items()
        if now.get(path) != value and (others := owners.get(path, set()) - {me})
    }
    if conflicts and not force:
        raise _conflict(conflicts)
    new, after = copy.deepcopy(old), {path: set(held) for path, held in owners.items()}
    for path, value in wanted.items():
        _set(new, path, value)
        after[path] = {me} if path in conflicts else after.get(path, set()) | {me}
    for path in [path for path, held in after.items() if me in held and path not in wanted]:
        after[path].discard(me)
        if not after[path]:
            del after[path]
            _drop(new, path)
    return new, after


def updated(old: Json, new: Json, owners: Owners, manager: str) -> Owners:
    """Return the owners after an ordinary write: who changed a field owns it."""
    before, now = dict(leaves(old)), dict(leaves(new))
    kept = {path: held for path, held in owners.items() if path in now}
    return kept | {path: {(manager, "Update")} for path, value in now.items() if before.get(path) != value}


def merged(old: Any, patch: Any, *, strategic: bool, key: str = "") -> Any:
    """Return the result of a JSON merge patch (RFC 7386), or of a strategic one."""
    if isinstance(patch, list) and strategic and key in _BY_NAME:
        kept = {one.get("name"): one for one in old or []}
        return list((kept | {one.get("name"): one for one in patch}).values())
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if name.startswith("$"):
            continue  # directives of a strategic patch about the order of lists
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value, strategic=strategic, key=name)
    return result


def managed(owners: Owners) -> list[Json]:
    """Return `metadata.managedFields`."""
    by_owner: dict[Owner, Json] = {}
    for path, held in owners.items():
        for owner in held:
            place = by_owner.setdefault(owner, {})
            for part in path:
                place = place.setdefault(f"f:{part}", {})
    return [
        {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields}
        for (manager, operation), fields in sorted(by_owner.items(), key=lambda item: item[0])
    ]


def _conflict(conflicts: dict[Path, list[Owner]]) -> RefusalError:
    told = [f'conflict with "{held[0][0]}" using v1: .{".".join(path)}' for path, held in conflicts.items()]
    causes = [
        {"reason": "FieldManagerConflict", "message": words, "field": "." + ".".join(path)}
        for path, words in zip(conflicts, told, strict=True)
    ]
    return RefusalError(409, f"Apply failed with {len(told)} conflict{'s'[: len(told) > 1]}: {told[0]}", causes=causes)


def _set(target: Json, path: Path, value: Any) -> None:
    for part in path[:-1]:
        target = target.setdefault(part, {})
    target[path[-1]] = copy.deepcopy(value)


def _drop(target: Json, path: Path) -> None:
    for part in path[:-1]:
        target = target.get(part, {})
    target.pop(path[-1], None)
