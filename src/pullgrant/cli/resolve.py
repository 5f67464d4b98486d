"""`resolve`: which credential each image needs, where each tool looks for it, and which images have none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pullgrant import catalog
from pullgrant.catalog import Catalog
from pullgrant.cli.options import OUTPUT, Opt
from pullgrant.cli.session import open_catalog
from pullgrant.cli.verb import Given, verb
from pullgrant.errors import PullgrantError, UsageError
from pullgrant.kit.together import all_of
from pullgrant.model.image import Image, parse_image
from pullgrant.model.proof import Answer, Outcome
from pullgrant.model.reader import Reader

if TYPE_CHECKING:
    from pullgrant.resolve.found import Contents, Found, Unread
    from pullgrant.resolve.verdict import Resolved

_MOST_BYTES = 8 * 1024 * 1024
_ARGUMENT = "command line"


@verb(
    Opt(
        name="image",
        positional=True,
        instead=("from_",),
        help="Image, HOST/REPOSITORY:TAG as docker takes it; several with commas between them.",
    ),
    Opt(
        name="from_",
        repeated=True,
        help="Dockerfile, compose file, Kubernetes manifests or Akash SDL file to find images in; - is standard input; "
        "may be repeated.",
    ),
    Opt(name="offline", default=False, help="Do not ask the registries whether an image is public."),
    *OUTPUT,
)
def resolve(given: Given) -> None:
    """Say for each image which credential it needs, where each tool looks for it, and which reader has it."""
    from pullgrant.cli.render import emit

    contents = [*_named(given.image), *(_read(path) for path in given.from_)]
    places = _by_image(found for one in contents for found in one.found)
    unread = [*places.pop(None, []), *(one for each in contents for one in each.unread)]
    with open_catalog(given) as opened:
        readers = opened.ledger.readers()
        images = all_of(lambda one: _resolved(one, places[one], readers, opened, given.offline), list(places), at_once=8)
    emit(
        {"images": [_document(one) for one in images], "unread": [_unread(one) for one in unread]},
        [line for one in images for line in _lines(one)] + _unread_lines(unread),
        as_json=given.json,
    )


def _named(text: str) -> list[Contents]:
    """Return the images of the command line. Raises UsageError for one that docker would refuse."""
    from pullgrant.resolve.found import Contents, Found

    names = [name for name in text.split(",") if name]
    for name in names:
        parse_image(name)
    return [Contents(found=tuple(Found(text=name, where=_ARGUMENT) for name in names))]


def _read(path: str) -> Contents:
    """Return what a file pulls. A compose file's variables come from the environment, and from .env beside it."""
    from pullgrant.resolve import compose, files

    if path == "-":
        return files.contents(sys.stdin.read(_MOST_BYTES), "standard input", os.environ)
    beside = Path(path).parent / ".env"
    variables = compose.variables(_text(beside)) if beside.is_file() else {}
    return files.contents(_text(Path(path)), path, variables | dict(os.environ))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="Give the path of a file.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8") from None


def _by_image(found: Iterable[Found]) -> dict[Any, list[Any]]:
    """Return the places of each image; under None what is written as an image and is none."""
    from pullgrant.resolve.found import Unread

    places: dict[Any, list[Any]] = {}
    for one in found:
        try:
            places.setdefault(parse_image(one.text), []).append(one)
        except UsageError:
            unread = Unread(text=one.text, where=one.where, why="is not an image reference that docker takes")
            places.setdefault(None, []).append(unread)
    return places


def _resolved(image: Image, found: Sequence[Found], readers: Sequence[Reader], opened: Catalog, offline: bool) -> Resolved:
    from pullgrant.model.image import is_built_in
    from pullgrant.resolve.verdict import resolved

    covering = [one for one in readers if catalog.covers(one, image)]
    asked = None if offline or is_built_in(image.host) else _anonymous(image, covering, opened)
    return resolved(image, found, [one.id for one in covering], asked)


def _anonymous(image: Image, covering: Sequence[Reader], opened: Catalog) -> Outcome:
    try:
        return opened.probe(covering[0] if covering else None).pull(image, None)
    except PullgrantError as error:  # the reader's own settings, such as an authority's file that is gone
        return Outcome(answer=Answer.UNKNOWN, words=error.message)


def _next(one: Resolved) -> str:
    from pullgrant.resolve.suggest import bootstrap_for
    from pullgrant.resolve.verdict import State

    wanting = one.state in (State.UNCOVERED, State.UNKNOWN) or (one.remarks and not one.readers)
    return bootstrap_for(one.image, catalog.PROVIDERS) if wanting else ""


def _entry(host: str) -> str:
    """Return the name of Akka's entry for a registry, empty for a registry that needs none."""
    try:
        return catalog.slot("akka", server=host).name
    except UsageError:
        return ""


def _document(one: Resolved) -> dict[str, Any]:
    keys, entry = one.keys, _entry(one.image.host)
    return {
        "image": str(one.image),
        "registry": one.image.host,
        "found": [{"text": each.text, "where": each.where, "note": each.note or None} for each in one.found],
        "state": str(one.state),
        "why": one.why,
        "readers": list(one.readers),
        "anonymous": str(one.anonymous.answer) if one.anonymous else None,
        "keys": {
            "docker": keys.docker,
            "containerd": {"hosts_toml": f"{keys.containerd_folder}/hosts.toml", "auth": keys.containerd_auth},
            "kubernetes": list(keys.kubernetes),
            "akka": {"server": keys.akka, "secret_name": entry} if entry else None,
            "akash": keys.akash if entry else None,
        },
        "remarks": list(one.remarks),
        "next": _next(one) or None,
    }


def _lines(one: Resolved) -> list[str]:
    keys, entry, following = one.keys, _entry(one.image.host), _next(one)
    lines = [f"{one.image}: {one.why}"]
    lines += [
        f"  found       {_shown(each.where)}{f': {_shown(each.note)}' if each.note else ''}"
        for each in one.found
        if each.where != _ARGUMENT
    ]
    lines += [
        f"  docker      {keys.docker}",
        f'  containerd  {keys.containerd_folder}/hosts.toml, registry.configs."{keys.containerd_auth}".auth',
        f"  kubernetes  {', '.join(keys.kubernetes)}",
    ]
    if entry:
        lines += [f"  akka        {keys.akka} under the name {entry}", f"  akash       {keys.akash}"]
    lines += [f"  note        {remark}" for remark in one.remarks]
    return lines + ([f"  next        {following}"] if following else [])


def _unread(one: Unread) -> dict[str, str]:
    return {"text": one.text, "where": one.where, "why": one.why}


def _unread_lines(unread: Sequence[Unread]) -> list[str]:
    return [f"not read: {_shown(one.text)} ({_shown(one.where)}) {_shown(one.why)}" for one in unread]


def _shown(text: str) -> str:
    """Return a text of a file without characters that would steer a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
