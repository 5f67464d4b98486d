"""One question to one registry: the handshake, and calls that carry what it gave."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pullgrant.kit.http import Http, Reply
from pullgrant.model.credential import Credential
from pullgrant.model.image import canonical_host
from pullgrant.model.proof import Answer, Outcome
from pullgrant.probe.answers import Said, one_line, read, unknown
from pullgrant.probe.challenge import Challenge, choose, parse_challenges
from pullgrant.probe.realm import Doors
from pullgrant.probe.scope import REPOSITORY, Scope, parse_scopes
from pullgrant.probe.step import Stage, Step
from pullgrant.probe.token import ask_token, basic, granted, read_token
from pullgrant.probe.travel import follow, same_host, send
from pullgrant.secret import Secret

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_UNSIGNED = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """How a registry answered `GET /v2/`; `challenge` is None where it lets everybody in."""

    status: int
    challenge: Challenge | None


class Greetings:
    """The greetings of registries by host, kept for the life of a probe; safe for threads."""

    def __init__(self) -> None:
        self._by_host: dict[str, Greeting] = {}
        self._lock = threading.Lock()

    def find(self, host: str) -> Greeting | None:
        """Return the greeting of a host that was asked before."""
        with self._lock:
            return self._by_host.get(host)

    def keep(self, host: str, greeting: Greeting) -> None:
        """Keep a greeting."""
        with self._lock:
            self._by_host[host] = greeting


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who asks which registry, and how a refusal by the token service is to be read."""

    host: str
    credential: Credential | None
    judge_token: Callable[[Said], Outcome] = field(repr=False)


class Talk:
    """Asks one registry with one credential; every stage is noted in `steps`. Used by one thread."""

    def __init__(self, http: Http, question: Question, *, insecure_hosts: frozenset[str], greetings: Greetings) -> None:
        self._http, self._question, self._greetings = http, question, greetings
        self._doors = Doors(question.host, insecure_hosts)
        self._authorization = _UNSIGNED
        self._known = _forms(question.credential)
        self._status = 0
        self.steps: list[Step] = []

    def url(self, path: str) -> str:
        """Return the address of an API path below `/v2/`."""
        return f"{self._doors.base}/v2/{path}"

    def said(self, reply: Reply) -> Said:
        """Return what an answer of the registry says, without our secrets."""
        return read(reply, self._known, sent=bool(self._authorization) if self._question.credential else None)

    def note(self, stage: Stage, answer: Answer, words: str) -> Outcome:
        """Note a stage; return its outcome, its words redacted."""
        outcome = self.outcome(answer, words)
        self.steps.append(Step(stage=stage, outcome=outcome, status=self._status))
        return outcome

    def outcome(self, answer: Answer, words: str) -> Outcome:
        """Return an outcome, its words redacted."""
        return Outcome(answer=answer, words=one_line(words, self._known))

    def call(self, method: str, path: str, wanted: Scope) -> Reply | Outcome:
        """Sign in for `wanted` and call the API: the registry's last answer, or the outcome where it ended before.

        A 401 that asks for another scope is answered with one more token, once.
        """
        challenge = self.challenge()
        if isinstance(challenge, Outcome):
            return challenge
        failed = self._sign_in(challenge, (wanted,))
        if failed is not None:
            return failed
        reply = self.repeat(method, path)
        if isinstance(reply, Outcome) or reply.status != 401:
            return reply
        again = _asked_anew(reply, challenge, wanted)
        if again is None:
            return reply
        failed = self._check_realm(again[0]) or self._sign_in(*again)
        return self.repeat(method, path) if failed is None else failed

    def repeat(self, method: str, path: str) -> Reply | Outcome:
        """Call the API with the authorization of the last call."""
        headers = {"accept": ACCEPT} | self._signed()
        if method in {"GET", "HEAD"}:
            return self._seen(follow(self._http, method, self.url(path), headers=headers, doors=self._doors, leave=True))
        return self._seen(send(self._http, method, self.url(path), headers=headers))

    def cancel(self, path: str, location: str) -> None:
        """Delete the upload that a POST to `path` started, if it is on the same host; what comes of it does not matter.

        Registries may want another right for this, and end unfinished uploads themselves (distribution-spec, end-14).
        """
        if target := same_host(self.url(path), location):
            send(self._http, "DELETE", target, headers=self._signed())

    def challenge(self) -> Challenge | Outcome | None:
        """Return the registry's challenge, from an earlier talk if there was one; None when it asks for no sign-in."""
        credential, host = self._question.credential, self._question.host
        if credential is not None and canonical_host(credential.server) != host:
            return self.note(Stage.REACH, Answer.UNKNOWN, f"the credential is for {credential.server}: not sent to {host}")
        greeting = self._greetings.find(host) or self._greet()
        if isinstance(greeting, Outcome):
            return self.note(Stage.REACH, greeting.answer, greeting.words)
        self.note(Stage.REACH, Answer.ALLOWED, f"{self.url('')} answered {greeting.status}")
        if greeting.challenge is None:
            self.note(Stage.CHALLENGE, Answer.ALLOWED, "no sign-in is asked for")
            return None
        return self._check_realm(greeting.challenge) or greeting.challenge

    def token(self, challenge: Challenge, scopes: tuple[Scope, ...]) -> Secret | Outcome:
        """Return a token of the challenge's service, the outcome when it gives none."""
        reply = self._seen(ask_token(self._http, challenge, scopes, self._question.credential, self._doors))
        if isinstance(reply, Outcome):
            return self.note(Stage.TOKEN, reply.answer, f"token service: {reply.words}")
        if reply.status != 200:
            sent = True if self._question.credential else None
            judged = self._question.judge_token(read(reply, self._known, sent=sent))
            return self.note(Stage.TOKEN, judged.answer, f"token service: {judged.words}")
        token = read_token(reply)
        if token is None:
            return self.note(Stage.TOKEN, Answer.UNKNOWN, "token service: 200 without a token")
        self._known += (token,)
        self.note(Stage.TOKEN, Answer.ALLOWED, "the token service gave a token")
        self._note_scope(token, scopes[0])
        return token

    def _seen(self, answer: Reply | Outcome) -> Reply | Outcome:
        self._status = answer.status if isinstance(answer, Reply) else 0
        return answer

    def _greet(self) -> Greeting | Outcome:
        reply = self._seen(follow(self._http, "GET", self.url(""), headers={}, doors=self._doors, leave=False))
        if isinstance(reply, Outcome):
            return reply
        challenge = choose(parse_challenges(reply.headers.get("www-authenticate", "")))
        if reply.status == 200 or (reply.status == 401 and challenge is not None):
            greeting = Greeting(status=reply.status, challenge=challenge if reply.status == 401 else None)
            self._greetings.keep(self._question.host, greeting)
            return greeting
        return unknown(f"{self.url('')} did not answer as a registry: {self.said(reply).words}")

    def _check_realm(self, challenge: Challenge) -> Outcome | None:
        """Note the challenge; return the outcome when its realm may not be asked."""
        if challenge.scheme == "basic":
            self.note(Stage.CHALLENGE, Answer.ALLOWED, "Basic: the credential itself goes to the registry")
            return None
        if why := self._doors.refusal(challenge.realm):
            return self.note(Stage.CHALLENGE, Answer.UNKNOWN, f"the token service that the registry names {why}: not asked")
        self.note(Stage.CHALLENGE, Answer.ALLOWED, f"Bearer, token service {challenge.realm.partition('?')[0]}")
        return None

    def _sign_in(self, challenge: Challenge | None, scopes: tuple[Scope, ...]) -> Outcome | None:
        """Set the authorization for the next calls; return the outcome when there is none to be had."""
        credential = self._question.credential
        if challenge is not None and challenge.scheme == "bearer":
            token = self.token(challenge, scopes)
            if isinstance(token, Outcome):
                return token
            self._authorization = Secret(f"Bearer {token.reveal()}")
            return None
        if challenge is not None and credential is not None:
            self._authorization = basic(credential)
        for stage in (Stage.TOKEN, Stage.SCOPE):
            self.note(stage, Answer.NOT_ASKED, "there is no token service")
        return None

    def _note_scope(self, token: Secret, wanted: Scope) -> None:
        actions = granted(token, wanted.name)
        if actions is None:
            self.note(Stage.SCOPE, Answer.UNKNOWN, "the token does not show its rights")
        elif "pull" in actions or "*" in actions:
            self.note(Stage.SCOPE, Answer.ALLOWED, f"{wanted.name}: {', '.join(sorted(actions))}")
        else:
            self.note(Stage.SCOPE, Answer.DENIED, f"the token carries no right to pull {wanted.name}")

    def _signed(self) -> dict[str, str]:
        return {"authorization": self._authorization.reveal()} if self._authorization else {}


def _asked_anew(reply: Reply, first: Challenge | None, wanted: Scope) -> tuple[Challenge, tuple[Scope, ...]] | None:
    """Return the challenge of a 401 and the scopes to ask of it, when service or scope are not what was asked already.

    Never more actions than were wanted: on some registries a mere request for push creates a repository.
    """
    challenge = choose(parse_challenges(reply.headers.get("www-authenticate", "")))
    if challenge is None or (challenge.scheme == "basic" and first is not None):
        return None
    scopes = tuple(
        Scope(name=scope.name, actions=scope.actions & wanted.actions)
        for scope in parse_scopes(challenge.scope)
        if scope.kind == REPOSITORY and scope.actions & wanted.actions
    )
    renamed = any(scope.name != wanted.name for scope in scopes)
    moved = first is None or (challenge.realm, challenge.service) != (first.realm, first.service)
    return (challenge, scopes if renamed else (wanted,)) if renamed or moved else None


def _forms(credential: Credential | None) -> tuple[Secret, ...]:
    """Return what a registry must not be quoted with: the secret, and the header that carries it."""
    if credential is None:
        return ()
    return (credential.secret, Secret(basic(credential).reveal().removeprefix("Basic ")))
