"""Where credentials go, and where not, when a registry points elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from probe.bench import Bench
from probe.registries import MANIFEST, REPOSITORY, Azure, Registry
from probe.served import Say, Seen, Site, error, serve
from pullgrant.model.proof import Answer

Start = Callable[..., Bench]
HEAD = f"/v2/{REPOSITORY}/manifests/latest"


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Callable[[Seen], Say]], Site]]:
    """Start another server, to be pointed to."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(serve(answer))


Elsewhere = Callable[[Callable[[Seen], Say]], Site]


def to(url: str, status: int = 307) -> Say:
    return Say(status=status, headers={"location": url})


def test_a_realm_elsewhere_is_not_asked(bench: Start, elsewhere: Elsewhere) -> None:
    """A registry could have the credential sent to any service of this network."""
    evil = elsewhere(lambda seen: Say(body={"token": "x"}))
    place = bench(Registry(realm=f"http://{evil.host}/token"))
    answer, words = place.pull(place.credential())
    assert (answer, evil.seen) == (Answer.UNKNOWN, [])
    assert words == (
        f"the token service that the registry names is plain http at {evil.host}, which is not named as an insecure host: "
        "not asked"
    )
    assert (place.push(place.credential())[0], evil.seen) == (Answer.UNKNOWN, [])


def test_a_realm_on_another_named_host_is_asked(bench: Start, elsewhere: Elsewhere) -> None:
    """A registry with a token service of its own address could not be used, though the user named both."""
    registry = Registry()
    service = elsewhere(lambda seen: registry.token(seen))
    registry.realm = f"http://{service.host}/token?tenant=a%20b"
    place = bench(registry, also=frozenset({service.host}))
    assert place.pull(place.credential())[0] == Answer.ALLOWED
    assert service.seen[0].query == {
        "tenant": ["a b"],
        "service": [place.site.host],
        "scope": [f"repository:{REPOSITORY}:pull"],
    }


def test_a_new_realm_in_a_later_challenge_is_checked_too(bench: Start, elsewhere: Elsewhere) -> None:
    """The rules for realms would hold for the first challenge only."""
    evil = elsewhere(lambda seen: Say(body={"token": "x"}))
    place = bench(Registry())
    header = f'Bearer realm="http://{evil.host}/token",service="s",scope="repository:team/other:pull"'
    place.registry.manifest = lambda *asked: error(401, "UNAUTHORIZED", "x", www_authenticate=header)
    assert (place.pull(place.credential())[0], evil.seen) == (Answer.UNKNOWN, [])


def test_a_new_realm_that_may_be_asked_is_asked(bench: Start) -> None:
    """Registries that name the true token service only per repository could not be asked."""
    place = bench(Registry())
    good = place.registry
    place.site.answer = lambda seen: (
        error(401, "UNAUTHORIZED", "x", www_authenticate=f'Bearer realm="http://{place.site.host}/none"')
        if seen.path == "/v2/"
        else Say(body={"token": "useless"})
        if seen.path == "/none"
        else good(seen)
    )
    assert place.pull(place.credential())[0] == Answer.ALLOWED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_call_is_not_redirected_to_another_host(bench: Start, elsewhere: Elsewhere, status: int) -> None:
    """The credential would follow a redirect to another host, or a token for nobody be taken for its own."""
    other = elsewhere(lambda seen: Say(body={"token": "x"}))
    place = bench(Registry(), also=frozenset({other.host}))
    place.registry.token = lambda seen: to(f"http://{other.host}/token", status)
    answer, words = place.pull(place.credential())
    assert (answer, words) == (
        Answer.UNKNOWN,
        f"token service: redirected to another host, {other.host}: not followed",
    )
    assert other.seen == []


def test_a_refresh_token_is_not_redirected_at_all(bench: Start, elsewhere: Elsewhere) -> None:
    """A refresh token would be posted to another host."""
    other = elsewhere(lambda seen: Say(body={"token": "x"}))
    place = bench(Azure(), also=frozenset({other.host}))
    place.registry.token = lambda seen: to(f"http://{other.host}/token")
    assert place.pull(place.credential("<token>", "refresh-reader"))[0] == Answer.UNKNOWN
    assert other.seen == []


def test_a_token_call_is_redirected_on_its_own_host(bench: Start) -> None:
    """A token service that moved within its host could not be used."""
    place = bench(Registry())
    whole = place.registry.token
    place.registry.token = lambda seen: whole(seen) if "moved" in seen.query else to(f"/token?moved=1&{seen.raw_query}")
    assert place.pull(place.credential())[0] == Answer.ALLOWED


def test_an_anonymous_token_call_may_be_redirected(bench: Start, elsewhere: Elsewhere) -> None:
    """Nobody has nothing to lose on another host, but would get no answer."""
    registry = Registry(rights={"": {"pull"}})
    other = elsewhere(lambda seen: registry.token(seen))
    place = bench(registry, also=frozenset({other.host}))
    place.site.answer = lambda seen: (
        to(f"http://{other.host}/token?{seen.raw_query}") if seen.path == "/token" else registry(seen)
    )
    assert place.pull(None)[0] == Answer.ALLOWED


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/", "http://127.0.0.1:1/", "https://localhost/", "file:///etc/passwd", "http://["]
)
def test_no_redirect_leads_inside(bench: Start, target: str) -> None:
    """A registry could make us ask services of this network."""
    place = bench(Registry())
    place.registry.manifest = lambda *asked: to(target)
    answer, words = place.pull(place.credential())
    assert (answer, "not followed" in words) == (Answer.UNKNOWN, True)


def test_a_manifest_may_be_served_elsewhere_without_authorization(bench: Start, elsewhere: Elsewhere) -> None:
    """The token would be sent to a storage service, or images behind redirects could not be proven."""
    storage = elsewhere(lambda seen: Say(headers=MANIFEST))
    place = bench(Registry(), also=frozenset({storage.host}))
    place.registry.manifest = lambda *asked: to(f"http://{storage.host}/m?sig=1")
    assert place.pull(place.credential())[0] == Answer.ALLOWED
    assert [(seen.method, seen.raw_query, seen.authorization) for seen in storage.seen] == [("HEAD", "sig=1", "")]


def test_a_refusal_elsewhere_is_no_denial(bench: Start, elsewhere: Elsewhere) -> None:
    """A host that never saw the credential would prove it powerless."""
    storage = elsewhere(lambda seen: error(403, "DENIED", "no"))
    place = bench(Registry(), also=frozenset({storage.host}))
    place.registry.manifest = lambda *asked: to(f"http://{storage.host}/m")
    assert place.pull(place.credential()) == (Answer.UNKNOWN, f"redirected to {storage.host}, which answered 403")


def test_the_way_back_brings_no_authorization(bench: Start, elsewhere: Elsewhere) -> None:
    """A registry's own refusal of a redirected call without credential would count as a denial of it."""
    place = bench(Registry())
    other = elsewhere(lambda seen: to(f"http://{place.site.host}{HEAD}?back=1"))
    place = Bench(
        http=place.http, site=place.site, registry=place.registry, insecure=frozenset({place.site.host, other.host})
    )
    whole = place.registry.manifest
    place.registry.manifest = lambda seen, *name: whole(seen, *name) if seen.raw_query else to(f"http://{other.host}/")
    assert place.pull(place.credential())[0] == Answer.UNKNOWN
    assert [seen.authorization for seen in place.site.seen if seen.raw_query == "back=1"] == [""]


def test_redirects_on_the_own_host_keep_the_authorization(bench: Start) -> None:
    """An image behind a redirect of its own registry could not be pulled."""
    place = bench(Registry())
    whole = place.registry.manifest
    place.registry.manifest = lambda seen, *name: whole(seen, *name) if seen.raw_query else to("?again=1")
    assert place.pull(place.credential())[0] == Answer.ALLOWED


@pytest.mark.parametrize(("hops", "answer"), [(3, Answer.ALLOWED), (4, Answer.UNKNOWN)])
def test_three_redirects_and_no_more(bench: Start, hops: int, answer: Answer) -> None:
    """A circle of redirects would never end."""
    place = bench(Registry())
    whole = place.registry.manifest

    def manifest(seen: Seen, *name: str) -> Say:
        hop = int(seen.query.get("hop", ["0"])[0])
        return whole(seen, *name) if hop == hops else to(f"?hop={hop + 1}")

    place.registry.manifest = manifest
    assert place.pull(place.credential())[0] == answer


def test_a_greeting_from_another_host_is_not_believed(bench: Start, elsewhere: Elsewhere) -> None:
    """Whoever a registry points to would choose where the credential goes."""
    other = elsewhere(lambda seen: error(401, "UNAUTHORIZED", "x", www_authenticate='Basic realm="x"'))
    place = bench(Registry(), also=frozenset({other.host}))
    place.site.answer = lambda seen: to(f"http://{other.host}/v2/")
    assert place.pull(place.credential()) == (Answer.UNKNOWN, f"redirected to another host, {other.host}: not followed")
    assert other.seen == []
