"""A real skopeo, and who may push with it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

SECONDS = 30


def skopeo(*words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run skopeo, in the test's environment when no other is given."""
    argv = ["skopeo", "--insecure-policy", *words]
    return subprocess.run(argv, env=environment or os.environ, capture_output=True, text=True, timeout=SECONDS)


def pusher() -> str:
    """Return the operator's own login at Google's registries: a fresh access token."""
    from pullgrant.kit.http import Http
    from pullgrant.providers.gcp.signin import SignIn

    http = Http()
    try:
        return f"oauth2accesstoken:{SignIn(http).access_token().reveal()}"
    finally:
        http.close()
