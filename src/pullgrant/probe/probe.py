"""The registry probe: may this credential pull, may it push. It asks a live registry, and uploads nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from pullgrant.kit.http import Http, Reply
from pullgrant.model.credential import Credential
from pullgrant.model.image import Image, canonical_host
from pullgrant.model.proof import Answer, Outcome
from pullgrant.probe.answers import Said, is_manifest, judge_pull, judge_push, judge_push_token, unknown
from pullgrant.probe.challenge import Challenge
from pullgrant.probe.realm import Doors
from pullgrant.probe.scope import PULL, PUSH, Scope
from pullgrant.probe.step import Stage, Step
from pullgrant.probe.talk import Greetings, Question, Talk
from pullgrant.probe.token import granted
from pullgrant.probe.travel import follow

PushQuestion: TypeAlias = Literal["token", "upload", "none"]
_TOO_WIDE = frozenset({"push", "delete", "*"})
_READER = frozenset({"pull", "scanner-pull"})  # Harbor adds the second (goharbor/harbor src/core/service/token)
_CANNOT_TELL = "this type of registry cannot tell who may push without being pushed to"


class Probe:
    """Implements ports.RegistryProbe over HTTP. Safe for threads; keeps each registry's challenge, never a token.

    `push_question` is the provider's (ports.Capabilities). `insecure_hosts` are spoken to in plain http, and may be
    inside the caller's own network: `127.0.0.1:5000`.
    """

    def __init__(
        self, http: Http, *, push_question: PushQuestion = "token", insecure_hosts: frozenset[str] = frozenset()
    ) -> None:
        self._http, self._push_question, self._insecure_hosts = http, push_question, insecure_hosts
        self._greetings = Greetings()

    def pull(self, image: Image, credential: Credential | None) -> Outcome:
        """Ask for the image's manifest by HEAD, which on Docker Hub costs no pull."""
        return self.walk(image, credential)[-1].outcome

    def walk(self, image: Image, credential: Credential | None) -> tuple[Step, ...]:
        """Pull as `pull` does and return each stage; the last one decides."""
        talk = self._talk(image.host, credential, judge_pull)
        path = f"{_path(image.repository)}/manifests/{_path(image.reference)}"
        reply = talk.call("HEAD", path, Scope(name=image.repository, actions=PULL))
        if isinstance(reply, Reply):
            outcome = _manifest(talk, path, reply)
            talk.note(Stage.MANIFEST, outcome.answer, outcome.words)
        elif talk.steps[-1].outcome is not reply:
            talk.note(Stage.MANIFEST, reply.answer, reply.words)
        return tuple(talk.steps)

    def push(self, image: Image, credential: Credential) -> Outcome:
        """Ask the way that was given: by the token service's answer to `pull,push`, or by an upload begun and cancelled.

        A token that does not show its rights, and a registry without token service, are asked by upload. Ask only for a
        repository that has just answered a pull: GitLab and Quay create a missing one when push is granted.
        """
        if self._push_question == "none":
            return Outcome(answer=Answer.NOT_ASKED, words=_CANNOT_TELL)
        wanted = Scope(name=image.repository, actions=PUSH)
        talk = self._talk(image.host, credential, judge_push_token)
        shown = _push_by_token(talk, wanted) if self._push_question == "token" else None
        return shown or _push_by_upload(talk, wanted)

    def greet(self, host: str) -> Reply | Outcome:
        """Return a registry's answer to `GET /v2/` without credentials, the outcome when none came."""
        doors = Doors(canonical_host(host), self._insecure_hosts)
        return follow(self._http, "GET", f"{doors.base}/v2/", headers={}, doors=doors, leave=False)

    def tags(self, host: str, repository: str, credential: Credential | None, *, most: int = 100) -> tuple[str, ...]:
        """Return tags of a repository, `most` at most, in the registry's order; empty when it has none or shows none."""
        return self._listed(host, repository, credential, most, "tags")[:most]

    def children(self, host: str, repository: str, credential: Credential | None) -> tuple[str, ...]:
        """Return the names one level below a repository, which gcr.io lists beside its tags; elsewhere empty."""
        return self._listed(host, repository, credential, 0, "child")

    def _talk(self, host: str, credential: Credential | None, judge_token: Callable[[Said], Outcome]) -> Talk:
        question = Question(host=canonical_host(host), credential=credential, judge_token=judge_token)
        return Talk(self._http, question, insecure_hosts=self._insecure_hosts, greetings=self._greetings)

    def _listed(self, host: str, repository: str, credential: Credential | None, most: int, key: str) -> tuple[str, ...]:
        talk = self._talk(host, credential, judge_pull)
        path = f"{_path(repository)}/tags/list{f'?n={most}' if most else ''}"
        reply = talk.call("GET", path, Scope(name=repository, actions=PULL))
        if isinstance(reply, Outcome) or reply.status != 200:
            return ()
        body: Any = reply.json()
        listed = body.get(key) if isinstance(body, dict) else None
        return tuple(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()


def _path(name: str) -> str:
    return quote(name, safe="/:")


def _manifest(talk: Talk, path: str, reply: Reply) -> Outcome:
    if reply.status == 200:
        words = f"200 {reply.headers.get('docker-content-digest', '')}".strip()
        return Outcome(answer=Answer.ALLOWED, words=words) if is_manifest(reply) else unknown("200 from no registry")
    if reply.status in {401, 403, 404}:
        # An answer to HEAD has no body, so the registry's words are fetched; they count if the answer is the same.
        spoken = talk.repeat("GET", path)
        reply = spoken if isinstance(spoken, Reply) and spoken.status == reply.status else reply
    said = talk.said(reply)
    if said.status == 404:
        return Outcome(answer=Answer.UNKNOWN, words=f"no such image or tag: {said.words}", absent=True)
    return judge_pull(said)


def _push_by_token(talk: Talk, wanted: Scope) -> Outcome | None:
    """Return what the token service shows; None when only an upload can show it."""
    challenge = talk.challenge()
    if isinstance(challenge, Outcome):
        return challenge
    if not isinstance(challenge, Challenge) or challenge.scheme != "bearer":
        return None
    token = talk.token(challenge, (wanted,))
    if isinstance(token, Outcome):
        return token
    actions = granted(token, wanted.name)
    if actions is None:
        return None
    shown = f"the token grants {', '.join(sorted(actions)) or 'no right at all'} on {wanted.name}"
    if actions & _TOO_WIDE:
        return talk.outcome(Answer.ALLOWED, shown)
    denied = "pull" in actions and actions <= _READER
    return talk.outcome(Answer.DENIED if denied else Answer.UNKNOWN, shown)


def _push_by_upload(talk: Talk, wanted: Scope) -> Outcome:
    """Begin an upload without content (distribution-spec, end-4a) and cancel it at once if it was begun."""
    path = f"{_path(wanted.name)}/blobs/uploads/"
    reply = talk.call("POST", path, wanted)
    if isinstance(reply, Outcome):
        return reply
    if reply.status not in {201, 202}:
        return judge_push(talk.said(reply))
    if reply.status == 202:
        talk.cancel(path, reply.headers.get("location", ""))
    return Outcome(answer=Answer.ALLOWED, words=f"{reply.status} the registry began an upload to {wanted.name}")
