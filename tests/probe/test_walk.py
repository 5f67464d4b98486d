"""The stages of a pull, and what a registry lists."""

from __future__ import annotations

from collections.abc import Callable

from probe.bench import Bench, stages
from probe.registries import REPOSITORY, Htpasswd, Opaque, Registry
from probe.served import Say, error
from pullgrant.model.proof import Answer
from pullgrant.probe import Stage

Start = Callable[..., Bench]


def test_each_stage_is_shown(bench: Start) -> None:
    """A diagnosis would not show where a pull ends."""
    place = bench(Registry())
    steps = place.probe().walk(place.image(), place.credential())
    assert stages(steps) == [
        (Stage.REACH, Answer.ALLOWED),
        (Stage.CHALLENGE, Answer.ALLOWED),
        (Stage.TOKEN, Answer.ALLOWED),
        (Stage.SCOPE, Answer.ALLOWED),
        (Stage.MANIFEST, Answer.ALLOWED),
    ]
    assert [step.outcome.words for step in steps][:4] == [
        f"http://{place.site.host}/v2/ answered 401",
        f"Bearer, token service http://{place.site.host}/token",
        "the token service gave a token",
        f"{REPOSITORY}: pull",
    ]


def test_a_token_without_rights_is_shown(bench: Start) -> None:
    """A diagnosis would not show that the token service gave no right."""
    place = bench(Registry())
    place.registry.rights["reader"] = set()
    steps = place.probe().walk(place.image(), place.credential())
    assert stages(steps)[2:] == [
        (Stage.TOKEN, Answer.ALLOWED),
        (Stage.SCOPE, Answer.DENIED),
        (Stage.MANIFEST, Answer.DENIED),
    ]


def test_an_opaque_token_shows_nothing(bench: Start) -> None:
    """A diagnosis would claim to know rights that nobody showed."""
    place = bench(Opaque())
    assert stages(place.probe().walk(place.image(), place.credential()))[3] == (Stage.SCOPE, Answer.UNKNOWN)


def test_basic_has_no_token(bench: Start) -> None:
    """A diagnosis would miss stages, or claim ones that this registry does not have."""
    place = bench(Htpasswd())
    assert stages(place.probe().walk(place.image(), place.credential())) == [
        (Stage.REACH, Answer.ALLOWED),
        (Stage.CHALLENGE, Answer.ALLOWED),
        (Stage.TOKEN, Answer.NOT_ASKED),
        (Stage.SCOPE, Answer.NOT_ASKED),
        (Stage.MANIFEST, Answer.ALLOWED),
    ]


def test_the_walk_ends_where_it_fails(bench: Start) -> None:
    """A diagnosis would show stages that were never reached."""
    place = bench(Registry())
    refused = place.probe().walk(place.image(), place.credential(secret="gone"))
    place.registry.realm = "https://127.0.0.1/token"
    astray = place.probe().walk(place.image(), place.credential())
    place.site.answer = lambda seen: Say(status=503)
    down = place.probe().walk(place.image(), place.credential())
    assert stages(refused)[2:] == [(Stage.TOKEN, Answer.DENIED)]
    assert stages(astray) == [(Stage.REACH, Answer.ALLOWED), (Stage.CHALLENGE, Answer.UNKNOWN)]
    assert stages(down) == [(Stage.REACH, Answer.UNKNOWN)]


def test_a_network_that_fails_late_is_a_stage_too(bench: Start) -> None:
    """A pull that failed at the manifest would be told by the stage before, which went well."""
    place = bench(Registry())
    place.registry.manifest = lambda *asked: Say(status=307, headers={"location": "http://127.0.0.1:1/"})
    assert stages(place.probe().walk(place.image(), place.credential()))[-1] == (Stage.MANIFEST, Answer.UNKNOWN)


def test_the_query_of_a_realm_is_not_shown(bench: Start) -> None:
    """An address with a secret in its query would be shown."""
    place = bench(Registry())
    place.registry.realm = f"http://{place.site.host}/token?key=hidden"
    steps = place.probe().walk(place.image(), place.credential())
    assert [step for step in steps if "hidden" in step.outcome.words] == []


def test_tags(bench: Start) -> None:
    """No image could be found to prove with."""
    place = bench(Registry(tags=("a", "b", "c")))
    probe = place.probe()
    assert probe.tags(place.site.host, REPOSITORY, place.credential()) == ("a", "b", "c")
    assert probe.tags(place.site.host, REPOSITORY, place.credential(), most=2) == ("a", "b")
    assert [seen.raw_query for seen in place.site.asked("GET", f"/v2/{REPOSITORY}/tags/list")] == ["n=100", "n=2"]


def test_tags_of_a_registry_that_ignores_the_number(bench: Start) -> None:
    """More tags would be returned than were asked for."""
    place = bench(Registry())
    place.registry.listing = lambda *asked: Say(body={"tags": ["a", 7, "b", "c"]})
    assert place.probe().tags(place.site.host, REPOSITORY, place.credential(), most=2) == ("a", "b")


def test_tags_that_are_refused_or_odd(bench: Start) -> None:
    """A registry that shows no tags would raise."""
    place = bench(Registry())
    probe, host, caller = place.probe(), place.site.host, place.credential()
    assert (probe.tags(host, REPOSITORY, None), probe.tags(host, REPOSITORY, place.credential(secret="x"))) == ((), ())
    for say in (
        Say(body={"tags": None}),
        Say(body=b"[]"),
        Say(body=b"half"),
        error(404, "NAME_UNKNOWN", "x"),
        Say(status=500, body={"tags": ["a"]}),
    ):
        place.registry.listing = lambda *asked, say=say: say
        assert probe.tags(host, REPOSITORY, caller) == ()


def test_children(bench: Start) -> None:
    """The repositories of an old gcr.io project could not be found."""
    place = bench(Registry())
    assert place.probe().children(place.site.host, REPOSITORY, place.credential()) == ("db", "web")
    assert place.site.asked("GET", f"/v2/{REPOSITORY}/tags/list")[0].raw_query == ""
    assert place.probe().children(place.site.host, REPOSITORY, None) == ()
