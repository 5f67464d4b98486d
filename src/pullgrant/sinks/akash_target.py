"""Reads a slot of Akash: `FILE[:SERVICE][,via-env][,email=E][,tracked=yes]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pullgrant.errors import UsageError
from pullgrant.model.credential import Slot
from pullgrant.sinks import target
from pullgrant.sinks.checks import registry_host

SERVICE = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?", re.ASCII)  # chain-sdk go/sdl/sdl-input.schema.yaml
_LEAST_EMAIL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A slot, read. `service` is empty for every service whose image lives on the host.

    `via_env`: the file gets placeholders, and a private file beside it the values.
    """

    host: str
    file: Path
    service: str = ""
    email: str = ""
    via_env: bool = False
    tracked: bool = False

    @property
    def secret_file(self) -> Path:
        """The file that holds the secret itself."""
        return env_file(self.file) if self.via_env else self.file


def env_file(template: Path) -> Path:
    """Return the file with the values of a template's placeholders."""
    return template.with_name(f"{template.name}.env")


def read(slot: Slot) -> Where:
    """Return the slot, read. Raises UsageError naming the part that is wrong."""
    host = registry_host(slot)
    place, options = target.split(slot.target, valued=("email", "tracked"), flags=("via-env",))
    file, colon, service = place.rpartition(":")
    if not colon or not SERVICE.fullmatch(service):
        file, service = place, ""
    if not file:
        raise UsageError("akash needs an SDL file", hint="For example: --sink akash:deploy.yaml")
    if options.get("tracked", "yes") != "yes":
        raise UsageError(
            f"tracked={options['tracked']} in the target {slot.target!r} is not known", hint="Write tracked=yes."
        )
    email = options.get("email", "")
    if email and len(email) < _LEAST_EMAIL:
        raise UsageError(f"the email {email!r} is too short for Akash", hint=f"Give at least {_LEAST_EMAIL} characters.")
    return Where(
        host=host,
        file=_path(file),
        service=service,
        email=email,
        via_env="via-env" in options,
        tracked="tracked" in options,
    )


def write(where: Where) -> str:
    """Return the target of what was read, with the file's absolute path."""
    options = {"via-env": "via-env"} if where.via_env else {}
    options |= {"email": where.email} if where.email else {}
    options |= {"tracked": "yes"} if where.tracked else {}
    return target.join(f"{where.file.absolute()}{f':{where.service}' if where.service else ''}", options)


def _path(text: str) -> Path:
    try:
        path = Path(text).expanduser()
        if not path.is_dir():
            return path
        wrong = "is a folder"
    except RuntimeError:
        path, wrong = Path(text), "names a home folder that is not known"
    except OSError as error:
        wrong = f"cannot be reached: {error.strerror}"
    raise UsageError(f"{path} {wrong}", hint="Give the path of an SDL file, such as deploy.yaml.")
