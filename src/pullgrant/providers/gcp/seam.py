"""Makes the calls to Google Cloud and decides nothing: a method a call, refusals as errors of this project.

Service accounts and their keys go over gRPC with google-cloud-iam; everything else is REST, because that package has it not.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pullgrant.errors import MissingExtra, OutcomeUnknown, Unavailable
from pullgrant.kit.http import Http
from pullgrant.providers.gcp.answers import Step, classify, said_by_grpc, said_by_rest
from pullgrant.providers.gcp.policy import VERSION
from pullgrant.providers.gcp.signin import SignIn
from pullgrant.secret import Secret

_SECONDS = 20.0
# The narrowest scope with which a registry lets pull (GKE's default scopes); a token of wider scope is more than a reader.
TOKEN_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"  # noqa: S105 - a scope
T = TypeVar("T")
_IAM, _ARTIFACTS = "iam.googleapis.com", "artifactregistry.googleapis.com"


class Seam:
    """One operator's calls on one project. Built at first use of each kind: gRPC takes a while to import."""

    def __init__(self, project: str, http: Http) -> None:
        self._project, self._http = project, http
        self._building = threading.Lock()
        self._signed_in: SignIn | None = None
        self._iam: Any = None

    @property
    def _sign_in(self) -> SignIn:
        with self._building:
            if self._signed_in is None:
                self._signed_in = SignIn(self._http)
            return self._signed_in

    # Service accounts and keys, over gRPC (google.iam.admin.v1).

    def get_account(self, email: str) -> Any:
        """Return the ServiceAccount."""
        step = self._step(f"look for the service account {email}", "iam.serviceAccounts.get", "iam.serviceAccountViewer")
        return self._call(step, lambda iam: iam.get_service_account(name=self._account(email), timeout=_SECONDS, retry=None))

    def create_account(self, name: str, display_name: str, description: str) -> Any:
        """Return the new ServiceAccount. Not repeated: the outcome of a lost answer is looked for by the caller."""
        words = f"create the service account {name}"
        step = self._step(words, "iam.serviceAccounts.create", "iam.serviceAccountAdmin", changes=True)
        request = {
            "name": f"projects/{self._project}",
            "account_id": name,
            "service_account": {"display_name": display_name, "description": description},
        }
        return self._call(step, lambda iam: iam.create_service_account(request=request, timeout=_SECONDS, retry=None))

    def describe_account(self, email: str, description: str) -> None:
        """Write the description of an account."""
        words = f"mark the service account {email}"
        step = self._step(words, "iam.serviceAccounts.update", "iam.serviceAccountAdmin", changes=True)
        request = {
            "service_account": {"name": self._account(email), "description": description},
            "update_mask": {"paths": ["description"]},
        }
        self._call(step, lambda iam: iam.patch_service_account(request=request, timeout=_SECONDS, retry=None))

    def disable_account(self, email: str) -> None:
        """Disable an account: its tokens are refused from now on."""
        words = f"disable the service account {email}"
        step = self._step(words, "iam.serviceAccounts.disable", "iam.serviceAccountAdmin", changes=True)
        request = {"name": self._account(email)}
        self._call(step, lambda iam: iam.disable_service_account(request=request, timeout=_SECONDS, retry=None))

    def delete_account(self, email: str) -> None:
        """Delete an account with its keys."""
        words = f"delete the service account {email}"
        step = self._step(words, "iam.serviceAccounts.delete", "iam.serviceAccountAdmin", changes=True)
        self._call(step, lambda iam: iam.delete_service_account(name=self._account(email), timeout=_SECONDS, retry=None))

    def list_keys(self, email: str) -> Sequence[Any]:
        """Return the user-managed ServiceAccountKeys; without that filter Google's own keys appear too."""
        step = self._step(f"list the keys of {email}", "iam.serviceAccountKeys.list", "iam.serviceAccountKeyAdmin")
        request = {"name": self._account(email), "key_types": ["USER_MANAGED"]}
        answer = self._call(step, lambda iam: iam.list_service_account_keys(request=request, timeout=_SECONDS, retry=None))
        return list(answer.keys)

    def create_key(self, email: str) -> tuple[Any, Secret]:
        """Return the new ServiceAccountKey without its secret, and the JSON key file. Never repeated here."""
        words = f"create a key for {email}"
        step = self._step(words, "iam.serviceAccountKeys.create", "iam.serviceAccountKeyAdmin", changes=True)
        request = {"name": self._account(email), "private_key_type": "TYPE_GOOGLE_CREDENTIALS_FILE"}
        made = self._call(step, lambda iam: iam.create_service_account_key(request=request, timeout=_SECONDS, retry=None))
        secret = Secret(made.private_key_data.decode())
        made.private_key_data = b""
        return made, secret

    def delete_key(self, email: str, key_id: str) -> None:
        """Delete one key. The project's id stands in the name: with `-` a vanished key answers 403."""
        words = f"delete the key {key_id} of {email}"
        step = self._step(words, "iam.serviceAccountKeys.delete", "iam.serviceAccountKeyAdmin", changes=True)
        name = f"{self._account(email)}/keys/{key_id}"
        self._call(step, lambda iam: iam.delete_service_account_key(name=name, timeout=_SECONDS, retry=None))

    # Policies, over REST: each of the three kinds of resource has its own verbs and bodies.

    def get_repository_policy(self, repository: str) -> Mapping[str, Any]:
        """Return the policy of an Artifact Registry repository."""
        step = self._artifacts(f"read the policy of {repository}", "repositories.getIamPolicy")
        url = f"https://{_ARTIFACTS}/v1/{repository}:getIamPolicy"
        return self._rest(step, "GET", url, params=[("options.requestedPolicyVersion", str(VERSION))])

    def set_repository_policy(self, repository: str, policy: Mapping[str, Any]) -> None:
        """Write the policy of an Artifact Registry repository, under its etag."""
        step = self._artifacts(f"change the policy of {repository}", "repositories.setIamPolicy", changes=True)
        self._rest(step, "POST", f"https://{_ARTIFACTS}/v1/{repository}:setIamPolicy", body={"policy": policy})

    def get_bucket_policy(self, bucket: str) -> Mapping[str, Any]:
        """Return the policy of a bucket."""
        step = self._storage(f"read the policy of the bucket {bucket}", "storage.buckets.getIamPolicy")
        params = [("optionsRequestedPolicyVersion", str(VERSION))]
        return self._rest(step, "GET", f"https://storage.googleapis.com/storage/v1/b/{bucket}/iam", params=params)

    def set_bucket_policy(self, bucket: str, policy: Mapping[str, Any]) -> None:
        """Write the policy of a bucket, under its etag."""
        step = self._storage(f"change the policy of the bucket {bucket}", "storage.buckets.setIamPolicy", changes=True)
        self._rest(step, "PUT", f"https://storage.googleapis.com/storage/v1/b/{bucket}/iam", body=policy)

    def get_project_policy(self, project: str) -> Mapping[str, Any]:
        """Return the policy of a project."""
        step = self._projects(f"read the policy of the project {project}", "getIamPolicy")
        url = f"https://cloudresourcemanager.googleapis.com/v3/projects/{project}:getIamPolicy"
        return self._rest(step, "POST", url, body={"options": {"requestedPolicyVersion": VERSION}})

    def set_project_policy(self, project: str, policy: Mapping[str, Any]) -> None:
        """Write the policy of a project, under its etag."""
        step = self._projects(f"change the policy of the project {project}", "setIamPolicy", changes=True)
        url = f"https://cloudresourcemanager.googleapis.com/v3/projects/{project}:setIamPolicy"
        self._rest(step, "POST", url, body={"policy": policy})

    # What a project has, over REST.

    def get_project_settings(self, project: str) -> Mapping[str, Any]:
        """Return how the project's gcr.io hosts are served."""
        step = self._artifacts(f"ask how {project} serves its gcr.io hosts", "projectsettings.get")
        return self._rest(step, "GET", f"https://{_ARTIFACTS}/v1/projects/{project}/projectSettings")

    def list_repositories(self, project: str, location: str) -> Sequence[Mapping[str, Any]]:
        """Return the repositories of one location, the first thousand."""
        step = self._artifacts(f"list the repositories of {project} in {location}", "repositories.list")
        url = f"https://{_ARTIFACTS}/v1/projects/{project}/locations/{location}/repositories"
        return list(self._rest(step, "GET", url, params=[("pageSize", "1000")]).get("repositories") or ())

    def list_images(self, repository: str) -> Sequence[Mapping[str, Any]]:
        """Return some docker images of a repository, newest first."""
        step = self._artifacts(f"list the images of {repository}", "dockerimages.list")
        params = [("pageSize", "20"), ("orderBy", "update_time desc")]
        answer = self._rest(step, "GET", f"https://{_ARTIFACTS}/v1/{repository}/dockerImages", params=params)
        return list(answer.get("dockerImages") or ())

    def get_services(self, project: str, services: Sequence[str]) -> Mapping[str, str]:
        """Return the state of services: ENABLED or DISABLED by name."""
        step = Step(doing=f"ask which services {project} has", service="serviceusage.googleapis.com", project=project)
        names = [("names", f"projects/{project}/services/{name}") for name in services]
        url = f"https://serviceusage.googleapis.com/v1/projects/{project}/services:batchGet"
        found = self._rest(step, "GET", url, params=names).get("services") or ()
        return {str(one.get("name", "")).rpartition("/")[2]: str(one.get("state", "")) for one in found}

    def get_effective_policy(self, project: str, constraint: str) -> Mapping[str, Any]:
        """Return the effective organisation policy of one constraint."""
        step = Step(doing=f"read the organisation policy {constraint}", service="orgpolicy.googleapis.com", project=project)
        url = f"https://orgpolicy.googleapis.com/v2/projects/{project}/policies/{constraint}:getEffectivePolicy"
        return self._rest(step, "GET", url)

    def generate_token(self, email: str, lifetime: int) -> tuple[Secret, datetime]:
        """Return an access token of the account and its end; `lifetime` is in seconds."""
        step = Step(
            doing=f"make an access token for {email}",
            service="iamcredentials.googleapis.com",
            project=self._project,
            permission="iam.serviceAccounts.getAccessToken",
            role="roles/iam.serviceAccountTokenCreator",
            account=email,
            changes=True,
        )
        url = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
        answer = self._rest(step, "POST", url, body={"scope": [TOKEN_SCOPE], "lifetime": f"{lifetime}s"})
        token, ends = answer.get("accessToken"), answer.get("expireTime")
        if not token or not ends:
            raise Unavailable(f"could not {step.doing}: half an answer came")
        return Secret(str(token)), datetime.fromisoformat(str(ends))

    def list_children(self, host: str, path: str) -> Mapping[str, Any]:
        """Return tags and `child` names below a path of the old Container Registry, asked as the operator."""
        step = Step(doing=f"list the images of {host}/{path}", service="storage.googleapis.com", project=self._project)
        login = b64encode(f"oauth2accesstoken:{self._sign_in.access_token().reveal()}".encode()).decode()
        scope = [("service", host), ("scope", f"repository:{path}:pull")]
        bearer = self._http.ask("GET", f"https://{host}/v2/token", params=scope, headers={"authorization": f"Basic {login}"})
        if bearer.status != 200:
            raise classify(said_by_rest(bearer), step)
        headers = {"authorization": f"Bearer {(bearer.json() or {}).get('token', '')}"}
        reply = self._http.ask("GET", f"https://{host}/v2/{path}/tags/list", headers=headers, timeout=_SECONDS)
        if reply.status != 200:
            raise classify(said_by_rest(reply), step)
        found = reply.json()
        return found if isinstance(found, dict) else {}

    def _call(self, step: Step, call: Callable[[Any], T]) -> T:
        client = self._client()
        from google.api_core import exceptions

        try:
            return call(client)
        except exceptions.GoogleAPICallError as error:
            raise classify(said_by_grpc(error), step) from None
        except exceptions.RetryError:
            raise Unavailable(f"could not {step.doing}: no answer in time") from None

    def _client(self) -> Any:
        credentials = self._sign_in.credentials
        with self._building:
            if self._iam is None:
                try:
                    from google.cloud import iam_admin_v1
                except ImportError as error:
                    words = f"the provider gcp needs the Python package {error.name}"
                    raise MissingExtra(words, hint="pip install 'pullgrant[gcp]'") from None
                self._iam = iam_admin_v1.IAMClient(credentials=credentials)
            return self._iam

    def _rest(
        self, step: Step, method: str, url: str, *, params: Sequence[tuple[str, str]] = (), body: Any = None
    ) -> Mapping[str, Any]:
        headers = {"authorization": self._sign_in.authorization(url)}
        try:
            reply = self._http.ask(method, url, headers=headers, params=params, json=body, timeout=_SECONDS)
        except OutcomeUnknown as error:  # Resource Manager reads by POST
            raise (error if step.changes else Unavailable(error.message)) from None
        if reply.status >= 300:
            raise classify(said_by_rest(reply), step)
        found = reply.json()
        if not isinstance(found, dict):
            kind = OutcomeUnknown if step.changes else Unavailable
            raise kind(f"could not {step.doing}: half an answer came")
        return found

    def _account(self, email: str) -> str:
        return f"projects/{self._project}/serviceAccounts/{email}"

    def _step(self, doing: str, permission: str, role: str, *, changes: bool = False) -> Step:
        return Step(
            doing=doing, service=_IAM, project=self._project, permission=permission, role=f"roles/{role}", changes=changes
        )

    def _artifacts(self, doing: str, right: str, *, changes: bool = False) -> Step:
        role = "roles/artifactregistry.admin" if changes or right.endswith("IamPolicy") else "roles/artifactregistry.reader"
        permission = f"artifactregistry.{right}"
        return Step(
            doing=doing, service=_ARTIFACTS, project=self._project, permission=permission, role=role, changes=changes
        )

    def _storage(self, doing: str, permission: str, *, changes: bool = False) -> Step:
        service, role = "storage.googleapis.com", "roles/storage.admin"
        return Step(doing=doing, service=service, project=self._project, permission=permission, role=role, changes=changes)

    def _projects(self, doing: str, right: str, *, changes: bool = False) -> Step:
        return Step(
            doing=doing,
            service="cloudresourcemanager.googleapis.com",
            project=self._project,
            permission=f"resourcemanager.projects.{right}",
            role="roles/resourcemanager.projectIamAdmin",
            changes=changes,
        )
