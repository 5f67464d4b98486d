"""IAM policies as values: bindings with conditions, etags, and their JSON.

Rules of versions and etags: discovery document cloudresourcemanager.v3, schemas Policy, Binding and Expr.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from pullgrant.sandbox.google.refusal import Json, invalid

MAX_MEMBERS = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a binding counts, in the Common Expression Language."""

    expression: str
    title: str = ""
    description: str = ""
    location: str = ""

    def json(self) -> Json:
        """Return the condition without its empty fields."""
        fields = ("expression", "title", "description", "location")
        return {name: getattr(self, name) for name in fields if getattr(self, name)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One role for some members."""

    role: str
    members: tuple[str, ...]
    condition: Condition | None = None


@dataclass(slots=True, kw_only=True)
class Policy:
    """The policy of one resource; `before` is what readers see while the last change has not settled."""

    resource: str
    bindings: tuple[Binding, ...] = ()
    before: tuple[Binding, ...] = ()
    audit_configs: list[Json] = field(default_factory=list)
    etag: bytes = field(default_factory=lambda: new_etag())

    @property
    def conditional(self) -> bool:
        """Whether any binding has a condition: then only version 3 shows and changes it truly."""
        return any(binding.condition for binding in self.bindings)

    @property
    def members(self) -> frozenset[str]:
        """All members of all bindings."""
        return frozenset(member for binding in self.bindings for member in binding.members)

    def json(self, version: int) -> Json:
        """Return the document that a reader who asked for `version` gets."""
        shown = [_binding_json(binding, whole=version >= 3) for binding in self.bindings]
        document: Json = {"version": 3 if self.conditional and version >= 3 else 1, "etag": encode_etag(self.etag)}
        if shown:
            document["bindings"] = shown
        if self.audit_configs:
            document["auditConfigs"] = self.audit_configs
        return document


def _binding_json(binding: Binding, *, whole: bool) -> Json:
    """Return a binding; to readers below version 3 a condition shows only as a suffix of the role."""
    document: Json = {"role": binding.role, "members": list(binding.members)}
    if binding.condition and whole:
        document["condition"] = binding.condition.json()
    elif binding.condition:
        # IAM documentation "Policies with conditional role bindings": _withcond_ and a hash of the condition.
        digest = hashlib.sha256(repr(binding.condition).encode()).hexdigest()[:20]
        document["role"] = f"{binding.role}_withcond_{digest}"
    return document


def new_etag() -> bytes:
    """Return a fresh etag whose base64 always holds a character in which the two base64 alphabets differ."""
    return b"\x07\xfb\xff" + secrets.token_bytes(5)


def encode_etag(etag: bytes) -> str:
    """Return an etag as the APIs write it."""
    return base64.b64encode(etag).decode()


def decode_etag(text: object) -> bytes | None:
    """Return the bytes of an etag in either base64 alphabet, None for no etag. Raises Refusal for anything else."""
    if text in (None, ""):
        return None
    if isinstance(text, str):
        try:
            return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
        except binascii.Error:
            pass
    raise invalid(f"Invalid value at 'policy.etag' (TYPE_BYTES), Base64 decoding failed for \"{text}\"")


def parse_bindings(documents: object) -> tuple[Binding, ...]:
    """Return the bindings of a policy that a client sent, merged by role and condition. Raises Refusal when malformed."""
    if not isinstance(documents, list) or not all(isinstance(each, dict) for each in documents):
        raise invalid("Invalid value at 'policy.bindings'.")
    merged: dict[tuple[str, Condition | None], dict[str, None]] = {}
    for document in documents:
        refuse_unknown(document, ("role", "members", "condition"), "policy.bindings")
        members = document.get("members") or []
        if not members:
            raise invalid("Each binding must contain at least one member.")
        merged.setdefault((document.get("role", ""), _condition(document)), {}).update(dict.fromkeys(members))
    total = sum(len(members) for members in merged.values())
    if total > MAX_MEMBERS:
        raise invalid(
            f"The number of members in the policy ({total:,}) is larger than the maximum allowed size {MAX_MEMBERS:,}."
        )
    return tuple(Binding(role=role, members=tuple(members), condition=when) for (role, when), members in merged.items())


def _condition(document: Json) -> Condition | None:
    condition = document.get("condition")
    if not condition:
        return None
    refuse_unknown(condition, ("expression", "title", "description", "location"), "policy.bindings.condition")
    if not condition.get("expression") or not condition.get("title"):
        raise invalid("A condition must have a title and an expression.")
    return Condition(**condition)


def refuse_unknown(document: Json, known: Iterable[str], where: str) -> None:
    """Raise Refusal when a message holds a field that its schema does not have."""
    for name in document:
        if name not in known:
            at = f" at '{where}'" if where else ""
            raise invalid(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.')
