"""What `doctor` asks of AWS: is the operator signed in, and which roles and users carry a ledger's mark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pullgrant.kit.http import Http
from pullgrant.model.reader import Reader
from pullgrant.providers.ecr.answers import Step
from pullgrant.providers.ecr.identity import LEDGER_TAG
from pullgrant.providers.ecr.seam import PATH
from pullgrant.providers.ecr.signin import SignIn, sent

ADDRESS = "https://sts.us-east-1.amazonaws.com/"
_REGION = "us-east-1"
_MOST_PAGES = 50


def signed_in(http: Http, readers: Sequence[Reader]) -> str:
    """Return who is signed in, with the profile of the first reader. Raises NotSignedIn, MissingExtra and Unavailable."""
    del http  # boto3 brings its own
    first = readers[0].options if readers else {}
    caller = SignIn(str(first.get("profile") or "")).caller(str(first.get("region") or _REGION))
    return caller.arn


def marked(http: Http, reader: Reader, *, owner: str) -> tuple[str, ...]:
    """Return the roles and users below our path that carry this ledger's mark, by their ARNs."""
    del http
    region = str(reader.options.get("region") or _REGION)
    iam = SignIn(str(reader.options.get("profile") or "")).client("iam", region)
    return tuple(
        str(one["Arn"])
        for kind in ("Role", "User")
        for one in _listed(iam, kind, region)
        if _tags(iam, kind, str(one[f"{kind}Name"]), region).get(LEDGER_TAG) == owner
    )


def _listed(iam: Any, kind: str, region: str) -> Iterator[dict[str, Any]]:
    step = Step(doing=f"list the IAM {kind.lower()}s below {PATH}", action=f"iam:List{kind}s", region=region)
    more: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        answer = sent(getattr(iam, f"list_{kind.lower()}s"), step, PathPrefix=PATH, **more)
        yield from answer[f"{kind}s"]
        if not answer.get("IsTruncated"):
            return
        more = {"Marker": str(answer["Marker"])}


def _tags(iam: Any, kind: str, name: str, region: str) -> dict[str, str]:
    step = Step(doing=f"read the tags of the {kind.lower()} {name}", action=f"iam:List{kind}Tags", region=region)
    answer = sent(getattr(iam, f"list_{kind.lower()}_tags"), step, **{f"{kind}Name": name})
    return {str(one["Key"]): str(one["Value"]) for one in answer["Tags"]}
