"""Who works with the sandbox's AWS: access keys, the same for as long as the sandbox runs, and the files that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pullgrant.kit.files import replace_private
from pullgrant.sandbox.aws.first_day import ACCOUNT, NOBODY, OPERATOR, OTHER_ACCOUNT
from pullgrant.sandbox.aws.state import new_key_id, new_secret

_PROFILES = {"default": (ACCOUNT, OPERATOR), "other": (OTHER_ACCOUNT, OPERATOR), "nobody": (ACCOUNT, NOBODY)}


class Operators:
    """The users of the first day. `keys` are account -> user -> (access key id, secret)."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, tuple[str, str]]] = {}
        for account, user in _PROFILES.values():
            self.keys.setdefault(account, {})[user] = (new_key_id("AKIA"), new_secret())

    def sign_in(self, folder: Path) -> Mapping[str, str]:
        """Write configuration and credentials into `folder`; return the variables that lead there."""
        sections = [f"[{profile}]\n{self._lines(*who)}" for profile, who in _PROFILES.items()]
        replace_private(folder / "credentials", "\n".join(sections).encode())
        replace_private(folder / "config", b"[default]\noutput = json\n[profile other]\n[profile nobody]\n")
        key_id, secret = self.keys[ACCOUNT][OPERATOR]
        return {
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            # What the user's own shell may hold besides; empty is as good as unset.
            "AWS_SESSION_TOKEN": "",
            "AWS_ENDPOINT_URL": "",
            "AWS_PROFILE": "default",
            "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _lines(self, account: str, user: str) -> str:
        key_id, secret = self.keys[account][user]
        return f"aws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n"
