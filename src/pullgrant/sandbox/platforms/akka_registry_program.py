"""The fake `akka` about the Akka Container Registry, and the docker credential helper that it configures.

`auth container-registry configure` writes the helper into docker's config.json, unless $FAKE_AKKA_CONFIGURE is `no`: then it
takes the default answer of its menu, and changes nothing. Commands and the table are those of the Akka documentation,
container-registries; that the helper is called docker-credential-akka and stands in `credHelpers` is guessed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

HOSTS = {"gcp-us-east1": "acr.us-east-1.akka.io", "aws-us-east-2": "acr.us-east-2.akka.io"}
TABLE = """\
PROVIDER   CLOUD       REGION          ORGANIZATION   ORGANIZATION_ID                        AKKA CONTAINER REGISTRY
gcp        us-east1    gcp-us-east1    PUBLIC         NONE                                   acr.us-east-1.akka.io
gcp        us-east1    gcp-us-east1    acme           cde1044c-b973-4220-8f65-0f7d317bb458   acr.us-east-1.akka.io
aws        us-east-2   aws-us-east-2   acme           cde1044c-b973-4220-8f65-0f7d317bb458   acr.us-east-2.akka.io
"""
SWITCHES = frozenset({"--disable-prompt", "--quiet", "--use-grpc-web", "--verbose"})
VALUED = frozenset({"--cache-file", "--config", "--context", "--output", "--page-mode", "--timeout"})
ABSENT = "credentials not found in native keychain"


def fail(words: str) -> NoReturn:
    """End with status 1 and these words on standard error."""
    sys.exit(f"Error: {words}")


def check(flags: list[str]) -> None:
    """Refuse flags that these commands do not have."""
    rest = list(flags)
    while rest:
        name, equals, _ = rest.pop(0).partition("=")
        if name not in SWITCHES | VALUED:
            fail(f"unknown flag: {name}" if name.startswith("-") else f'unknown command "{name}"')
        if name in VALUED and not equals and (not rest or rest.pop(0) == ""):
            fail(f"flag needs an argument: {name}")
    if os.environ.get("AKKA_TOKEN") != "sandbox":
        fail("rpc error: code = Unauthenticated desc = not logged in, run 'akka auth login'")


def command(words: list[str]) -> str:
    """Return what a command of `akka` prints."""
    if words[:2] == ["container-registry", "list"]:
        check(words[2:])
        return TABLE
    if words[:3] != ["auth", "container-registry", "configure"]:
        fail(f'unknown command "{" ".join(words[:3])}" for "akka"')
    check(words[3:])
    if os.environ.get("FAKE_AKKA_CONFIGURE") == "no":
        return "Docker configuration file was not updated.\n"
    file = Path(os.environ.get("DOCKER_CONFIG") or "~/.docker").expanduser() / "config.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    known.setdefault("credHelpers", {}).update(dict.fromkeys(HOSTS.values(), "akka"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent="\t"), encoding="utf-8")
    head = "Docker configuration file successfully updated.\nAvailable Akka Container Registry hosts per region:\n"
    return head + TABLE


def helper(verb: str) -> int:
    """Do one verb of docker's credential helpers; errors go to standard output."""
    asked = sys.stdin.read().strip()
    if verb == "get" and asked in HOSTS.values() and os.environ.get("AKKA_TOKEN") == "sandbox":
        sys.stdout.write(json.dumps({"ServerURL": asked, "Username": "_token", "Secret": "sandbox-acr-token"}) + "\n")
        return 0
    sys.stdout.write(f"{ABSENT}\n" if verb == "get" else f"docker-credential-akka: unknown action: {verb}\n")
    return 1


def main(arguments: list[str]) -> int:
    """Run as the helper or as the half of `akka`, by the first word; return the exit status."""
    if len(arguments) == 1 and arguments[0] in ("store", "get", "erase", "list", "version"):
        return helper(arguments[0])
    sys.stdout.write(command(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
