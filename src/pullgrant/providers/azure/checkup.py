"""What `doctor` asks of Azure: is the operator signed in, and which applications carry a ledger's mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullgrant.errors import MissingExtra, Unavailable
from pullgrant.kit.http import Http
from pullgrant.kit.rest import Step, judged
from pullgrant.model.reader import Reader
from pullgrant.providers.azure.hosts import CLOUDS, Cloud
from pullgrant.providers.azure.settings import Settings
from pullgrant.providers.azure.signin import WAYS_ON, SignIn
from pullgrant.secret import Secret

ADDRESS = CLOUDS["public"].arm
_MOST = 999  # of Graph: $top


def signed_in(http: Http, readers: Sequence[Reader]) -> str:
    """Return who is signed in, to the cloud of the first reader. Raises NotSignedIn, MissingExtra and Unavailable."""
    del http  # azure-identity brings its own
    cloud = Settings.of(readers[0]).place.cloud if readers else CLOUDS["public"]
    _token(cloud, cloud.scope)
    return f"signed in to Azure's cloud {cloud.name}"


def marked(http: Http, reader: Reader, *, owner: str) -> tuple[str, ...]:
    """Return the applications of the tenant that carry this ledger's mark, by their appIds."""
    cloud = Settings.of(reader).place.cloud
    step = Step(doing="list the applications with our mark", right="Application.Read.All of Microsoft Graph")
    reply = http.ask(
        "GET",
        f"{cloud.graph}/v1.0/applications",
        headers={"authorization": f"Bearer {_token(cloud, f'{cloud.graph}/.default').reveal()}"},
        params=[
            ("$filter", f"tags/any(tag:tag eq 'pullgrant ledger={owner}')"),
            ("$select", "appId,tags"),
            ("$top", str(_MOST)),
        ],
    )
    if reply.status != 200:
        raise judged(reply, step, service="Microsoft Graph", hint=WAYS_ON)
    body = reply.json()
    if not isinstance(body, dict):
        raise Unavailable(f"could not {step.doing}: half an answer came")
    return tuple(str(one["appId"]) for one in body.get("value") or () if isinstance(one, dict) and one.get("appId"))


def _token(cloud: Cloud, scope: str) -> Secret:
    opened: list[Any] = []
    try:
        return Secret(str(SignIn(cloud, opened).get_token_info(scope).token))
    except ImportError as error:
        words = f"the provider azure needs the Python package {error.name}"
        raise MissingExtra(words, hint="pip install 'pullgrant[azure]'") from None
    finally:
        for client in opened:
            client.close()
