"""Reads a registry's or token service's answer: what it said, and whether that allows, denies or tells nothing.

Status and error code decide; a text only where nothing else tells, and then beside its source. A denial must be said by
the registry, about rights, to the caller who asked: all else is UNKNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pullgrant.kit.http import Reply
from pullgrant.kit.redact import redact
from pullgrant.model.proof import Answer, Outcome
from pullgrant.probe.challenge import choose, parse_challenges
from pullgrant.secret import Secret

# The names by which Artifact Registry, ECR and GHCR call the right to push when they refuse it (google/ax#140,
# ministryofjustice/cloud-platform#7245, int128/docker-manifest-create-action#158).
_PUSH_RIGHT = re.compile(r"artifactregistry\.repositories\.uploadArtifacts|ecr:InitiateLayerUpload|write_package")
# 403 DENIED of a limit, a rule or a state, not of a missing right: Quay, GitLab, any registry under maintenance.
_NO_RIGHT_MEANT = re.compile(r"quota has been exceeded|protected repository path|read[- ]only mode", re.IGNORECASE)
# Artifact Registry says so when no credential reached it (GoogleCloudPlatform/generative-ai#693).
_NOT_SIGNED_IN = "Unauthenticated request."
# ECR, with code DENIED: true of the credential as a whole, so no proof about push.
_EXPIRED = re.compile(r"authorization token has expired", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an answer of no success says: `codes` in upper case, `words` for people, redacted, on one line.

    `error` is that of its challenge. `foreign`: a web page, as proxies and sign-in portals put before a registry.
    `bypassed`: a credential was at hand and took no part in the question.
    """

    status: int
    codes: frozenset[str]
    words: str
    error: str = ""
    foreign: bool = False
    bypassed: bool = False
    retry_after: float | None = None


def unknown(words: str) -> Outcome:
    """Return the outcome that proves nothing."""
    return Outcome(answer=Answer.UNKNOWN, words=words)


def read(reply: Reply, known: tuple[Secret, ...], *, sent: bool | None) -> Said:
    """Return what an answer says, without the known secrets. A body of any form, and none, is read.

    `sent` tells whether the credential was sent, None when there is none.
    """
    challenge = choose(parse_challenges(reply.headers.get("www-authenticate", "")))
    page = "text/html" in reply.headers.get("content-type", "") or reply.body.lstrip()[:1] == b"<"
    entries = list(_entries(reply.json()))
    texts = [": ".join(filter(None, entry)) for entry in entries]
    if not texts:
        texts = ["a web page"] if page else [reply.text if reply.json() is None else ""]
    error = challenge.error if challenge else ""
    words = one_line(f"{reply.status} {'; '.join(texts)}{f' ({error})' if error else ''}", known)
    return Said(
        status=reply.status,
        codes=frozenset(code for code, _ in entries),
        words=words,
        error=error,
        foreign=page and not (reply.status == 401 and challenge),
        bypassed=sent is False or (sent is True and _NOT_SIGNED_IN in words),
        retry_after=reply.retry_after,
    )


def one_line(text: str, known: tuple[Secret, ...]) -> str:
    """Return foreign text redacted and without characters that would steer a terminal."""
    shown = redact(text, *known)
    return "".join(character if character.isprintable() else " " for character in shown).strip()


def judge_pull(said: Said) -> Outcome:
    """Return what an unsuccessful answer to a pull means, of the token service or of the registry."""
    if said.status in {401, 403} and not _beside_the_point(said):
        return Outcome(answer=Answer.DENIED, words=said.words)
    return no_proof(said)


def judge_push_token(said: Said) -> Outcome:
    """Return what it means that a token service refused a token for `pull,push`, as Artifact Registry's does."""
    return _judge_push(said, "DENIED" in said.codes)


def judge_push(said: Said) -> Outcome:
    """Return what an unsuccessful answer to the beginning of an upload means.

    Distribution refuses with 401 and `insufficient_scope`, hosted registries with 403 (distribution/distribution
    registry/auth/token/accesscontroller.go). A 401 that names no right means that the caller was not recognised.
    """
    forbidden = said.status == 403 and "UNAUTHORIZED" in said.codes
    return _judge_push(said, forbidden or "DENIED" in said.codes)


def is_manifest(reply: Reply) -> bool:
    """Return whether a 200 comes from a registry: a sign-in portal answers 200 to everything."""
    kind = reply.headers.get("content-type", "")
    return kind.startswith(("application/vnd.", "application/json")) or "docker-content-digest" in reply.headers


def no_proof(said: Said) -> Outcome:
    """Return the outcome of an answer that says nothing about rights."""
    if said.bypassed and said.status in {401, 403}:
        return unknown(f"the credential took no part: {said.words}")
    if said.status == 429:
        wait = f", to be asked again after {said.retry_after:g} s" if said.retry_after is not None else ""
        return unknown(f"throttled{wait}: {said.words}")
    return unknown(said.words)


def _judge_push(said: Said, named: bool) -> Outcome:
    refused = named or said.error == "insufficient_scope" or _PUSH_RIGHT.search(said.words) is not None
    if said.status in {401, 403} and refused and not _beside_the_point(said) and not _EXPIRED.search(said.words):
        return Outcome(answer=Answer.DENIED, words=said.words)
    return no_proof(said)


def _beside_the_point(said: Said) -> bool:
    other = said.error == "invalid_token" or _NO_RIGHT_MEANT.search(said.words) is not None
    return said.foreign or said.bypassed or other


def _entries(body: Any) -> Iterator[tuple[str, str]]:
    """Yield code and message of each error, in the form of the distribution specification or of OAuth 2."""
    if not isinstance(body, dict):
        return
    errors = body.get("errors")
    if isinstance(errors, list):
        for error in errors:
            if isinstance(error, dict):
                yield _text(error, "code").upper(), _text(error, "message") or _text(error, "detail")
        return
    message = _text(body, "error_description") or _text(body, "message") or _text(body, "details")
    if message or _text(body, "error"):
        yield _text(body, "error").upper(), message


def _text(body: dict[Any, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
