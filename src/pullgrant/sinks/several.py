"""One slot in several places: what it holds when each of them was looked at."""

from __future__ import annotations

from collections.abc import Sequence

from pullgrant.model.credential import Credential, Held
from pullgrant.secret import Secret


def agreed(server: str, reference: str, found: Sequence[Held | None]) -> Held | None:
    """Return what all places hold, None when none holds anything.

    Where they differ, the credential is an empty one: it equals none that was ever delivered, so that a slot which is
    right in one place and wrong in another is seen to be wrong.
    """
    present = [one for one in found if one is not None]
    if not present:
        return None
    first = present[0]
    words = "; ".join(dict.fromkeys(one.words for one in present if one.words))
    if len(present) == len(found) and all(one.credential == first.credential for one in present):
        return Held(reference=reference, username=first.username, credential=first.credential, words=words)
    nothing = Credential(server=server, username=first.username, secret=Secret(""))
    differ = "its places do not all hold the same credential"
    return Held(
        reference=reference, username=first.username, credential=nothing, words=f"{differ}; {words}" if words else differ
    )
