"""Finds principals in policies of resources that do not exist; AWS refuses to save such a policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pullgrant.sandbox.aws.first_day import ACCOUNTS
from pullgrant.sandbox.aws.policy import account_of, aws_principals, parse, statements

if TYPE_CHECKING:
    from pullgrant.sandbox.aws.desk import Desk


def refuse_strangers(desk: Desk, text: str, partition: str) -> Iterator[str]:
    """Yield the AWS principals of a policy that are nobody, or not yet seen. A text that is no policy has none."""
    try:
        document = parse(text)
    except ValueError:
        return
    for statement in statements(document):
        for element in (statement.get("Principal"), statement.get("NotPrincipal")):
            for written in aws_principals(element):
                if written != "*" and not _known(desk, written, partition):
                    yield written


def _known(desk: Desk, written: str, partition: str) -> bool:
    if account_of(written) not in ACCOUNTS:
        return False
    if not written.startswith("arn:"):
        return True
    _, own_partition, service, _, _, rest = (written.split(":", 5) + [""] * 6)[:6]
    if own_partition != partition:
        return False
    if service == "sts":
        return rest.startswith("assumed-role/")
    if rest == "root":
        return True
    found = desk.books.by_arn(written)
    return found is not None and desk.visible(found)
