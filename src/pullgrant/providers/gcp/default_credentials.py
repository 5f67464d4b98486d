"""Finds the operator's credentials where Google's own tools look, without their detours.

The places and their order are those of google.auth.default (google.aip.dev/auth/4110). That function itself also starts
`gcloud config get project`, asks Resource Manager for a project and looks for a metadata server for up to nine seconds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pullgrant.errors import MissingExtra, NotSignedIn, Unavailable, UsageError
from pullgrant.kit.http import Http

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
HINT = (
    "Sign in: gcloud auth application-default login (or point GOOGLE_APPLICATION_CREDENTIALS at a key file). "
    "To try pullgrant without an account: invoke sandbox gcp.bootstrap --project demo"
)
_METADATA_SECONDS = 0.5
_UNIVERSE = "googleapis.com"
_SCOPED: Mapping[str, Any] = {"scopes": [SCOPE]}
# The `type` of a file: module, maker and what it is told. A self-signed JWT saves a service account's key one round trip.
_MAKERS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "authorized_user": ("google.oauth2.credentials", "from_authorized_user_info", {}),
    "external_account_authorized_user": ("google.auth.external_account_authorized_user", "from_info", {}),
    "impersonated_service_account": (
        "google.auth.impersonated_credentials", "from_impersonated_service_account_info", _SCOPED,
    ),
    "service_account": (
        "google.oauth2.service_account", "from_service_account_info", {**_SCOPED, "always_use_jwt_access": True},
    ),
}  # fmt: skip


def find(http: Http) -> Any:
    """Return the first of: the file of GOOGLE_APPLICATION_CREDENTIALS, gcloud's own file, the machine's service account.

    Nothing but a metadata server is asked. Raises NotSignedIn when there is nothing, or a file that cannot be used, and
    MissingExtra without the package google-auth.
    """
    try:
        import google.auth.exceptions  # noqa: F401
    except ImportError as error:
        words = f"the provider gcp needs the Python package {error.name}"
        raise MissingExtra(words, hint="pip install 'pullgrant[gcp]'") from None
    named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    path = Path(named) if named else _gcloud_folder() / "application_default_credentials.json"
    if not named and not path.is_file():
        return _of_the_machine(http)
    # The quota project of GOOGLE_CLOUD_QUOTA_PROJECT goes before that of the file.
    return _of_file(path).with_quota_project_from_environment()


def _gcloud_folder() -> Path:
    given = os.environ.get("CLOUDSDK_CONFIG", "")
    return Path(given) if given else Path.home() / ".config" / "gcloud"


def _of_file(path: Path) -> Any:
    from google.auth import exceptions

    try:
        found = _made_of(json.loads(path.read_bytes()))
    except (exceptions.GoogleAuthError, ValueError, OSError, AttributeError, TypeError, KeyError) as error:
        # The library's own words may quote the file.
        words = f"the Google Cloud credentials in {path} cannot be used ({type(error).__name__})"
        raise NotSignedIn(words, hint=HINT) from None
    if found.universe_domain != _UNIVERSE:
        raise UsageError(f"the credentials in {path} are for {found.universe_domain}, not for {_UNIVERSE}")
    return found


def _made_of(document: Any) -> Any:
    """Return the credentials of a file's document. Raises ValueError for a type that is not known."""
    kind = document.get("type")
    if kind == "external_account":
        module, maker, told = f"google.auth.{_kind_of_external(document)}", "from_info", _SCOPED
    elif kind in _MAKERS:
        module, maker, told = _MAKERS[kind]
    else:
        raise ValueError("a type that is not known")
    return getattr(import_module(module).Credentials, maker)(document, **told)


def _kind_of_external(document: Mapping[str, Any]) -> str:
    """Return which module reads a workload identity (google.aip.dev/auth/4117)."""
    if document.get("subject_token_type") == "urn:ietf:params:aws:token-type:aws4_request":
        return "aws"
    return "pluggable" if "executable" in (document.get("credential_source") or {}) else "identity_pool"


def _of_the_machine(http: Http) -> Any:
    """Return the credentials of the machine's own service account, where a metadata server answers within half a second."""
    if os.environ.get("NO_GCE_CHECK") != "true" and _metadata_server_is_there(http):
        machine = import_module("google.auth.compute_engine").Credentials(**_SCOPED)
        return machine.with_quota_project_from_environment()
    raise NotSignedIn("you are not signed in to Google Cloud", hint=HINT)


def _metadata_server_is_there(http: Http) -> bool:
    """Ask as Google's own libraries do; a server that is not Google's does not send the header back."""
    host = os.environ.get("GCE_METADATA_HOST", "169.254.169.254")
    headers = {"Metadata-Flavor": "Google"}
    try:
        reply = http.ask("GET", f"http://{host}/computeMetadata/v1/instance/", headers=headers, timeout=_METADATA_SECONDS)
    except Unavailable:
        return False
    return reply.headers.get("metadata-flavor") == "Google"
