"""Judges IAM policy documents: which statements apply to a request, and what they say together.

Elements and the order of judgement as in docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. A
condition that is not understood grants nothing: it stops an Allow and does not stop a Deny.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from pullgrant.sandbox.aws.condition import met
from pullgrant.sandbox.aws.patterns import filled, like

Document: TypeAlias = Mapping[str, Any]
Effect: TypeAlias = Literal["Allow", "Deny"]
_PRINCIPAL = re.compile(r"arn:(?P<partition>[a-z-]+):(?:iam|sts)::(?P<account>\d{12}):(?P<rest>.+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May somebody do `action` on `resource`? `context` holds the values of condition keys, in lower case.

    `principals` are the names by which a resource's policy may call the asker, the most exact first.
    """

    action: str
    resource: str
    context: Mapping[str, Sequence[str]]
    account: str
    principals: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def parse(text: str | None) -> Document:
    """Return a stored policy document, {} for none. Raises ValueError for a text that is no JSON."""
    document = json.loads(text) if text else {}
    return document if isinstance(document, dict) else {}


def statements(document: Document) -> list[Mapping[str, Any]]:
    """Return the statements of a document."""
    return [each for each in listed(document.get("Statement")) if isinstance(each, dict)]


def listed(value: Any) -> list[Any]:
    """Return an element that may stand alone or in a list as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def says(documents: Iterable[Document], question: Question, effect: Effect) -> bool:
    """Return whether any statement of identity policies with this effect applies."""
    return any(
        _applies(statement, question, effect, document.get("Version"))
        for document in documents
        for statement in statements(document)
    )


def names(document: Document, question: Question, effect: Effect) -> frozenset[str]:
    """Return by which of the asker's names the statements of a resource's policy with this effect call it.

    `*` stands for everybody. A NotPrincipal that does not name the asker calls it `*`.
    """
    found: set[str] = set()
    for statement in statements(document):
        if _applies(statement, question, effect, document.get("Version"), needs_resource=False):
            found |= called(statement, question)
    return frozenset(found)


def called(statement: Mapping[str, Any], question: Question) -> set[str]:
    """Return the names of the asker in a statement's Principal."""
    if "NotPrincipal" in statement:
        return set() if _written(statement["NotPrincipal"], question) else {"*"}
    return _written(statement.get("Principal"), question)


def aws_principals(element: Any) -> list[str]:
    """Return the AWS principals of a Principal element, as written."""
    if element == "*":
        return ["*"]
    return [str(each) for each in listed(element.get("AWS"))] if isinstance(element, dict) else []


def account_of(arn: str) -> str:
    """Return the account of a principal that is written as an ARN or as an account number, empty for anything else."""
    found = _PRINCIPAL.fullmatch(arn)
    return found["account"] if found else arn if re.fullmatch(r"\d{12}", arn, re.ASCII) else ""


def _written(element: Any, question: Question) -> set[str]:
    found = set()
    for each in aws_principals(element):
        if each in ("*", *question.principals):
            found.add(each)
        elif each == question.account:
            found.add(next((name for name in question.principals if name.endswith(":root")), each))
    return found


def _applies(
    statement: Mapping[str, Any], question: Question, effect: Effect, version: Any, *, needs_resource: bool = True
) -> bool:
    return (
        statement.get("Effect") == effect
        and _on_action(statement, question)
        and _on_resource(statement, question, version, needed=needs_resource)
        and _under(statement, question, effect, version)
    )


def _on_action(statement: Mapping[str, Any], question: Question) -> bool:
    if "NotAction" in statement:
        return not _any(statement["NotAction"], question.action, any_case=True)
    return _any(statement.get("Action"), question.action, any_case=True)


def _on_resource(statement: Mapping[str, Any], question: Question, version: Any, *, needed: bool) -> bool:
    variables = question.variables if version == "2012-10-17" else {}
    if "NotResource" in statement:
        return not _any(statement["NotResource"], question.resource, variables=variables)
    if "Resource" not in statement:
        return not needed
    return _any(statement["Resource"], question.resource, variables=variables)


def _under(statement: Mapping[str, Any], question: Question, effect: Effect, version: Any) -> bool:
    conditions = statement.get("Condition") or {}
    verdict = met(conditions, question.context, question.variables if version == "2012-10-17" else {})
    return effect == "Deny" if verdict is None else verdict


def _any(patterns: Any, value: str, *, any_case: bool = False, variables: Mapping[str, str] | None = None) -> bool:
    return any(like(filled(str(each), variables or {}), value, any_case=any_case) for each in listed(patterns))
