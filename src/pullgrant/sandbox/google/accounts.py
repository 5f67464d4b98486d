"""google.iam.admin.v1: service accounts, in one form for gRPC and REST. Requests and answers are the JSON of the messages.

Source of fields, limits and wildcard behaviour: discovery document iam.v1.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import TypeAlias

from pullgrant.sandbox.google.callers import Caller
from pullgrant.sandbox.google.desk import Desk, page
from pullgrant.sandbox.google.keys import new_key_id
from pullgrant.sandbox.google.policy import new_etag
from pullgrant.sandbox.google.refusal import Json, Refusal, denied, invalid, not_found
from pullgrant.sandbox.google.state import MAX_ACCOUNTS, Account, AccountKey, Project, new_account

Operation: TypeAlias = Callable[[Caller, Json], Json]

_NAME = re.compile(r"projects/(?P<project>[^/]+)/serviceAccounts/(?P<account>[^/]+)(?:/keys/(?P<key>[^/]+))?", re.ASCII)
_ACCOUNT_ID = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])", re.ASCII)
_TEXTS = (("displayName", 100), ("description", 256))
_NO_ACCOUNTS = {
    "type": "constraints/iam.disableServiceAccountCreation",
    "description": "Service account creation is not allowed on this project.",
}


class Accounts:
    """The calls on service accounts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        """Return the calls by their names in the service definition."""
        return {
            "CreateServiceAccount": self.create,
            "GetServiceAccount": self.get,
            "ListServiceAccounts": self.list,
            "PatchServiceAccount": self.patch,
            "DisableServiceAccount": self.disable,
            "EnableServiceAccount": self.enable,
            "DeleteServiceAccount": self.delete,
            "UndeleteServiceAccount": self.undelete,
            "GetIamPolicy": self.get_policy,
            "SetIamPolicy": self.set_policy,
            "TestIamPermissions": self.test_permissions,
        }

    def create(self, caller: Caller, request: Json) -> Json:
        """Make an account."""
        project = self._project(caller, request["name"], "iam.serviceAccounts.create")
        account_id, wanted = request.get("accountId", ""), request.get("serviceAccount") or {}
        if not _ACCOUNT_ID.fullmatch(account_id):
            raise invalid(
                f"Invalid service account ID {account_id}: it must be 6 to 30 characters, [a-z]([-a-z0-9]*[a-z0-9])."
            )
        _check_texts(wanted)
        if "iam.disableServiceAccountCreation" in project.constraints:
            subject = f"projects/{project.id}/serviceAccounts/?configvalue="
            raise precondition(_NO_ACCOUNTS["description"], _NO_ACCOUNTS["type"], subject)
        account = new_account(project.id, account_id)
        if account.email in project.accounts:
            message = f"Service account {account_id} already exists within project projects/{project.id}."
            raise Refusal("ALREADY_EXISTS", message)
        if len(project.accounts) >= MAX_ACCOUNTS:
            raise Refusal("RESOURCE_EXHAUSTED", "Maximum number of service accounts on project reached.")
        account.display_name, account.description = wanted.get("displayName", ""), wanted.get("description", "")
        managed = AccountKey(id=new_key_id(), numbers=None, valid_after=self._desk.world.now(), user_managed=False)
        account.keys[managed.id] = managed
        project.accounts[account.email] = account
        for reader in ("account", "member"):
            self._desk.world.changed(f"google/{reader}/{account.unique_id}")
        return account_json(account)

    def get(self, caller: Caller, request: Json) -> Json:
        """Return an account."""
        return account_json(self.find(caller, request["name"], "iam.serviceAccounts.get", settled=True))

    def list(self, caller: Caller, request: Json) -> Json:
        """List a project's accounts, 20 to a page unless asked for up to 100."""
        project = self._project(caller, request["name"], "iam.serviceAccounts.list")
        size = request.get("pageSize") or 20
        shown, following = page(list(project.accounts.values()), size, request.get("pageToken"), most=100)
        answer: Json = {"accounts": [account_json(account) for account in shown]} if shown else {}
        return answer | ({"nextPageToken": following} if following else {})

    def patch(self, caller: Caller, request: Json) -> Json:
        """Change display name or description, as the mask says."""
        wanted = request.get("serviceAccount") or {}
        account = self.find(caller, request.get("name") or wanted.get("name", ""), "iam.serviceAccounts.update")
        masked = {_camel(path) for path in request.get("updateMask", "").split(",") if path}
        if not masked or not masked <= {"displayName", "description"}:
            raise invalid("The update mask must name displayName or description.")
        _check_texts(wanted)
        if "displayName" in masked:
            account.display_name = wanted.get("displayName", "")
        if "description" in masked:
            account.description = wanted.get("description", "")
        account.etag = new_etag()
        return account_json(account)

    def disable(self, caller: Caller, request: Json) -> Json:
        """Disable an account; its tokens are refused from now on."""
        self.find(caller, request["name"], "iam.serviceAccounts.disable").disabled = True
        return {}

    def enable(self, caller: Caller, request: Json) -> Json:
        """Enable an account again."""
        self.find(caller, request["name"], "iam.serviceAccounts.enable").disabled = False
        return {}

    def delete(self, caller: Caller, request: Json) -> Json:
        """Delete an account; policies keep it under its unique id."""
        account = self.find(caller, request["name"], "iam.serviceAccounts.delete")
        project = self._desk.state.projects[account.project]
        del project.accounts[account.email]
        project.deleted[account.unique_id] = account
        self._desk.state.rename_member(account.member, account.deleted_member)
        return {}

    def undelete(self, caller: Caller, request: Json) -> Json:
        """Bring a deleted account back by its unique id, with its keys and its bindings."""
        match = _NAME.fullmatch(request["name"])
        if match is None:
            raise invalid("Invalid service account name.")
        known = (each for each in self._desk.state.projects.values() if match["account"] in each.deleted)
        project = next(known, None) or self._desk.state.project_by(match["project"])
        if project is None:
            raise denied("iam.serviceAccounts.undelete")
        self._desk.demand(caller, "iam.serviceAccounts.undelete", [project.policy])
        account = project.deleted.get(match["account"])
        if account is None:
            raise not_found(f"Service account {request['name']} does not exist.")
        if account.email in project.accounts:
            raise Refusal("FAILED_PRECONDITION", "A service account with the same email exists.")
        del project.deleted[account.unique_id]
        project.accounts[account.email] = account
        self._desk.state.rename_member(account.deleted_member, account.member)
        return {"restoredAccount": account_json(account)}

    def get_policy(self, caller: Caller, request: Json) -> Json:
        """Return who may use an account."""
        account = self.find(caller, request["resource"], "iam.serviceAccounts.getIamPolicy")
        version = (request.get("options") or {}).get("requestedPolicyVersion")
        return self._desk.policies.read(account.policy, version)

    def set_policy(self, caller: Caller, request: Json) -> Json:
        """Replace who may use an account."""
        account = self.find(caller, request["resource"], "iam.serviceAccounts.setIamPolicy")
        return self._desk.policies.write(account.policy, request.get("policy"), mask=request.get("updateMask", ""))

    def test_permissions(self, caller: Caller, request: Json) -> Json:
        """Say which permissions the caller has on an account; an absent one gives none."""
        match = _NAME.fullmatch(request["resource"])
        account = self._desk.state.account(match["account"]) if match else None
        if account is None:
            return {}
        project = self._desk.state.projects[account.project]
        return self._desk.granted(caller, request.get("permissions") or [], [account.policy, project.policy])

    def find(self, caller: Caller, name: str, permission: str, *, settled: bool = False) -> Account:
        """Return the account of a resource name (its own or a key's).

        With `settled` an account that is too new is not there yet. Raises Refusal: NOT_FOUND, or PERMISSION_DENIED where
        the project is not the caller's or was given as `-`.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise invalid(f"Invalid service account name {name}.")
        account, wild = self._desk.state.account(match["account"]), match["project"] == "-"
        project = self._desk.state.project_by(account.project if account and wild else match["project"])
        if project is None:
            raise denied(permission)
        self._desk.demand(caller, permission, [*([account.policy] if account else []), project.policy])
        there = account is not None and account.project == project.id
        if there and settled:
            there = self._desk.world.settled(f"google/account/{account.unique_id}")  # type: ignore[union-attr]
        if account is None or not there:
            raise denied(permission) if wild else not_found(f"Service account {name.split('/keys')[0]} does not exist.")
        return account

    def _project(self, caller: Caller, name: str, permission: str) -> Project:
        return self._desk.project(caller, name.removeprefix("projects/"), permission)


def account_json(account: Account) -> Json:
    """Return an account as the API shows it."""
    document: Json = {
        "name": account.name,
        "projectId": account.project,
        "uniqueId": account.unique_id,
        "email": account.email,
        "etag": base64.b64encode(account.etag).decode(),
        "oauth2ClientId": account.unique_id,
    }
    optional = {"displayName": account.display_name, "description": account.description, "disabled": account.disabled}
    return document | {name: value for name, value in optional.items() if value}


def precondition(message: str, kind: str, subject: str) -> Refusal:
    """Return the refusal of an organisation policy (docs.cloud.google.com/iam/docs/troubleshoot-org-policies)."""
    violation = {"type": kind, "subject": subject, "description": message}
    details = [{"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": [violation]}]
    return Refusal("FAILED_PRECONDITION", message, details)


def _check_texts(wanted: Json) -> None:
    for name, most in _TEXTS:
        if len(str(wanted.get(name, "")).encode()) > most:
            raise invalid(f"The {name} must not be longer than {most} bytes.")


def _camel(path: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), path.strip())
