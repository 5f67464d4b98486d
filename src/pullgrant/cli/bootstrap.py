"""The body that all `PROVIDER.bootstrap` verbs share: parse, call one flow, render."""

from __future__ import annotations

import sys
from dataclasses import replace

from invoke import Collection

from pullgrant import catalog
from pullgrant.cli.options import BOOTSTRAP, OUTPUT, READER, REGISTRY, WAIT, Opt, duration
from pullgrant.cli.session import open_catalog
from pullgrant.cli.verb import Given, verb
from pullgrant.model.reader import Reader

DEFAULT_SINK = "akka"
DUE = Opt(name="due", default=False, help="Renew a reader that --reader or --registry names only when it is due.")


def provider_collection(provider: str, about: str, *options: Opt) -> Collection:
    """Return the collection of one provider: `bootstrap` with its options, and the verbs on readers for its own ones."""
    from pullgrant.cli import readers
    from pullgrant.cli import rotate as rotation

    def bootstrap(given: Given) -> None:
        run_bootstrap(provider, given)

    def status(given: Given) -> None:
        readers.show_status(_only(provider, given))

    def verify(given: Given) -> None:
        readers.prove_again(_only(provider, given))

    def rotate(given: Given) -> None:
        given.now = given.now or (bool(given.reader or given.registry) and not given.due)
        rotation.renew(_only(provider, given))

    def revoke(given: Given) -> None:
        readers.take_back(_only(provider, given))

    bootstrap.__doc__ = about
    status.__doc__ = f"Show what the ledger knows of the {provider} readers; asks nobody."
    verify.__doc__ = (
        f"Prove the {provider} readers again on the live registry, and compare cloud and platforms; exit 4 if not good."
    )
    rotate.__doc__ = f"Renew the {provider} readers: those that are named now, all others when they are due."
    revoke.__doc__ = f"Take back everything of one {provider} reader, in the cloud and in the platforms."
    names = {one.name for one in options}
    common = tuple(one for one in BOOTSTRAP if one.name not in names)
    collection = Collection(provider)
    collection.add_task(verb(*options, *common)(bootstrap))
    collection.add_task(verb(READER, REGISTRY, *OUTPUT)(status), default=True)
    collection.add_task(verb(READER, REGISTRY, WAIT, *OUTPUT)(verify))
    collection.add_task(verb(READER, REGISTRY, DUE, *rotation.RENEWAL)(rotate))
    collection.add_task(verb(READER, *readers.ENDING)(revoke))
    return collection


def _only(provider: str, given: Given) -> Given:
    given.provider = provider
    return given


def run_bootstrap(provider: str, given: Given) -> None:
    """Make or renew one reader as the options say, or with --plan show what would be done."""
    from pullgrant.cli.render import applied_document, applied_lines, emit
    from pullgrant.flows.apply import apply, show
    from pullgrant.planner import Wish

    reader = _terms(catalog.reader(provider, vars(given)), given)
    slots = tuple(
        catalog.slot(text, server=reader.host, name=given.secret_name or "") for text in given.sink or [DEFAULT_SINK]
    )
    # A credential that was asked for on standard output is alone there.
    given.results = sys.stderr if any(slot.sink == "stdout" for slot in slots) and not given.plan else sys.stdout
    because = "a new credential was asked for with --rotate-now" if given.rotate_now else ""
    wish = Wish(reader=reader, slots=slots, adopt=given.adopt, because=because)
    wait = duration("wait", given.wait)
    with open_catalog(given) as opened:
        ports = opened.ports(reader, slots)
        applied = show(wish, ports) if given.plan else apply(wish, ports, wait=wait)
    emit(applied_document(applied), applied_lines(applied, planned=given.plan), as_json=given.json, stream=given.results)
    if given.plan and applied.plan.refusal:
        raise applied.plan.refusal


def _terms(reader: Reader, given: Given) -> Reader:
    return replace(
        reader,
        rotate_every=duration("rotate-every", given.rotate_every),
        grace=duration("grace", given.grace),
        unproven=given.unproven or reader.unproven,
    )
