"""Sends a request to a registry and follows the redirects that may be followed."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin

from pullgrant.errors import Unavailable
from pullgrant.kit.http import Http, Reply
from pullgrant.model.proof import Outcome
from pullgrant.probe.answers import unknown
from pullgrant.probe.realm import Doors, place

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3


def send(
    http: Http,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None = None,
) -> Reply | Outcome:
    """Send one request; a failure of the network is an UNKNOWN outcome."""
    try:
        return http.ask(method, url, headers=headers, form=form)
    except Unavailable as error:
        return unknown(error.message)


def follow(http: Http, method: str, url: str, *, headers: Mapping[str, str], doors: Doors, leave: bool) -> Reply | Outcome:
    """Send a GET or HEAD and follow at most three redirects, each to an address that the rules for realms accept.

    With `leave` a redirect may lead to another host, without Authorization; then only a 200 is an answer to the question,
    since a refusal there was not of our credential.
    """
    away = ""
    for _ in range(MOST_REDIRECTS + 1):
        reply = send(http, method, url, headers=headers)
        if isinstance(reply, Outcome):
            return reply
        location = reply.headers.get("location", "")
        if reply.status not in _REDIRECTS or not location:
            return unknown(f"redirected to {away}, which answered {reply.status}") if away and reply.status != 200 else reply
        target = _target(url, location)
        if why := doors.refusal(target):
            return unknown(f"redirected to an address that {why}: not followed")
        if place(target) != place(url):
            away = str(place(target))
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            if not leave:
                return unknown(f"redirected to another host, {away}: not followed")
        url = target
    return unknown(f"redirected more than {MOST_REDIRECTS} times")


def same_host(url: str, location: str) -> str:
    """Return the address that a Location header of an answer from `url` names; empty when it is on another host."""
    target = _target(url, location)
    return target if place(target) is not None and place(target) == place(url) else ""


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""
