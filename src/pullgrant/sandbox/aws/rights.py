"""Who may do what: policies of the caller, of its session, and of the resource, judged together.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: an explicit Deny wins; in one account either
side may allow; across accounts both must. A role's trust policy must always allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pullgrant.sandbox.aws.books import NOTHING, Books, Grants, grants_thing
from pullgrant.sandbox.aws.late import Late
from pullgrant.sandbox.aws.policy import Question, names, parse, says
from pullgrant.sandbox.aws.state import Caller
from pullgrant.sandbox.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What is asked about. `thing` is the name under which the world knows changes of its own policy, `policy` the text.

    `must_allow`: the resource's own policy must allow even in one account, as a role's trust policy.
    """

    arn: str
    account: str
    region: str = ""
    thing: str = ""
    policy: str | None = None
    tags: Mapping[str, str] | None = None
    must_allow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`why` is the end of AWS's sentence of refusal."""

    allowed: bool
    why: str = ""


_YES = Decision(allowed=True)


class Rights:
    """Judges actions."""

    def __init__(self, *, books: Books, late: Late, world: World) -> None:
        self._books, self._late, self._world = books, late, world

    def decide(self, caller: Caller, action: str, resource: Resource, context: Mapping[str, str] | None = None) -> Decision:
        """Return whether a caller may do an action."""
        return self.decide_all(caller, [action], resource, context)[action]

    def decide_all(
        self, caller: Caller, actions: Sequence[str], resource: Resource, context: Mapping[str, str] | None = None
    ) -> dict[str, Decision]:
        """Return whether a caller may do each of some actions; together they are one read of what changed."""
        questions = {action: self._question(caller, action, resource, context or {}) for action in actions}
        mine = grants_thing(caller.identity.arn)

        def verdict(seen: Mapping[str, Any]) -> dict[str, Decision]:
            grants, policy = seen[mine] or NOTHING, seen.get(resource.thing)
            return {action: _verdict(caller, question, grants, policy, resource) for action, question in questions.items()}

        return self._late.judge(self._things(caller, resource), verdict)

    def explain(self, caller: Caller, actions: Sequence[str], resource: Resource) -> tuple[str, Decision]:
        """Return the first of some actions that is refused, and why; it reads no change.

        What was refused a moment ago may be allowed by now: then it is the first, for the usual reason.
        """
        grants = self._books.grants(caller.identity)
        questions = [self._question(caller, action, resource, {}) for action in actions]
        for question in questions:
            decision = _verdict(caller, question, grants, resource.policy, resource)
            if not decision.allowed:
                return question.action, decision
        return actions[0], _lacking("identity-based policy", questions[0])

    def _things(self, caller: Caller, resource: Resource) -> dict[str, Any]:
        things: dict[str, Any] = {grants_thing(caller.identity.arn): self._books.grants(caller.identity)}
        return things | ({resource.thing: resource.policy} if resource.thing else {})

    def _question(self, caller: Caller, action: str, resource: Resource, context: Mapping[str, str]) -> Question:
        who, now = caller.identity, self._world.now()
        root = f"arn:{who.partition}:iam::{who.account}:root"
        known = _clock(now) | {
            "aws:principalaccount": who.account,
            "aws:principalarn": who.arn,
            "aws:principaltype": "AssumedRole" if caller.session else "User",
            "aws:userid": caller.user_id,
            "aws:securetransport": "true",
            "aws:resourceaccount": resource.account,
        }
        if resource.region:
            known["aws:requestedregion"] = resource.region
        if caller.session:
            known["aws:tokenissuetime"] = f"{caller.session.issued_at:%Y-%m-%dT%H:%M:%SZ}"
        else:
            known["aws:username"] = who.name
        known |= {f"aws:principaltag/{name.lower()}": value for name, value in self._books.tags(who).items()}
        for prefix in ("aws", action.partition(":")[0]):
            known |= {f"{prefix}:resourcetag/{name.lower()}": value for name, value in (resource.tags or {}).items()}
        known |= context
        return Question(
            action=action,
            resource=resource.arn,
            context={name: (value,) for name, value in known.items()},
            account=who.account,
            principals=tuple(dict.fromkeys((caller.arn, who.arn, root))),
            variables=known,
        )


def _verdict(caller: Caller, question: Question, grants: Grants, policy: str | None, resource: Resource) -> Decision:
    own = [parse(text) for text in grants.policies]
    limits = _limits(caller, grants)
    resources = parse(policy)
    if any(says(documents, question, "Deny") for documents in (own, *limits.values())):
        return Decision(allowed=False, why="with an explicit deny in an identity-based policy")
    if names(resources, question, "Deny"):
        return Decision(allowed=False, why="with an explicit deny in a resource-based policy")
    by_resource = names(resources, question, "Allow")
    same = resource.account == caller.identity.account
    if (resource.must_allow or not same) and not by_resource:
        return _lacking("resource-based policy", question)
    if same and caller.arn in by_resource:
        return _YES
    direct = same and bool(by_resource & {"*", caller.identity.arn})
    if not direct and not says(own, question, "Allow"):
        return _lacking("identity-based policy", question)
    for name, documents in limits.items():
        if not says(documents, question, "Allow"):
            return _lacking(name, question)
    return _YES


def _limits(caller: Caller, grants: Grants) -> dict[str, list[Mapping[str, Any]]]:
    """Return what must allow too: a permissions boundary and the session's own policies."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    if grants.boundary is not None:
        found["permissions boundary"] = [parse(grants.boundary)]
    if caller.session is not None and caller.session.policies:
        found["session policy"] = list(caller.session.policies)
    return found


def _lacking(kind: str, question: Question) -> Decision:
    return Decision(allowed=False, why=f"because no {kind} allows the {question.action} action")


def _clock(now: datetime) -> dict[str, str]:
    return {"aws:currenttime": f"{now:%Y-%m-%dT%H:%M:%SZ}", "aws:epochtime": str(int(now.timestamp()))}
