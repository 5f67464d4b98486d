"""The calls that google-cloud-iam has not, over REST: policies of three kinds of resource, and what a project has."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pullgrant.errors import OutcomeUnknown, Unavailable
from pullgrant.kit.http import Http
from pullgrant.providers.gcp.answers import Step, classify, said_by_rest
from pullgrant.providers.gcp.policy import VERSION
from pullgrant.providers.gcp.signin import SignIn
from pullgrant.secret import Secret

_SECONDS = 20.0
# The narrowest scope with which a registry lets pull (GKE's default scopes); a token of wider scope is more than a reader.
TOKEN_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"  # noqa: S105 - a scope
ARTIFACTS, STORAGE = "artifactregistry.googleapis.com", "storage.googleapis.com"
_PROJECTS = "cloudresourcemanager.googleapis.com"


class RestCalls:
    """Calls of one operator; `project` is where the reader's account lives. Each kind of policy has its own verbs."""

    def __init__(self, project: str, http: Http, sign_in: SignIn) -> None:
        self._project, self._http, self._sign_in = project, http, sign_in

    def get_repository_policy(self, repository: str) -> Mapping[str, Any]:
        """Return the policy of an Artifact Registry repository."""
        step = self._artifacts(f"read the policy of {repository}", "repositories.getIamPolicy")
        url = f"https://{ARTIFACTS}/v1/{repository}:getIamPolicy"
        return self._rest(step, "GET", url, params=[("options.requestedPolicyVersion", str(VERSION))])

    def set_repository_policy(self, repository: str, policy: Mapping[str, Any]) -> None:
        """Write the policy of an Artifact Registry repository, under its etag."""
        step = self._artifacts(f"change the policy of {repository}", "repositories.setIamPolicy", changes=True)
        self._rest(step, "POST", f"https://{ARTIFACTS}/v1/{repository}:setIamPolicy", body={"policy": policy})

    def get_bucket_policy(self, bucket: str) -> Mapping[str, Any]:
        """Return the policy of a bucket."""
        step = self._storage(f"read the policy of the bucket {bucket}", "storage.buckets.getIamPolicy")
        params = [("optionsRequestedPolicyVersion", str(VERSION))]
        return self._rest(step, "GET", f"https://{STORAGE}/storage/v1/b/{bucket}/iam", params=params)

    def set_bucket_policy(self, bucket: str, policy: Mapping[str, Any]) -> None:
        """Write the policy of a bucket, under its etag."""
        step = self._storage(f"change the policy of the bucket {bucket}", "storage.buckets.setIamPolicy", changes=True)
        self._rest(step, "PUT", f"https://{STORAGE}/storage/v1/b/{bucket}/iam", body=policy)

    def get_project_policy(self, project: str) -> Mapping[str, Any]:
        """Return the policy of a project."""
        step = self._projects(f"read the policy of the project {project}", "getIamPolicy")
        url = f"https://{_PROJECTS}/v3/projects/{project}:getIamPolicy"
        return self._rest(step, "POST", url, body={"options": {"requestedPolicyVersion": VERSION}})

    def set_project_policy(self, project: str, policy: Mapping[str, Any]) -> None:
        """Write the policy of a project, under its etag."""
        step = self._projects(f"change the policy of the project {project}", "setIamPolicy", changes=True)
        self._rest(step, "POST", f"https://{_PROJECTS}/v3/projects/{project}:setIamPolicy", body={"policy": policy})

    def get_project_settings(self, project: str) -> Mapping[str, Any]:
        """Return how the project's gcr.io hosts are served."""
        step = self._artifacts(f"ask how {project} serves its gcr.io hosts", "projectsettings.get")
        return self._rest(step, "GET", f"https://{ARTIFACTS}/v1/projects/{project}/projectSettings")

    def list_repositories(self, project: str, location: str) -> Sequence[Mapping[str, Any]]:
        """Return the repositories of one location, the first thousand."""
        step = self._artifacts(f"list the repositories of {project} in {location}", "repositories.list")
        url = f"https://{ARTIFACTS}/v1/projects/{project}/locations/{location}/repositories"
        return list(self._rest(step, "GET", url, params=[("pageSize", "1000")]).get("repositories") or ())

    def list_images(self, repository: str) -> Sequence[Mapping[str, Any]]:
        """Return some docker images of a repository, newest first."""
        step = self._artifacts(f"list the images of {repository}", "dockerimages.list")
        params = [("pageSize", "20"), ("orderBy", "update_time desc")]
        answer = self._rest(step, "GET", f"https://{ARTIFACTS}/v1/{repository}/dockerImages", params=params)
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
        step = Step(doing=f"list the images of {host}/{path}", service=STORAGE, project=self._project)
        login = b64encode(f"oauth2accesstoken:{self._sign_in.access_token().reveal()}".encode()).decode()
        scope = [("service", host), ("scope", f"repository:{path}:pull")]
        headers = {"authorization": f"Basic {login}"}
        bearer = self._http.ask("GET", f"https://{host}/v2/token", params=scope, headers=headers, timeout=_SECONDS)
        if bearer.status != 200:
            raise classify(said_by_rest(bearer), step)
        headers = {"authorization": f"Bearer {(bearer.json() or {}).get('token', '')}"}
        reply = self._http.ask("GET", f"https://{host}/v2/{path}/tags/list", headers=headers, timeout=_SECONDS)
        if reply.status != 200:
            raise classify(said_by_rest(reply), step)
        found = reply.json()
        return found if isinstance(found, dict) else {}

    def _rest(
        self, step: Step, method: str, url: str, *, params: Sequence[tuple[str, str]] = (), body: Any = None
    ) -> Mapping[str, Any]:
        headers = self._sign_in.headers(url)
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

    def _artifacts(self, doing: str, right: str, *, changes: bool = False) -> Step:
        role = "roles/artifactregistry.admin" if changes or right.endswith("IamPolicy") else "roles/artifactregistry.reader"
        permission = f"artifactregistry.{right}"
        return Step(doing=doing, service=ARTIFACTS, project=self._project, permission=permission, role=role, changes=changes)

    def _storage(self, doing: str, permission: str, *, changes: bool = False) -> Step:
        role = "roles/storage.admin"
        return Step(doing=doing, service=STORAGE, project=self._project, permission=permission, role=role, changes=changes)

    def _projects(self, doing: str, right: str, *, changes: bool = False) -> Step:
        permission, role = f"resourcemanager.projects.{right}", "roles/resourcemanager.projectIamAdmin"
        return Step(doing=doing, service=_PROJECTS, project=self._project, permission=permission, role=role, changes=changes)
