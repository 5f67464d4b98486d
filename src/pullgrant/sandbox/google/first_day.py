"""The first day of the fake Google Cloud: which projects there are, and what a name stands for.

| project | what it is there for |
|---|---|
| demo | gcr.io hosts served by Artifact Registry, and a second repository that a narrow reader must not reach |
| legacy | gcr.io still on a bucket of the old Container Registry |
| locked | the managed organisation policy forbids keys |
| locked-legacy-constraint | the older organisation policy forbids keys |
| expiring | an organisation policy lets keys live for 90 days |
| empty | a repository without images |
| public | everybody may pull |
| disabled | the Artifact Registry and IAM Credentials APIs are not enabled |
| denied | the operator has no rights |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pullgrant.sandbox.google.policy import Binding, Condition, Policy
from pullgrant.sandbox.google.roles import OWNER
from pullgrant.sandbox.google.state import Account, Bucket, Project, Repository, State

HOME = "sandbox-operators"
PERSON = "user:operator@example.com"
NO_KEYS = "iam.managed.disableServiceAccountKeyCreation"
NO_KEYS_BEFORE = "iam.disableServiceAccountKeyCreation"
_IMAGES: Mapping[str, tuple[str, ...]] = {"app": ("v1",), "other": ("v1",)}
_GCR = (("us", "gcr.io"), ("us", "us.gcr.io"), ("europe", "eu.gcr.io"), ("asia", "asia.gcr.io"))
_SERVICES = (
    "artifactregistry.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "orgpolicy.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
)
_TOKEN_CREATOR = "roles/iam.serviceAccountTokenCreator"  # noqa: S105 - a role


def fill(state: State, operator: Account) -> None:
    """Put the projects of the first day into an empty state; `operator` may work in all but `denied`."""
    operators = (operator.member, PERSON)
    for project in _projects(operators):
        state.projects[project.id] = project
    home = _project(HOME, ())
    home.accounts[operator.email] = operator
    state.projects[HOME] = home


def _projects(operators: tuple[str, ...]) -> list[Project]:
    legacy = _project("legacy", operators, redirection="REDIRECTION_FROM_GCR_IO_DISABLED")
    legacy.buckets["artifacts.legacy.appspot.com"] = _bucket("artifacts.legacy.appspot.com", "legacy")
    disabled = _project("disabled", operators)
    disabled.services -= {"artifactregistry.googleapis.com", "iamcredentials.googleapis.com"}
    return [
        _demo(operators),
        legacy,
        _with_images(_project("locked", operators, constraints=frozenset({NO_KEYS}))),
        _with_images(_project("locked-legacy-constraint", operators, constraints=frozenset({NO_KEYS_BEFORE}))),
        _with_images(_project("expiring", operators, key_life=timedelta(days=90))),
        _with_images(_project("empty", operators), {}),
        _public(operators),
        disabled,
        _with_images(_project("denied", ("user:owner@example.com",))),
    ]


def _demo(operators: tuple[str, ...]) -> Project:
    demo = _with_images(_project("demo", operators))
    _add_repository(demo, "us", "private", {"secret": ("v1",)})
    _add_repository(demo, "europe-west1", "apps", _IMAGES)
    contract = Condition(title="contract", expression='request.time < timestamp("2035-01-01T00:00:00Z")')
    developers = Binding(role="roles/artifactregistry.writer", members=("group:developers@example.com",))
    contractor = Binding(role="roles/artifactregistry.reader", members=("user:contractor@example.com",), condition=contract)
    demo.repositories["us", "gcr.io"].policy.bindings = (developers,)
    # Not on gcr.io: gcloud's command for repositories asks for version 1 and cannot write back what has conditions.
    demo.repositories["europe", "eu.gcr.io"].policy.bindings = (developers, contractor)
    return demo


def _public(operators: tuple[str, ...]) -> Project:
    public = _with_images(_project("public", operators))
    for repository in public.repositories.values():
        repository.policy.bindings = (Binding(role="roles/artifactregistry.reader", members=("allUsers",)),)
    return public


def _project(
    name: str,
    owners: tuple[str, ...],
    *,
    redirection: str = "REDIRECTION_FROM_GCR_IO_ENABLED",
    constraints: frozenset[str] = frozenset(),
    key_life: timedelta | None = None,
) -> Project:
    bindings = [Binding(role=role, members=owners) for role in (OWNER, _TOKEN_CREATOR)] if owners else []
    return Project(
        id=name,
        policy=Policy(resource=f"project/{name}", bindings=tuple(bindings)),
        services=set(_SERVICES),
        redirection=redirection,
        constraints=constraints,
        key_life=key_life,
    )


def _with_images(project: Project, images: Mapping[str, tuple[str, ...]] = _IMAGES) -> Project:
    for location, name in _GCR:
        _add_repository(project, location, name, images)
    return project


def _add_repository(project: Project, location: str, name: str, images: Mapping[str, tuple[str, ...]]) -> None:
    policy = Policy(resource=f"repository/{project.id}/{location}/{name}")
    repository = Repository(project=project.id, location=location, id=name, policy=policy, images=images)
    project.repositories[location, name] = repository


def _bucket(name: str, project: str) -> Bucket:
    """Return a bucket with the bindings that Cloud Storage gives to a new one."""
    bindings = (
        Binding(role="roles/storage.legacyBucketOwner", members=(f"projectEditor:{project}", f"projectOwner:{project}")),
        Binding(role="roles/storage.legacyObjectOwner", members=(f"projectEditor:{project}", f"projectOwner:{project}")),
        Binding(role="roles/storage.legacyBucketReader", members=(f"projectViewer:{project}",)),
    )
    return Bucket(
        project=project,
        name=name,
        location="US",
        policy=Policy(resource=f"bucket/{name}", bindings=bindings),
        images=_IMAGES,
    )
