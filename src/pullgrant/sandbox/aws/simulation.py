"""IAM's policy simulation: it asks the policies of a user or role only, not those of resources and sessions.

docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from typing import Any

from pullgrant.sandbox.aws.calls import AwsCall, answer
from pullgrant.sandbox.aws.desk import Desk
from pullgrant.sandbox.aws.refusal import Refusal
from pullgrant.sandbox.aws.rights import Decision, Resource
from pullgrant.sandbox.aws.state import Caller
from pullgrant.sandbox.exchange import Response


def simulate(desk: Desk, call: AwsCall, caller: Caller) -> Response:
    """Answer SimulatePrincipalPolicy."""
    source = desk.books.by_arn(call.text("PolicySourceArn"))
    if source is None or source.account != caller.identity.account or not desk.visible(source):
        raise Refusal("NoSuchEntity", f"The entity {call.text('PolicySourceArn')} cannot be found.", 404)
    actions = call.texts("ActionNames")
    results: list[Any] = []
    for arn in call.texts("ResourceArns") or ["*"]:
        resource = Resource(arn=arn, account=source.account, region=call.region)
        verdicts = desk.rights.decide_all(Caller(identity=source), actions, resource)
        results += [_result(action, arn, decision) for action, decision in verdicts.items()]
    return answer(call, {"EvaluationResults": results, "IsTruncated": False})


def _result(action: str, arn: str, decision: Decision) -> dict[str, Any]:
    refused = "explicitDeny" if "explicit deny" in decision.why else "implicitDeny"
    return {
        "EvalActionName": action,
        "EvalResourceName": arn,
        "EvalDecision": "allowed" if decision.allowed else refused,
        "MatchedStatements": [],
        "MissingContextValues": [],
    }
