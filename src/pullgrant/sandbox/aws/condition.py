"""Judges the Condition of a policy statement: true, false, or not understood.

Operators as in docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html. A key of which
the sandbox knows nothing, and an operator that it does not know, are not understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pullgrant.sandbox.aws.patterns import filled, like

Context = Mapping[str, Sequence[str]]
# Keys of which the sandbox knows the true value of every request; one that is not in a request's context is absent from it.
KNOWN = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principaltype",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:securetransport",
        "aws:tokenissuetime",
        "aws:userid",
        "aws:username",
        "sts:externalid",
        "sts:rolesessionname",
    }
)
_PREFIXES = ("aws:principaltag/", "aws:resourcetag/", "ecr:resourcetag/", "iam:resourcetag/")


def met(conditions: Any, context: Context, variables: Mapping[str, str]) -> bool | None:
    """Return whether all conditions are met, None when that cannot be said."""
    if not isinstance(conditions, Mapping):
        return None
    verdicts = [
        _one(str(operator), str(key), values, context, variables)
        for operator, keys in conditions.items()
        for key, values in (keys.items() if isinstance(keys, Mapping) else [("", [])])
    ]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _one(operator: str, key: str, values: Any, context: Context, variables: Mapping[str, str]) -> bool | None:
    quantifier, colon, bare = operator.rpartition(":")
    if not colon:
        quantifier = ""
    if_exists = bare.endswith("IfExists")
    name = bare.removesuffix("IfExists")
    key = key.lower()
    wanted = [filled(_text(each), variables) for each in (values if isinstance(values, list) else [values])]
    if key not in KNOWN and not key.startswith(_PREFIXES):
        return None
    if name == "Null":
        return (key not in context) == (wanted == ["true"])
    negated, compare = _operator(name)
    if compare is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        return None
    if key not in context:
        return negated or if_exists or quantifier == "ForAllValues"
    held = [any(compare(value, each) for each in wanted) != negated for value in context[key]]
    return any(held) if quantifier == "ForAnyValue" else all(held)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


Comparing = Callable[[str, str], bool]


def _operator(name: str) -> tuple[bool, Comparing | None]:
    """Return whether an operator negates, and its comparison of a request's value with a policy's."""
    if name in _POSITIVE:
        return False, _POSITIVE[name]
    positive = re.sub(r"Not(?=Equals|Like|Ip)", "", name)
    return (True, _POSITIVE[positive]) if positive != name and positive in _POSITIVE else (False, None)


def _arn_like(value: str, pattern: str) -> bool:
    """Compare ARNs part by part: a wildcard does not reach over a colon of the first five."""
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) and all(like(each, part) for each, part in zip(patterns, parts, strict=True))


def _date(text: str) -> datetime:
    if re.fullmatch(r"\d+", text, re.ASCII):
        return datetime.fromtimestamp(int(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _ordered(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Comparing:
    def judge(value: str, wanted: str) -> bool:
        try:
            return compare(read(value), read(wanted))
        except ValueError:
            return False

    return judge


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda value, wanted: value == wanted,
    "LessThan": lambda value, wanted: value < wanted,
    "LessThanEquals": lambda value, wanted: value <= wanted,
    "GreaterThan": lambda value, wanted: value > wanted,
    "GreaterThanEquals": lambda value, wanted: value >= wanted,
}
_POSITIVE: Mapping[str, Comparing] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": lambda value, wanted: like(wanted, value),
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    **{f"Date{name}": _ordered(_date, compare) for name, compare in _COMPARISONS.items()},
    **{f"Numeric{name}": _ordered(float, compare) for name, compare in _COMPARISONS.items()},
}
