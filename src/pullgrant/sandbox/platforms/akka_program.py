"""A fake `akka`, `kalix` or `akkasls`, by its own name: strict about every flag, and a program that needs no package.

It keeps what the platform knows in the file of $FAKE_AKKA_STATE or at the server of $PULLGRANT_SANDBOX_URL. $FAKE_AKKA_ERA,
else the state's `era`, is `secret` or `uuid` (CLI 3.0.0 to 3.0.3). Source: Akka documentation, akka-cli; the rest is guessed.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from typing import Any, NoReturn, TypeAlias

Json: TypeAlias = dict[str, Any]
Flags: TypeAlias = dict[str, str]  # name -> kind of value, empty for a switch

NAME = next((name for name in ("akkasls", "kalix") if name in os.path.basename(sys.argv[0])), "akka")  # noqa: PTH119
FIRST_DAY = (
    '{"signed_in": false, "tokens": ["sandbox"], "era": "secret", "project": "sample", "refuses": false, "refusals": [],'
    ' "projects": {"sample": {"secrets": {}, "registries": [], "entries": []}}}'
)
GLOBAL: Flags = {
    "cache-file": "string", "config": "string", "context": "string", "disable-prompt": "", "help": "", "output": "string",
    "page-mode": "string", "quiet": "", "timeout": "duration", "use-grpc-web": "", "verbose": "",
}  # fmt: skip
PLACE: Flags = {"owner": "string", "project": "string", "region": "string"}
if NAME == "akkasls":  # what clients of it are known to have used: retgits/vscode-kalix-tools
    GLOBAL = {name: GLOBAL[name] for name in ("config", "context", "help", "output", "quiet", "verbose")}
    PLACE = {"project": "string"}
ALL_REGIONS: Flags = {"all-regions": "", **PLACE}
FORCE: Flags = {"force-global": "", "force-regional": ""}
LOGIN: Flags = {f"docker-{name}": "string" for name in ("email", "password", "server", "username")}
SECRET: Flags = {"config-only": "", "secret-name": "string", "secret-only": ""}
UNAVAILABLE = "rpc error: code = Unavailable desc ="
CHANGED = "the object has been modified; please apply your changes to the latest version"
SHORT = {"-h": "help", "-o": "output", "-q": "quiet"}


class RefusalError(Exception):
    """The command ends with status 1."""


def fail(words: str) -> NoReturn:
    """End the command with these words."""
    raise RefusalError(words)


class State:
    """What the platform knows; nobody else may write between `load` and `save`."""

    def __init__(self) -> None:
        self._url, self._tag = os.environ.get("PULLGRANT_SANDBOX_URL", ""), ""
        if not self._url:
            import fcntl

            self._path = os.environ["FAKE_AKKA_STATE"]
            self._lock = open(f"{self._path}.lock", "w")  # noqa: PTH123, SIM115  (held until the program ends)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def load(self) -> Json:
        """Return the state; that of the first day where there is none yet. Its `down` says why it cannot be asked for."""
        known: Json = json.loads(FIRST_DAY)
        if self._url:
            code, words, body = self._ask("GET", b"")
            return {**known, **(json.loads(body) if code == 200 else {"down": words})}
        with open(self._path, "a+", encoding="utf-8") as file:  # noqa: PTH123
            file.seek(0)
            return {**known, **json.loads(file.read() or "{}")}

    def save(self, known: Json) -> str:
        """Put the state back; return why that failed, CHANGED when all is to be done again."""
        if self._url:
            code, words, _ = self._ask("PUT", json.dumps(known).encode())
            return {200: "", 412: CHANGED}.get(code, words)
        with open(self._path, "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(known, file)
        return ""

    def _ask(self, method: str, body: bytes) -> tuple[int, str, bytes]:
        """Return status, words and body, 0 for no whole answer. Words are those of gRPC: doc/http-grpc-status-mapping.md."""
        import socket  # http.client takes long to import

        host, _, port = self._url.partition("//")[2].partition(":")
        head = f"{method} /platforms/{NAME} HTTP/1.1\r\nHost: {host}:{port}\r\nIf-Match: {self._tag or '*'}\r\n"
        head += f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            with socket.create_connection((host, int(port)), timeout=10) as line:
                line.sendall(head.encode() + body)
                start, _, content = b"".join(iter(lambda: line.recv(65536), b"")).partition(b"\r\n\r\n")
        except OSError as error:
            return 0, f"{UNAVAILABLE} transport: Error while dialing: {error}", b""
        status, *lines = start.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        if not status or len(content) < int(headers.get("content-length", "0")):
            return 0, f"{UNAVAILABLE} error reading from server: EOF", b""
        self._tag, code, reason = headers.get("etag", ""), int(status.split()[1]), status.split(" ", 2)[-1]
        means = UNAVAILABLE if code in (429, 502, 503, 504) else "rpc error: code = Unknown desc ="
        return code, f"{means} {reason}: HTTP status code {code}; transport: missing content-type field", content


def by_uuid(known: Json) -> bool:
    """Return whether this is the CLI of the UUID era."""
    return "uuid" in (os.environ.get("FAKE_AKKA_ERA") or known["era"], {"akkasls": "uuid"}.get(NAME))


def commands(known: Json) -> dict[str, Flags]:
    """Return the flags of every command of the era, by the command's words."""
    old = by_uuid(known)
    verbs = known.get("verbs", ["delete-credentials" if old or NAME != "akka" else "remove-credentials"])
    return {
        "auth current-login": {},
        "docker add-credentials": {**LOGIN, **PLACE, **({} if old else {**SECRET, **FORCE})},
        "docker list-credentials": ALL_REGIONS,
        **{f"docker {verb}": {**PLACE, **({} if old else FORCE)} for verb in verbs},
        **{f"secrets {verb}": ALL_REGIONS for verb in ("get", "list", "delete")},
        "version": {},
    }


def parse(arguments: list[str], flags: Flags) -> tuple[dict[str, str], list[str]]:
    """Return the flags that were given and the other arguments, by the rules of pflag."""
    given: dict[str, str] = {}
    others: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            others.append(word)
            continue
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            name = SHORT.get(word) or fail(f"unknown shorthand flag: {word[1:2]!r} in {word}")
        if name not in flags:
            fail(f"unknown flag: --{name}")
        if flags[name] and not equals:
            value = rest.pop(0) if rest else fail(f"flag needs an argument: --{name}")
        given[name] = value if flags[name] else "true"
    return given, others


def help_text(path: str, tree: dict[str, Flags]) -> str:
    """Return the help of a command, or of a family of commands."""
    names = sorted({name.removeprefix(path).split()[0] for name in tree if name.startswith(path) and name != path})
    lines = [f"Usage:\n  {NAME} {path} [flags]", "", "Available Commands:", *(f"  {name}" for name in names), ""]
    for title, flags in (("Flags:", {**tree.get(path, {}), "help": ""}), ("Global Flags:", GLOBAL)):
        lines += [title, *(f"      --{name} {kind}".rstrip() for name, kind in sorted(flags.items())), ""]
    return "\n".join(lines)


def show(rows: list[Json], columns: list[str], given: dict[str, str]) -> str:
    """Return the named columns of rows as JSON, or as Go's tabwriter aligns them."""
    cells = [[str(row.get(name.lower(), "")) for name in columns] for row in rows]
    if given.get("output", "text").startswith("json"):
        return json.dumps([dict(zip(map(str.lower, columns), row, strict=True)) for row in cells], indent=2) + "\n"
    widths = [max(len(cell) for cell in column) + 2 for column in zip(columns, *cells, strict=True)]
    table = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (columns, *cells)]
    return "".join("".join(row).rstrip() + "\n" for row in table)


def add(known: Json, project: Json, given: dict[str, str]) -> None:
    """Do docker add-credentials."""
    missing = [f'"{name}"' for name in ("docker-server", "docker-password") if not given.get(name)]
    if missing and "config-only" not in given:
        fail(f"required flag(s) {', '.join(missing)} not set")
    login = {name: given.get(f"docker-{name}", "") for name in ("server", "username", "email", "password")}
    refuse_changes(known, login["password"])
    if by_uuid(known):
        project["entries"].append({"id": str(uuid.uuid4()), **login})
        return
    name = given.get("secret-name", "docker-credentials")
    if "config-only" not in given:
        project["secrets"][name] = {"type": "docker", "keys": ["credentials"], **login}
    if "secret-only" not in given and name not in project["registries"]:
        project["registries"].append(name)


def list_credentials(known: Json, project: Json, given: dict[str, str]) -> str:
    """Do docker list-credentials; the passwords are never shown."""
    if by_uuid(known):
        key, prefix = ("NAME", "projects/0/dockerCredentials/") if "json" in given.get("output", "") else ("ID", "")
        rows = [{**one, key.lower(): prefix + one["id"]} for one in project["entries"]]
        return show(rows, [key, "SERVER", "USERNAME", "EMAIL"], given)
    kept, lost = project["secrets"], {"status": "NotFound"}
    rows = [{"status": "OK", **kept.get(name, lost), "name": name} for name in project["registries"]]
    return show(rows, ["NAME", "STATUS", "SERVER", "EMAIL", "USERNAME"], given)


def remove(known: Json, project: Json, name: str) -> None:
    """Do docker remove-credentials, or delete-credentials."""
    refuse_changes(known, "")
    if by_uuid(known):
        if name not in [one["id"] for one in project["entries"]]:
            fail(f"credentials [{name}] not found")
        project["entries"] = [one for one in project["entries"] if one["id"] != name]
        return
    if name not in project["registries"]:
        fail(f"[{name}] not found in the container registry config")
    project["registries"].remove(name)


def secrets(known: Json, project: Json, verb: str, names: list[str], given: dict[str, str]) -> str:
    """Do secrets list, get or delete."""
    kept = project["secrets"]
    if verb == "list":
        rows = [{**one, "name": name, "keys": ",".join(one["keys"])} for name, one in kept.items()]
        return show(rows, ["NAME", "TYPE", "KEYS"], given)
    if names[0] not in kept:
        fail(f"secret [{names[0]}] not found")
    if verb == "get":
        return f"NAME: {names[0]}\nKEYS:\n" + "".join(f"   {key}\n" for key in kept[names[0]]["keys"])
    refuse_changes(known, "")
    del kept[names[0]]
    return ""


def refuse_changes(known: Json, password: str) -> None:
    """Say no, in words that repeat what was sent, as careless programs do."""
    if known["refuses"]:
        fail(f"rpc error: code = PermissionDenied desc = not allowed to change this project {password}")


def check(given: dict[str, str]) -> None:
    """Check the values of global flags as the CLI's help describes them."""
    timeout, output = given.get("timeout", "10s"), given.get("output", "text")
    if not timeout[:-1].isdigit() or timeout[-1] not in "smh":
        fail(f'invalid argument "{timeout}" for "--timeout" flag: time: missing unit in duration "{timeout}"')
    if output not in ("text", "json", "json-compact") and not output.startswith("go-template="):
        fail(f"unknown output format {output}, must be one of [text,json,json-compact,go-template=]")


def answer(known: Json, words: list[str], arguments: list[str]) -> str:
    """Return what one command prints; the state is changed in place."""
    tree, path = commands(known), " ".join(words)
    if path not in tree:
        if any(name.startswith(f"{path} ".lstrip()) for name in tree) and arguments in ([], ["--help"], ["-h"]):
            return help_text(path, tree)
        fail(f'unknown command "{" ".join(words[-1:])}" for "{" ".join([NAME, *words[:-1]])}"')
    given, others = parse(arguments, {**GLOBAL, **tree[path]})
    if "help" in given:
        return help_text(path, tree)
    check(given)
    if path == "version":
        return "3.0.3\n" if by_uuid(known) else "3.0.61\n"
    wanted = 1 if words[1] in ("remove-credentials", "delete-credentials", "get", "delete") else 0
    if len(others) != wanted:
        fail(f"accepts {wanted} arg(s), received {len(others)}")
    if "down" in known:  # the program knows itself without its platform
        fail(known["down"])
    if not known["signed_in"] and os.environ.get(f"{NAME.upper()}_TOKEN") not in known["tokens"]:
        fail(f"rpc error: code = Unauthenticated desc = not logged in, run '{NAME} auth login'")
    if path == "auth current-login":
        return "5d0c9e3a-0000-4000-8000-3f6a2b1c9d00   user operator@example.com   true   sandbox   3d21h\n"
    return in_project(known, words, others, given)


def in_project(known: Json, words: list[str], others: list[str], given: dict[str, str]) -> str:
    """Do a command on a project. `refusals` of the state are words for its next commands, by the command's last word."""
    name = given.get("project") or os.environ.get("AKKA_PROJECT") or known["project"]
    project = known["projects"].get(name) or fail(f"project [{name}] not found")
    if given.get("region", "gcp-us-east1") not in project.get("regions", ["gcp-us-east1"]):
        fail(f"region [{given['region']}] not found for project [{name}]")
    planned = next((one for one in known["refusals"] if one[0] == words[1]), None)
    if planned:
        known["refusals"].remove(planned)
        fail(planned[1])
    if words[0] == "secrets":
        return secrets(known, project, words[1], others, given)
    if words[1] == "list-credentials":
        return list_credentials(known, project, given)
    if words[1] == "add-credentials":
        add(known, project, given)
    else:
        remove(known, project, others[0])
    return ""


def main(arguments: list[str]) -> int:
    """Run one command on the state, again when another one changed the state meanwhile; return the exit status."""
    if "container-registry" in arguments[:2]:
        os.execvp("akka-container-registry", ["akka-container-registry", *arguments])  # noqa: S606
    end = next((at for at, word in enumerate(arguments[:2]) if word.startswith("-")), min(2, len(arguments)))
    for _ in range(50):
        state = State()
        known = state.load()
        before = json.dumps(known)
        try:
            printed, refused = answer(known, arguments[:end], arguments[end:]), ""
        except RefusalError as error:
            printed, refused = "", str(error)
        kept = "" if json.dumps(known) == before else state.save(known)
        if kept != CHANGED:
            break
    sys.stdout.write("" if kept else printed)
    sys.stderr.write(f"Error: {kept or refused}\n" if kept or refused else "")
    return 1 if kept or refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
