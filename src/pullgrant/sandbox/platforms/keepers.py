"""Where each platform keeps the credentials that it pulls an image with."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from pullgrant.errors import PullgrantError, UsageError
from pullgrant.kit import process
from pullgrant.model.image import canonical_host, docker_key
from pullgrant.sandbox.country import Country
from pullgrant.sandbox.kubernetes import Kubernetes
from pullgrant.sandbox.platforms import Platforms

Login: TypeAlias = tuple[str, str]
Keeper: TypeAlias = Callable[[str, str], list[Login]]  # of a target, for an image

_SERVER_NAMES = ("server", "docker-server", "serveraddress", "host")
_HELPER_SECONDS = 20.0
_LEAST_PASSWORD = 6  # of an SDL file: akash-network/chain-sdk go/sdl/sdl-input.schema.yaml


def logins(countries: Mapping[str, Country], platform: str, image: str) -> list[Login]:
    """Return the credentials that a platform, `NAME[:TARGET]`, would try for an image, in its order.

    Raises ValueError with words when the platform could not even try.
    """
    name, _, target = platform.partition(":")
    keepers: dict[str, Keeper] = {"docker-config": _docker, "akash": _akash}
    cluster, platforms = countries.get("kubernetes"), countries.get("platforms")
    if isinstance(cluster, Kubernetes):
        keepers["kubernetes"] = lambda target, image: _kubelet(cluster, target, image)
    if name in keepers:
        return keepers[name](target, image)
    document = platforms.documents.document(name) if isinstance(platforms, Platforms) else {}
    return list(registered(document, host_of(image)))


def host_of(image: str) -> str:
    """Return the registry host of an image."""
    return image.partition("/")[0]


def registered(document: Any, host: str) -> Iterator[Login]:
    """Yield user and password of every credential for a host, wherever a platform's document holds one.

    A credential is an object with server, username and password, or an `auths` entry of a docker config.json. Where a
    platform keeps secrets and a list of those that are registry credentials, a secret off that list is none.
    """
    if isinstance(document, list):
        for item in document:
            yield from registered(item, host)
    if not isinstance(document, dict):
        return
    server = next((document[name] for name in _SERVER_NAMES if isinstance(document.get(name), str)), "")
    if server and _is_for(server, host) and "password" in document:
        yield str(document.get("username", "")), str(document["password"])
        return
    secrets, listed = document.get("secrets"), document.get("registries")
    if isinstance(secrets, dict) and isinstance(listed, list):
        kept = [secrets[name] for name in listed if name in secrets]
        document = {**document, "secrets": kept}
    for key, value in document.items():
        if isinstance(value, dict) and isinstance(value.get("auth"), str) and _is_for(key, host):
            yield from _decoded(value["auth"])
        else:
            yield from registered(value, host)


def _is_for(server: str, host: str) -> bool:
    """Say whether a server text is for a host; docker's three names of its Hub are one."""
    if urlsplit(server if "//" in server else f"//{server}").netloc.lower() == host:
        return True
    try:
        return canonical_host(server) == canonical_host(host)
    except UsageError:
        return False


def _decoded(auth: str) -> Iterator[Login]:
    try:
        user, _, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return
    yield user, password


def _docker(target: str, image: str) -> list[Login]:
    """Do as docker: a credential helper for the key alone counts, where there is one."""
    path = Path(target)
    try:
        document = json.loads(path.read_bytes()) if path.exists() else {}
        key = docker_key(host_of(image))
    except (OSError, ValueError, PullgrantError) as error:
        raise ValueError(f"docker cannot read {path}: {type(error).__name__}") from None
    suffix = document.get("credHelpers", {}).get(key, document.get("credsStore", ""))
    if not suffix:
        return list(registered({"auths": document.get("auths", {})}, host_of(image)))
    done = process.run([f"docker-credential-{suffix}", "get"], timeout=_HELPER_SECONDS, stdin=key, keep=("AKKA_",))
    if done.returncode:
        return []
    kept = json.loads(done.stdout)
    return [(kept["Username"], kept["Secret"])]


def _akash(target: str, image: str) -> list[Login]:
    """Do as an Akash provider: each service has one pull secret, made of its own credentials, trimmed.

    Source: akash-network/provider cluster/kube/builder/service_credentials.go.
    """
    file, _, wanted = target.partition(":")
    services = _sdl(Path(file))
    using = {name: one for name, one in services.items() if one.get("image") == image and wanted in ("", name)}
    if not using:
        raise ValueError(f"no service of {file} runs {image}")
    found: list[Login] = []
    for name, service in using.items():
        credentials = service.get("credentials")
        if credentials is None:
            continue
        texts = {field: str(credentials.get(field, "")).strip() for field in ("host", "username", "password")}
        if not all(texts.values()) or len(texts["password"]) < _LEAST_PASSWORD:
            raise ValueError(f"service {name} Credentials missing or too short")
        if _is_for(texts["host"], host_of(image)):
            found.append((texts["username"], texts["password"]))
    return found


def _sdl(file: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
        version, services = document["version"], dict(document["services"])
    except (OSError, ValueError, YAMLError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is no SDL file: {type(error).__name__}") from None
    if version not in ("2.0", "2.1"):
        raise ValueError(f'SDL invalid: config: unsupported version "{version}"')
    return services


def _kubelet(cluster: Kubernetes, target: str, image: str) -> list[Login]:
    """Do as the kubelet for a pod that names one secret, or none: that, then those of its service account `default`."""
    namespace, _, named = target.partition(",")[0].partition("/")
    secrets = {one["metadata"]["name"]: one for one in cluster.store.select("secrets", namespace or "default")}
    accounts = {one["metadata"]["name"]: one for one in cluster.store.select("serviceaccounts", namespace or "default")}
    listed = [named] if named else []
    listed += [str(one["name"]) for one in accounts.get("default", {}).get("imagePullSecrets", [])]
    found: list[Login] = []
    for name in listed:
        data = secrets.get(name, {}).get("data", {}).get(".dockerconfigjson", "")
        if data:
            found += registered(json.loads(base64.b64decode(data)), host_of(image))
    return found
