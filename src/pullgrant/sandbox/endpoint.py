"""One way into a fake's API: under the world's lock, with refusals raised from wherever they are noticed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from pullgrant.sandbox.exchange import Answering, Request, Response
from pullgrant.sandbox.world import World

Handler: TypeAlias = Callable[[Request, "re.Match[str]"], Response]


class RefusalError(Exception):
    """A fake says no; `response` is how its service says it."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"refused with {response.status}")
        self.response = response


def endpoint(world: World, handler: Handler) -> Answering:
    """Return the answering function of one method."""

    def answer(request: Request, match: re.Match[str]) -> Response:
        try:
            with world.lock:
                return handler(request, match)
        except RefusalError as refusal:
            return refusal.response

    return answer
