"""The little of OData that clients of Microsoft Graph use on applications: $filter, $select, $top and keys in the path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import urlencode

from pullgrant.sandbox.azure.basics import Json
from pullgrant.sandbox.azure.refusal import graph, graph_bad
from pullgrant.sandbox.exchange import Request, Response

Test: TypeAlias = Callable[[Json], bool]
Show: TypeAlias = Callable[[Json], Json | None]
_TEXT = r"'((?:[^']|'')*)'"
_TERMS: Mapping[str, re.Pattern[str]] = {
    "equals": re.compile(rf"(\w+)\s+eq\s+{_TEXT}", re.IGNORECASE),
    "is": re.compile(r"(\w+)\s+eq\s+(true|false)", re.IGNORECASE),
    "starts": re.compile(rf"startswith\(\s*(\w+)\s*,\s*{_TEXT}\s*\)", re.IGNORECASE),
    "any": re.compile(rf"(\w+)/any\(\s*(\w+)\s*:\s*\2\s+eq\s+{_TEXT}\s*\)", re.IGNORECASE),
}
_JOINT = re.compile(r"\s+(and|or)\s+", re.IGNORECASE)
_PAGE = 100


def key_pattern(collection: str, *keys: str) -> str:
    """Return the path of one object, by `id` or by alternate keys as in applications(appId='...')."""
    by_key = rf"\((?P<key>{'|'.join(keys)})='(?P<value>(?:[^']|'')*)'\)"
    return rf"/v1\.0/{collection}(?:/(?P<id>[0-9A-Fa-f-]{{36}})|{by_key})"


def key_of(match: re.Match[str]) -> tuple[str, str]:
    """Return the key and value of a path that `key_pattern` matched."""
    return ("id", match["id"]) if match["id"] else (match["key"], match["value"].replace("''", "'"))


def collection(
    request: Request, kind: str, items: Sequence[Json], *, base: str, shown: Show = lambda item: item
) -> Response:
    """Return the answer to a list request; an item that `shown` makes None of is left out.

    Raises Refusal for an unknown filter or property.
    """
    test = parse_filter(request.one("$filter"))
    found = [each for item in items if test(item) and (each := shown(item)) is not None]
    top, start = request.one("$top") or str(_PAGE), request.one("$skiptoken") or "0"
    if not top.isdigit() or not start.isdigit() or not 1 <= int(top) <= 999:
        raise graph(
            400, "Request_UnsupportedQuery", f"Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive."
        )
    following = int(start) + int(top)
    body: Json = {"@odata.context": f"{base}/$metadata#{kind}"}
    if request.one("$count") == "true":
        body["@odata.count"] = len(found)
    if following < len(found):
        kept = {name: values[-1] for name, values in request.query.items()} | {"$skiptoken": str(following)}
        body["@odata.nextLink"] = f"{base}/{kind}?{urlencode(kept)}"
    return Response(json=body | {"value": [selected(request, item) for item in found[int(start) : following]]})


def entity(request: Request, kind: str, item: Json, *, base: str, status: int = 200) -> Response:
    """Return the answer with one object. Raises Refusal for a selected property that is not known."""
    body = {"@odata.context": f"{base}/$metadata#{kind}/$entity"} | selected(request, item)
    return Response(status=status, json=body)


def selected(request: Request, item: Json) -> Json:
    """Return an object with the properties that $select names, all without it."""
    wanted = [name.strip() for name in request.one("$select").split(",") if name.strip()]
    for name in wanted:
        if name not in item:
            words = f"Parsing OData Select and Expand failed: Could not find a property named '{name}'."
            raise graph(400, "BadRequest", words)
    return {name: item[name] for name in wanted} if wanted else item


def parse_filter(text: str) -> Test:
    """Return the test that a $filter spells; terms joined by `and` alone or by `or` alone. Raises Refusal."""
    if not text.strip():
        return lambda _: True
    terms: list[Test] = []
    joints: set[str] = set()
    position, text = 0, text.strip()
    while True:
        term, position = _term(text, position)
        terms.append(term)
        if position == len(text):
            break
        joint = _JOINT.match(text, position)
        if joint is None:
            raise _unsupported(text)
        joints.add(joint[1].lower())
        position = joint.end()
    if len(joints) > 1:
        raise _unsupported(text)
    return (
        (lambda item: any(term(item) for term in terms))
        if joints == {"or"}
        else lambda item: all(term(item) for term in terms)
    )


def _term(text: str, position: int) -> tuple[Test, int]:
    for kind, pattern in _TERMS.items():
        match = pattern.match(text, position)
        if match:
            return _test(kind, match[1], match[match.lastindex or 1].replace("''", "'")), match.end()
    raise _unsupported(text)


def _test(kind: str, name: str, value: str) -> Test:
    wanted = value.casefold()
    match kind:
        case "equals":
            return lambda item: str(item.get(name) or "").casefold() == wanted
        case "is":
            return lambda item: item.get(name) is (wanted == "true")
        case "starts":
            return lambda item: str(item.get(name) or "").casefold().startswith(wanted)
        case _:
            return lambda item: any(str(each).casefold() == wanted for each in item.get(name) or ())


def _unsupported(text: str) -> Exception:
    return graph_bad(f"Unsupported or invalid query filter clause specified for property in '{text}'.")
