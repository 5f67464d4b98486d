"""The calls of google.iam.admin.v1 over gRPC: service accounts and their keys. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pullgrant.errors import Unavailable
from pullgrant.providers.gcp.answers import Step, classify, said_by_grpc
from pullgrant.secret import Secret

SERVICE = "iam.googleapis.com"
_SECONDS = 20.0
T = TypeVar("T")


class AccountCalls:
    """Calls on the accounts of one project. `connect` gives Google's client and what signs one call."""

    def __init__(self, project: str, connect: Callable[[], tuple[Any, Sequence[tuple[str, str]]]]) -> None:
        self._home, self._connect = project, connect

    def get_account(self, email: str) -> Any:
        """Return the ServiceAccount."""
        step = self._step(f"look for the service account {email}", "iam.serviceAccounts.get", "iam.serviceAccountViewer")
        return self._call(step, lambda iam: iam.get_service_account, {"name": self._account(email)})

    def create_account(self, name: str, display_name: str, description: str) -> Any:
        """Return the new ServiceAccount. Not repeated: the outcome of a lost answer is looked for by the caller."""
        words = f"create the service account {name}"
        step = self._step(words, "iam.serviceAccounts.create", "iam.serviceAccountAdmin", changes=True)
        account = {"display_name": display_name, "description": description}
        request = {"name": f"projects/{self._home}", "account_id": name, "service_account": account}
        return self._call(step, lambda iam: iam.create_service_account, request)

    def describe_account(self, email: str, description: str) -> None:
        """Write the description of an account."""
        words = f"mark the service account {email}"
        step = self._step(words, "iam.serviceAccounts.update", "iam.serviceAccountAdmin", changes=True)
        account = {"name": self._account(email), "description": description}
        request = {"service_account": account, "update_mask": {"paths": ["description"]}}
        self._call(step, lambda iam: iam.patch_service_account, request)

    def disable_account(self, email: str) -> None:
        """Disable an account: its tokens are refused from now on."""
        words = f"disable the service account {email}"
        step = self._step(words, "iam.serviceAccounts.disable", "iam.serviceAccountAdmin", changes=True)
        self._call(step, lambda iam: iam.disable_service_account, {"name": self._account(email)})

    def delete_account(self, email: str) -> None:
        """Delete an account with its keys."""
        words = f"delete the service account {email}"
        step = self._step(words, "iam.serviceAccounts.delete", "iam.serviceAccountAdmin", changes=True)
        self._call(step, lambda iam: iam.delete_service_account, {"name": self._account(email)})

    def list_keys(self, email: str) -> Sequence[Any]:
        """Return the user-managed ServiceAccountKeys; without that filter Google's own keys appear too."""
        step = self._step(f"list the keys of {email}", "iam.serviceAccountKeys.list", "iam.serviceAccountKeyAdmin")
        request = {"name": self._account(email), "key_types": ["USER_MANAGED"]}
        return list(self._call(step, lambda iam: iam.list_service_account_keys, request).keys)

    def create_key(self, email: str) -> tuple[Any, Secret]:
        """Return the new ServiceAccountKey without its secret, and the JSON key file. Never repeated here."""
        words = f"create a key for {email}"
        step = self._step(words, "iam.serviceAccountKeys.create", "iam.serviceAccountKeyAdmin", changes=True)
        request = {"name": self._account(email), "private_key_type": "TYPE_GOOGLE_CREDENTIALS_FILE"}
        made = self._call(step, lambda iam: iam.create_service_account_key, request)
        secret = Secret(made.private_key_data.decode().strip())  # the file ends in a newline, which no platform wants
        made.private_key_data = b""
        return made, secret

    def delete_key(self, email: str, key_id: str) -> None:
        """Delete one key. The project's id stands in the name: with `-` a vanished key answers 403."""
        words = f"delete the key {key_id} of {email}"
        step = self._step(words, "iam.serviceAccountKeys.delete", "iam.serviceAccountKeyAdmin", changes=True)
        self._call(step, lambda iam: iam.delete_service_account_key, {"name": f"{self._account(email)}/keys/{key_id}"})

    def _call(self, step: Step, method: Callable[[Any], Callable[..., T]], request: dict[str, Any]) -> T:
        iam, signed = self._connect()
        from google.api_core import exceptions

        try:
            # The library's own time-outs are none for some calls, and its retries know no budget of ours.
            return method(iam)(request=request, metadata=signed, timeout=_SECONDS, retry=None)
        except exceptions.GoogleAPICallError as error:
            raise classify(said_by_grpc(error), step) from None
        except exceptions.RetryError:
            raise Unavailable(f"could not {step.doing}: no answer in time") from None

    def _account(self, email: str) -> str:
        return f"projects/{self._home}/serviceAccounts/{email}"

    def _step(self, doing: str, permission: str, role: str, *, changes: bool = False) -> Step:
        return Step(
            doing=doing, service=SERVICE, project=self._home, permission=permission, role=f"roles/{role}", changes=changes
        )
