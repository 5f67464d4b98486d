"""The body that all `PROVIDER.bootstrap` verbs share: parse, call one flow, render."""

from __future__ import annotations

from dataclasses import replace

from invoke import Collection

from pullgrant import catalog
from pullgrant.cli.options import BOOTSTRAP, OUTPUT, READER, REGISTRY, Opt, duration
from pullgrant.cli.session import open_catalog
from pullgrant.cli.verb import Given, verb
from pullgrant.model.reader import Reader

DEFAULT_SINK = "akka"


def provider_collection(provider: str, about: str, *options: Opt) -> Collection:
    """Return the collection of one provider: `bootstrap` with its options, and `status` (the default) for its readers."""
    from pullgrant.cli.readers import show_status

    def bootstrap(given: Given) -> None:
        run_bootstrap(provider, given)

    def status(given: Given) -> None:
        given.provider = provider
        show_status(given)

    bootstrap.__doc__ = about
    status.__doc__ = f"Show what the ledger knows of the {provider} readers; asks nobody."
    names = {one.name for one in options}
    common = tuple(one for one in BOOTSTRAP if one.name not in names)
    collection = Collection(provider)
    collection.add_task(verb(*options, *common)(bootstrap))
    collection.add_task(verb(READER, REGISTRY, *OUTPUT)(status), default=True)
    return collection


def run_bootstrap(provider: str, given: Given) -> None:
    """Make or renew one reader as the options say, or with --plan show what would be done."""
    from pullgrant.cli.render import applied_document, applied_lines, emit
    from pullgrant.flows.apply import apply, show
    from pullgrant.planner import Wish

    reader = _terms(catalog.reader(provider, vars(given)), given)
    slots = tuple(
        catalog.slot(text, server=reader.host, name=given.secret_name or "") for text in given.sink or [DEFAULT_SINK]
    )
    because = "a new credential was asked for with --rotate-now" if given.rotate_now else ""
    wish = Wish(reader=reader, slots=slots, adopt=given.adopt, because=because)
    wait = duration("wait", given.wait)
    with open_catalog(given) as opened:
        ports = opened.ports(reader, slots)
        applied = show(wish, ports) if given.plan else apply(wish, ports, wait=wait)
    emit(applied_document(applied), applied_lines(applied, planned=given.plan), as_json=given.json)
    if given.plan and applied.plan.refusal:
        raise applied.plan.refusal


def _terms(reader: Reader, given: Given) -> Reader:
    return replace(
        reader,
        rotate_every=duration("rotate-every", given.rotate_every),
        grace=duration("grace", given.grace),
        unproven=given.unproven,
    )
