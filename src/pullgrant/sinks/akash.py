"""Akash as a sink: the credentials of services in an SDL file. Akash itself is told by whoever sends the file.

A slot's `target` is `FILE[:SERVICE]` with options, see akash_target; without a service it means every service whose image
lives on the registry. Akash hands the credential to the provider of the lease, who keeps it in its cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pullgrant.errors import NotOurs, SinkFailed, UsageError
from pullgrant.kit.clock import SystemClock
from pullgrant.model.credential import Credential, Held, Receipt, Slot
from pullgrant.model.image import server_url
from pullgrant.ports import Clock
from pullgrant.secret import Secret
from pullgrant.sinks import akash_edit, akash_env, akash_sdl, akash_target, git_tracking, shared_file
from pullgrant.sinks.akash_sdl import Sdl, Service
from pullgrant.sinks.akash_target import Where
from pullgrant.sinks.checks import check_credential
from pullgrant.sinks.several import agreed

_SHORT_LIFE = timedelta(days=1)


class Akash:
    """Implements ports.Sink. Values that Akash would change or refuse (short, or with outer blanks) are refused."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with an absolute path, so that a later run from another folder finds the same file."""
        del name  # Akash knows an entry by its service
        where = akash_target.read(Slot(sink="akash", server=server, target=target))
        return Slot(sink="akash", server=where.host, target=akash_target.write(where))

    def check_ready(self) -> str:
        """Return what is there to work with. Raises MissingExtra without ruamel.yaml."""
        akash_sdl.load("", "nothing")
        return "ruamel.yaml is installed"

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink; a service's credentials for another registry are somebody's entry too."""
        where = akash_target.read(slot)
        sdl, services = _open(where)
        for file in {where.file, where.secret_file}:
            shared_file.check_writable(file)
        _check_fields(where, services)
        taken = [service for service in services if service.credentials]
        if taken and not ours and not adopt:
            raise NotOurs(
                f"{where.file} already holds credentials for service {taken[0].name} that this ledger did not put there: "
                f"user {str((taken[0].credentials or {}).get('username', ''))!r}",
                hint="Give --adopt to replace them.",
            )
        return (*_git_remarks(where), *_email_remarks(where, sdl, services))

    def inspect(self, slot: Slot) -> Held | None:
        """See ports.Sink; one credential, and `words`, where the services do not all hold the same one."""
        where = akash_target.read(slot)
        if shared_file.read(where.file) is None:
            return None
        values = _values(where)
        services = _chosen(where, _read(where, shared_file.read(where.file)))
        reference = _reference([service.name for service in services])
        return agreed(where.host, reference, [_held(where, service, values) for service in services])

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """See ports.Sink; remarks say how the change reaches Akash, for this sink sends nothing."""
        check_credential(slot, credential)
        _check_holdable(slot, credential)
        where = akash_target.read(slot)
        fields = {"host": server_url(where.host), "username": credential.username, "password": credential.secret.reveal()}
        if where.via_env:
            self._put_values(where, credential)
            fields |= akash_env.placeholders(where.host)
        fields |= {"email": where.email} if where.email else {}
        names: list[str] = []

        def put(before: bytes | None) -> bytes:
            services = _chosen(where, _read(where, before), need=True)
            _check_fields(where, services)
            names[:] = [service.name for service in services]
            return akash_edit.put(_text(where, before), str(where.file), dict.fromkeys(names, fields)).encode()

        shared_file.rewrite(where.file, put)
        remarks = (
            *_sending(where),
            *_line_break(credential.secret),
            *_short_life(where, credential.expires_at, self._clock.now()),
        )
        return Receipt(slot=slot, reference=_reference(names), remarks=remarks)

    def withdraw(self, slot: Slot) -> None:
        """See ports.Sink; the credentials of services for this registry, and no others."""
        where = akash_target.read(slot)

        def take(before: bytes | None) -> bytes | None:
            if before is None:
                return None
            sdl = _read(where, before)
            mine = [one for one in sdl.services if one.serves(where.host) and where.service in ("", one.name)]
            return akash_edit.take(_text(where, before), str(where.file), tuple(one.name for one in mine)).encode()

        shared_file.rewrite(where.file, take)
        if where.via_env:
            self._put_values(where, None)

    def _put_values(self, where: Where, credential: Credential | None) -> None:
        file = where.secret_file

        def put(before: bytes | None) -> bytes | None:
            values = akash_env.parse(before, str(file))
            for field, name in akash_env.names(where.host).items():
                values.pop(name, None)
                if credential is not None:
                    values[name] = credential.secret if field == "password" else Secret(credential.username)
            return akash_env.render(values, where.file) if before is not None or values else None

        shared_file.rewrite(file, put)


def _open(where: Where) -> tuple[Sdl, Sequence[Service]]:
    content = shared_file.read(where.file)
    if content is None:
        raise UsageError(f"there is no file {where.file}", hint="Give the SDL file that you deploy with.")
    if where.via_env:
        _values(where)
    sdl = _read(where, content)
    return sdl, _chosen(where, sdl, need=True)


def _text(where: Where, content: bytes | None) -> str:
    if content is None:
        raise SinkFailed(f"the file {where.file} is gone")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{where.file} is not UTF-8", hint="Mend the file by hand; nothing was changed.") from None


def _read(where: Where, content: bytes | None) -> Sdl:
    return akash_sdl.read(_text(where, content), str(where.file))


def _values(where: Where) -> Mapping[str, Secret]:
    return akash_env.parse(shared_file.read(where.secret_file), str(where.secret_file)) if where.via_env else {}


def _chosen(where: Where, sdl: Sdl, *, need: bool = False) -> Sequence[Service]:
    """Return the services that the slot means; with `need` raise UsageError when there are none."""
    if where.service:
        found = [one for one in sdl.services if one.name == where.service]
    else:
        found = [one for one in sdl.services if one.host == where.host]
    wrong = f"no service in {where.file} has an image on {where.host}"
    if where.service:
        wrong = f"{where.file} has no service {where.service!r}"
        if found and found[0].host != where.host:
            found, wrong = [], f"the image of service {where.service!r} in {where.file} is not on {where.host}"
    if need and not found:
        names = ", ".join(f"{one.name} ({one.host or 'no image'})" for one in sdl.services)
        raise UsageError(wrong, hint=f"Its services are: {names}.")
    return found


def _check_fields(where: Where, services: Sequence[Service]) -> None:
    for service in services:
        unknown = set(service.credentials or {}) - set(akash_sdl.LEAST)
        if unknown:
            raise UsageError(
                f"{where.file}: the credentials of service {service.name} have {len(unknown)} field(s) that Akash does not know",
                hint=f"Akash knows {', '.join(akash_sdl.LEAST)}.",
            )


def _check_holdable(slot: Slot, credential: Credential) -> None:
    """Raise SinkFailed for values that would not arrive as they are: providers trim them, and the schema wants a length.

    A JSON key may end in a line break: trimmed, it is the same key.
    """
    username, secret = credential.username, credential.secret.reveal()
    trimmed = secret.strip()
    if username != username.strip() or (secret != trimmed and not trimmed.startswith("{")):
        raise SinkFailed(f"{slot}: the credential begins or ends with a blank, which Akash cuts off; nothing was changed")
    if len(trimmed) < akash_sdl.LEAST["password"]:
        least = akash_sdl.LEAST["password"]
        raise SinkFailed(f"{slot}: the secret has fewer than {least} characters, which Akash refuses; nothing was changed")


def _held(where: Where, service: Service, values: Mapping[str, Secret]) -> Held | None:
    if not service.serves(where.host):
        return None
    fields = akash_env.resolve(service.credentials or {}, values)
    username, secret = fields.get("username", ""), Secret(fields.get("password", ""))
    credential = Credential(server=where.host, username=username, secret=secret)
    return Held(reference=service.name, username=username, credential=credential)


def _reference(names: Sequence[str]) -> str:
    return ",".join(names)


def _git_remarks(where: Where) -> tuple[str, ...]:
    file = where.secret_file
    tracked = git_tracking.is_tracked(file)
    if tracked is not False and not where.tracked:
        state = "is tracked by git" if tracked else "lies in a git checkout, and git cannot be asked whether it tracks it"
        raise UsageError(
            f"{file} {state}: the secret would go with the next commit",
            hint=f"Use a template, --sink akash:{where.file},via-env, or insist: --sink akash:{where.file},tracked=yes",
        )
    if tracked:
        return (f"{file} is tracked by git: do not commit the secret",)
    return () if git_tracking.is_ignored(file) else (f"{file} is not ignored by git: add it to .gitignore",)


def _email_remarks(where: Where, sdl: Sdl, services: Sequence[Service]) -> tuple[str, ...]:
    has_email = where.email or any((service.credentials or {}).get("email") for service in services)
    if sdl.version != "2.0" or not has_email:
        return ()
    return (
        "SDL 2.0 with an email: the Go tools drop it and the Console keeps it, so that their manifests differ; "
        'use version "2.1", or only one of the two',
    )


def _sending(where: Where) -> tuple[str, ...]:
    file = f"<(pullgrant akash.render {where.file})" if where.via_env else str(where.file)
    return (
        f"to take effect: akash tx deployment update {file} --dseq DSEQ --from KEY && "
        f"provider-services send-manifest {file} --dseq DSEQ --from KEY --provider ADDRESS; "
        "it restarts all services of the group",
    )


def _line_break(secret: Secret) -> tuple[str, ...]:
    if secret.reveal() == secret.reveal().strip():
        return ()
    return (
        "the key ends with a line break, which the Go tools cut off in SDL 2.1 and the Console keeps, so that their manifests "
        "differ: send the file with only one of the two",
    )


def _short_life(where: Where, ends: datetime | None, now: datetime) -> tuple[str, ...]:
    if ends is None or ends - now > _SHORT_LIFE:
        return ()
    hours = max(1, round((ends - now) / timedelta(hours=1)))
    times = max(1, round(timedelta(days=1) / max(ends - now, timedelta(minutes=30))))
    return (
        f"this credential for {where.host} lives {hours} h: Akash needs {times} deployment updates a day, each a transaction "
        "with a fee; a registry with long-lived credentials suits Akash better",
    )
