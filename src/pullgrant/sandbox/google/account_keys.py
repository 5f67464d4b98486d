"""google.iam.admin.v1: keys of service accounts, in one form for gRPC and REST.

Source: discovery document iam.v1; refusals of organisation policies:
docs.cloud.google.com/iam/docs/troubleshoot-org-policies; the eleventh key from googleapis/google-api-dotnet-client#2027.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from urllib.parse import quote

from pullgrant.sandbox.google.accounts import Accounts, Operation, precondition
from pullgrant.sandbox.google.callers import Caller
from pullgrant.sandbox.google.desk import Desk
from pullgrant.sandbox.google.keys import KeyPool, key_file, new_key_id, public_pem
from pullgrant.sandbox.google.refusal import Json, Refusal, denied, invalid, not_found
from pullgrant.sandbox.google.state import MAX_KEYS, Account, AccountKey

_NO_KEYS = "Key creation is not allowed on this service account."
_MANAGED = "constraints/iam.managed.disableServiceAccountKeyCreation"
_FILE = "TYPE_GOOGLE_CREDENTIALS_FILE"


class AccountKeys:
    """The calls on keys."""

    def __init__(self, desk: Desk, accounts: Accounts, pool: KeyPool) -> None:
        self._desk = desk
        self._accounts = accounts
        self._pool = pool

    def operations(self) -> dict[str, Operation]:
        """Return the calls by their names in the service definition."""
        return {
            "CreateServiceAccountKey": self.create,
            "ListServiceAccountKeys": self.list,
            "GetServiceAccountKey": self.get,
            "DeleteServiceAccountKey": self.delete,
            "DisableServiceAccountKey": self.disable,
            "EnableServiceAccountKey": self.enable,
        }

    def create(self, caller: Caller, request: Json) -> Json:
        """Make a key and return it with its file, which nobody sees again."""
        account = self._accounts.find(caller, request["name"], "iam.serviceAccountKeys.create", settled=True)
        if request.get("privateKeyType", _FILE) not in (_FILE, "TYPE_UNSPECIFIED"):
            raise invalid("The fake makes keys of TYPE_GOOGLE_CREDENTIALS_FILE only.")
        if request.get("keyAlgorithm", "KEY_ALG_RSA_2048") not in ("KEY_ALG_RSA_2048", "KEY_ALG_UNSPECIFIED"):
            raise invalid("The fake makes keys of KEY_ALG_RSA_2048 only.")
        self._check_constraints(account)
        if sum(key.user_managed for key in account.keys.values()) >= MAX_KEYS:
            raise Refusal("FAILED_PRECONDITION", "Precondition check failed.")
        pair, now = self._pool.take(), self._desk.world.now()
        life = self._desk.state.projects[account.project].key_life
        numbers = pair.public_key().public_numbers()
        key = AccountKey(id=new_key_id(), numbers=numbers, valid_after=now, valid_before=now + life if life else None)
        account.keys[key.id] = key
        self._desk.world.changed(f"google/key/{key.id}")
        names = {"project": account.project, "email": account.email, "unique_id": account.unique_id}
        file = key_file(**names, key_id=key.id, pair=pair)
        return key_json(account, key) | {"privateKeyType": _FILE, "privateKeyData": base64.b64encode(file).decode()}

    def list(self, caller: Caller, request: Json) -> Json:
        """List keys; without key types those that Google manages itself are listed too."""
        account = self._accounts.find(caller, request["name"], "iam.serviceAccountKeys.list")
        wanted = set(request.get("keyTypes") or []) - {"KEY_TYPE_UNSPECIFIED"} or {"USER_MANAGED", "SYSTEM_MANAGED"}
        if not wanted <= {"USER_MANAGED", "SYSTEM_MANAGED"}:
            raise invalid("Invalid value at 'key_types'.")
        shown = [key_json(account, key) for key in account.keys.values()]
        shown = [key for key in shown if key["keyType"] in wanted]
        return {"keys": shown} if shown else {}

    def get(self, caller: Caller, request: Json) -> Json:
        """Return a key, with its public half when asked for."""
        account, key = self._find(caller, request["name"], "iam.serviceAccountKeys.get")
        match request.get("publicKeyType", "TYPE_NONE"):
            case "TYPE_NONE":
                return key_json(account, key)
            case "TYPE_RAW_PUBLIC_KEY" if key.numbers:
                return key_json(account, key) | {"publicKeyData": base64.b64encode(public_pem(key.numbers)).decode()}
            case other:
                raise invalid(f"The fake does not give out a public key as {other}.")

    def delete(self, caller: Caller, request: Json) -> Json:
        """Delete a key; tokens that were made with it live on."""
        account, key = self._find(caller, request["name"], "iam.serviceAccountKeys.delete")
        if not key.user_managed:
            raise invalid("A key that is managed by Google cannot be deleted.")
        del account.keys[key.id]
        return {}

    def disable(self, caller: Caller, request: Json) -> Json:
        """Disable a key; its tokens live on."""
        self._find(caller, request["name"], "iam.serviceAccountKeys.disable")[1].disabled = True
        return {}

    def enable(self, caller: Caller, request: Json) -> Json:
        """Enable a key again."""
        self._find(caller, request["name"], "iam.serviceAccountKeys.enable")[1].disabled = False
        return {}

    def _find(self, caller: Caller, name: str, permission: str) -> tuple[Account, AccountKey]:
        path, _, key_id = name.rpartition("/keys/")
        account = self._accounts.find(caller, path, permission)
        if key_id not in account.keys:
            raise (
                denied(permission)
                if name.startswith("projects/-/")
                else not_found(f"Service account key {name} does not exist.")
            )
        return account, account.keys[key_id]

    def _check_constraints(self, account: Account) -> None:
        constraints = self._desk.state.projects[account.project].constraints
        if "iam.managed.disableServiceAccountKeyCreation" in constraints:
            why = "This constraint, when enforced, blocks service account key creation."
            raise Refusal(
                "FAILED_PRECONDITION",
                f'Operation denied by org policy on resource \'{account.name}\': ["{_MANAGED}": "{why}"].',
            )
        if "iam.disableServiceAccountKeyCreation" in constraints:
            subject = f"{account.name}?configvalue={quote(account.email, safe='')}"
            raise precondition(_NO_KEYS, "constraints/iam.disableServiceAccountKeyCreation", subject)


def key_json(account: Account, key: AccountKey) -> Json:
    """Return a key as the API shows it."""
    document: Json = {
        "name": f"{account.name}/keys/{key.id}",
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "keyOrigin": "GOOGLE_PROVIDED",
        "keyType": "USER_MANAGED" if key.user_managed else "SYSTEM_MANAGED",
        "validAfterTime": moment(key.valid_after),
        "validBeforeTime": moment(key.valid_before) if key.valid_before else "9999-12-31T23:59:59Z",
    }
    reason = {"disabled": True, "disableReason": "SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED"}
    return document | (reason if key.disabled else {})


def moment(when: datetime) -> str:
    """Return a time as Google writes it: UTC, whole seconds."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
