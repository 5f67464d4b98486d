"""`diagnose`: why does this pull fail, and the command that mends it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pullgrant import catalog
from pullgrant.catalog import Catalog
from pullgrant.cli.options import OUTPUT, WAIT, Opt, duration
from pullgrant.cli.session import chosen, open_catalog
from pullgrant.cli.verb import Given, verb
from pullgrant.errors import ProofFailed, PullgrantError, Unavailable
from pullgrant.model import history as past
from pullgrant.model.credential import Slot
from pullgrant.model.image import Image, parse_image
from pullgrant.model.reader import Reader

if TYPE_CHECKING:
    from pullgrant.flows.diagnosis import Diagnosis


@verb(
    Opt(name="image", positional=True, help="Image that cannot be pulled, HOST/REPOSITORY:TAG as docker takes it."),
    Opt(name="slot", help="Platform that cannot pull it, SINK[:TARGET] as for --sink. Default: all that hold its reader's."),
    Opt(name="reader", help="Reader to ask about, by name or id. Default: the one whose scope the image lies in."),
    WAIT,
    *OUTPUT,
)
def diagnose(given: Given) -> None:
    """Say why an image cannot be pulled, and the command that mends it; exit 4 when a cause was found, 6 when it may pass."""
    image = parse_image(given.image)
    with open_catalog(given) as opened:
        slot = _slot(given, image, opened)
        reader, others = _readers(given, image, slot, opened)
        found = _asked(given, image, reader, slot, opened)
    if others:
        found = replace(found, remarks=(*found.remarks, f"covered too by {', '.join(one.id for one in others)}"))
    _tell(found, reader, as_json=given.json)


def _slot(given: Given, image: Image, opened: Catalog) -> Slot | None:
    """Return the slot that --slot names, as the ledger knows it if it does: it may have a name that was given."""
    if not given.slot:
        return None
    wanted = catalog.slot(given.slot, server=image.host)
    known = [one for reader in opened.ledger.readers() for one in past.slots(opened.ledger.history(reader.id))]
    alike = [one for one in known if (one.sink, one.target, one.server) == (wanted.sink, wanted.target, wanted.server)]
    return wanted if wanted in alike or not alike else alike[0]


def _readers(given: Given, image: Image, slot: Slot | None, opened: Catalog) -> tuple[Reader | None, tuple[Reader, ...]]:
    """Return the reader to ask about, and the others that cover the image: that of the slot first, then the narrowest."""
    if given.reader:
        return chosen(opened.ledger, given, need=True)[0], ()

    def order(one: Reader) -> tuple[bool, bool, str]:
        return slot not in past.slots(opened.ledger.history(one.id)), not one.repositories, one.id

    covering = sorted((one for one in opened.ledger.readers() if catalog.covers(one, image)), key=order)
    return (covering[0], tuple(covering[1:])) if covering else (None, ())


def _asked(given: Given, image: Image, reader: Reader | None, slot: Slot | None, opened: Catalog) -> Diagnosis:
    from pullgrant.flows.diagnose import diagnose as flow
    from pullgrant.flows.diagnose import diagnose_alone
    from pullgrant.flows.diagnosis import Case
    from pullgrant.resolve.suggest import bootstrap_for

    bootstrap = bootstrap_for(image, catalog.PROVIDERS)
    case = Case(image=image, walker=opened.probe(reader), bootstrap=bootstrap)
    if reader is not None:
        case = replace(case, covered=catalog.covers(reader, image))
        ports = opened.ports(reader, (slot,) if slot else ())
        return flow(case, reader, ports, slot=slot, wait=duration("wait", given.wait))
    held = opened.sink(slot.sink).inspect(slot) if slot else None
    return diagnose_alone(case, slot=slot, held=held, beside=_beside(image, opened.ledger.readers()))


def _beside(image: Image, readers: tuple[Reader, ...]) -> list[Reader]:
    """Return readers of the same registry, then those of a sibling (us.gcr.io, gcr.io) where the image would be theirs."""
    same = [one for one in readers if one.host == image.host]
    family = image.host.split(".")[-2:]
    siblings = [
        one
        for one in readers
        if one.host != image.host
        and one.host.split(".")[-2:] == family
        and catalog.covers(one, replace(image, host=one.host))
    ]
    return same + siblings


def _tell(found: Diagnosis, reader: Reader | None, *, as_json: bool) -> None:
    from pullgrant.cli.render import emit

    error = _error(found)
    emit(_document(found, reader, error), _lines(found, error), as_json=as_json)
    if error and as_json:
        sys.exit(error.exit_code)
    if error:
        raise error


def _error(found: Diagnosis) -> PullgrantError | None:
    from pullgrant.flows.causes import Cause

    if found.cause is None:
        return None
    kind = Unavailable if found.cause is Cause.REGISTRY else ProofFailed
    mend = f"Mend it: {found.mend}" if found.mend else ""
    return kind(f"{found.image}: {found.words}", hint=" ".join(filter(None, (found.advice, mend))))


def _document(found: Diagnosis, reader: Reader | None, error: PullgrantError | None) -> dict[str, Any]:
    return {
        "image": str(found.image),
        "cause": str(found.cause) if found.cause else None,
        "words": found.words,
        "mend": found.mend or None,
        "advice": found.advice or None,
        "reader_id": reader.id if reader else None,
        "through": found.through,
        "steps": [
            {"stage": str(one.stage), "answer": str(one.outcome.answer), "words": one.outcome.words} for one in found.steps
        ],
        "remarks": list(found.remarks),
        "exit_code": error.exit_code if error else 0,
    }


def _lines(found: Diagnosis, error: PullgrantError | None) -> list[str]:
    lines = [f"  {one.stage!s:10} {one.outcome.answer!s:10} {one.outcome.words}".rstrip() for one in found.steps]
    lines += [f"  asked with {found.through}", *(f"  note       {remark}" for remark in found.remarks)]
    return [f"{found.image}: {found.cause or 'no cause found'}", *lines] + ([] if error else [found.words])
