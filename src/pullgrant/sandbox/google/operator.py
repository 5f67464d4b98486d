"""Who works with the sandbox: a service account with the rights of an owner, and a person with the same rights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pullgrant.kit.files import private_folder, replace_private
from pullgrant.sandbox.google.first_day import HOME
from pullgrant.sandbox.google.keys import KeyPool, key_file, new_key_id
from pullgrant.sandbox.google.state import Account, AccountKey, new_account
from pullgrant.sandbox.world import World

# Opens nothing outside the sandbox.
REFRESH_TOKEN = "1//sandbox-refresh-token"  # noqa: S105
_PERSON = {
    "type": "authorized_user",
    "client_id": "sandbox.apps.googleusercontent.com",
    "client_secret": "sandbox-client-secret",
    "refresh_token": REFRESH_TOKEN,
    "universe_domain": "googleapis.com",
}
_OVERRIDES = ("ARTIFACTREGISTRY", "CLOUDRESOURCEMANAGER", "IAM", "IAMCREDENTIALS", "ORGPOLICY", "SERVICEUSAGE")
_QUIET = {
    "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
    "CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "1",
    "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
    "CLOUDSDK_SURVEY_DISABLE_PROMPTS": "1",
}


class Operator:
    """The operator's account and its one key, the same for as long as the sandbox runs."""

    def __init__(self, world: World, pool: KeyPool) -> None:
        fresh = new_account(HOME, "operator")
        self._world = world
        self._pair = pool.take()
        self._key_id = new_key_id()
        self.email, self.unique_id, self.member = fresh.email, fresh.unique_id, fresh.member

    def account(self) -> Account:
        """Return the account as it is on the first day."""
        account = new_account(HOME, "operator")
        account.unique_id = self.unique_id
        numbers = self._pair.public_key().public_numbers()
        account.keys[self._key_id] = AccountKey(id=self._key_id, numbers=numbers, valid_after=self._world.now())
        return account

    def sign_in(self, folder: Path, url: str, gcloud_token: str) -> Mapping[str, str]:
        """Write key file, person's sign-in and gcloud's token into `folder`; return the variables that lead there."""
        names = {"project": HOME, "email": self.email, "unique_id": self.unique_id}
        replace_private(folder / "operator.json", key_file(**names, key_id=self._key_id, pair=self._pair))
        replace_private(folder / "person.json", json.dumps(_PERSON, indent=2).encode())
        replace_private(folder / "gcloud-token", gcloud_token.encode())
        return {
            "GOOGLE_APPLICATION_CREDENTIALS": str(folder / "operator.json"),
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(folder / "gcloud-token"),
            "CLOUDSDK_CONFIG": str(private_folder(folder / "gcloud")),
            "CLOUDSDK_CORE_PROJECT": "demo",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{url}/storage/v1/",
            **{f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}": f"{url}/" for name in _OVERRIDES},
            **_QUIET,
        }
