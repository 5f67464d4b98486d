"""How calls travel through azure-core: signed, with timeouts, never repeated behind our back, never logged."""

from __future__ import annotations

from typing import Any

from pullgrant.errors import Unavailable
from pullgrant.providers.azure.answers import LATER, Step, lost

# azure-core's own are 300 s, 300 s and seven days.
TIMEOUTS: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 60}
LONGEST_OPERATION = 180.0


def policies(credential: Any, scope: str) -> list[Any]:
    """Return the policies of a pipeline: no retries, which would repeat a POST on some answers, and no logs of bodies.

    Left out as well: Resource Manager's policy that registers a missing resource provider without being asked.
    """
    from azure.core.pipeline import policies as core

    return [
        core.RequestIdPolicy(),
        core.HeadersPolicy(),
        core.UserAgentPolicy("pullgrant"),
        core.ProxyPolicy(),
        core.ContentDecodePolicy(),
        core.BearerTokenCredentialPolicy(credential, scope),
    ]


def arm_policies(credential: Any, scope: str) -> list[Any]:
    """Return the policies for Resource Manager's SDKs, which parse refusals themselves and fall over some of them."""
    from azure.core.pipeline.policies import CustomHookPolicy

    return [CustomHookPolicy(raw_response_hook=_refuse), *policies(credential, scope)]


def _refuse(response: Any) -> None:
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

    status = response.http_response.status_code
    if status >= 400:
        kind = ResourceNotFoundError if status == 404 else HttpResponseError
        raise kind(response=response.http_response)


def pipeline(credential: Any, base_url: str, scope: str) -> Any:
    """Return an azure-core PipelineClient for a service without an SDK of its own."""
    from azure.core import PipelineClient

    return PipelineClient(base_url, policies=policies(credential, scope), **TIMEOUTS)


def ended(poller: Any, step: Step) -> Any:
    """Wait for a long operation that was accepted, and return its result.

    Raises Unavailable when it does not end in time, OutcomeUnknown when nobody tells how it ended.
    """
    from azure.core.exceptions import HttpResponseError

    try:
        poller.wait(LONGEST_OPERATION)
    except HttpResponseError as error:
        if error.response is None or (error.status_code or 0) >= 300:
            raise lost(step, "it was accepted, and how it ended is not told") from None
        raise
    if not poller.done():
        raise Unavailable(f"could not {step.doing}: still going on after {LONGEST_OPERATION:.0f} s", hint=LATER)
    return poller.result()


def plain(value: Any) -> str:
    """Return a text that an SDK gives as a str or as a member of an enum."""
    return str(getattr(value, "value", value) or "")
