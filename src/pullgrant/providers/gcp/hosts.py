"""Registry hosts of Google Cloud: which are accepted, and what stands behind each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pullgrant.errors import UsageError
from pullgrant.model.image import Image, parse_image

# docs.cloud.google.com/artifact-registry/docs/transition/gcr-repositories: host -> (location, bucket prefix of the old registry).
# The Artifact Registry repository behind a gcr.io host carries the name of the host.
GCR_HOSTS = {
    "gcr.io": ("us", ""),
    "us.gcr.io": ("us", "us."),
    "eu.gcr.io": ("europe", "eu."),
    "asia.gcr.io": ("asia", "asia."),
}
_PKG_HOST = re.compile(r"([a-z]+(?:-[a-z]+[0-9]{1,2})?)-docker\.pkg\.dev", re.ASCII)
_DOMAIN = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
# Google asks for 6 to 30 characters today; projects of early days are shorter, so only the upper limit is checked.
_PROJECT = re.compile(rf"(?:{_DOMAIN}:)?[a-z](?:[a-z0-9-]{{0,28}}[a-z0-9])?", re.ASCII)
_REPOSITORY = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?", re.ASCII)
FORMS = "Give gcr.io, us.gcr.io, eu.gcr.io, asia.gcr.io or LOCATION-docker.pkg.dev/PROJECT/REPOSITORY."


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """One registry of one project. `bucket` is where the old Container Registry kept its images, "" for a pkg.dev host."""

    host: str
    project: str
    location: str
    repository: str
    bucket: str = ""

    @property
    def resource(self) -> str:
        """The repository as the Artifact Registry API names it."""
        return f"projects/{self.project}/locations/{self.location}/repositories/{self.repository}"

    @property
    def path(self) -> str:
        """What stands before the image's own name in a reference: `my-project` or `my-project/my-repository`."""
        return project_path(self.project) if self.bucket else f"{project_path(self.project)}/{self.repository}"

    @property
    def text(self) -> str:
        """The registry as the `--registry` option takes it."""
        return self.host if self.bucket else f"{self.host}/{self.path}"

    def image(self, text: str) -> Image:
        """Return the image of a text that is full, or relative to this registry. Raises UsageError when it lies elsewhere."""
        image = parse_image(text if text.partition("/")[0].lower() == self.host else f"{self.host}/{self.path}/{text}")
        first = text.partition("/")[0] if "/" in text else ""
        if not image.repository.startswith(f"{self.path}/") or (first != self.host and re.search(r"[.:]", first)):
            raise UsageError(
                f"the image {text!r} does not lie in {self.host}/{self.path}",
                hint=f"Give an image of this registry, such as {self.host}/{self.path}/app:v1 or app:v1.",
            )
        return image


def is_project(text: str) -> bool:
    """Say whether this is a project id, such as `my-project` or, scoped by a domain, `example.com:my-project`."""
    return _PROJECT.fullmatch(text) is not None


def project_path(project: str) -> str:
    """Return the project as image references write it: a domain's colon becomes a slash."""
    return project.replace(":", "/")


def resolve(text: str, project: str) -> Registry:
    """Return the registry that a `--registry` text names for this project. Raises UsageError for hosts that are not Google's."""
    host, _, path = re.sub(r"\Ahttps://", "", text).removesuffix("/").partition("/")
    if host in GCR_HOSTS:
        if path not in ("", project_path(project)):
            raise UsageError(
                f"{text!r} is not a registry of the project {project!r}", hint=f"Give {host}, or that --project."
            )
        location, prefix = GCR_HOSTS[host]
        bucket = f"{prefix}artifacts.{_appspot(project)}"
        return Registry(host=host, project=project, location=location, repository=host, bucket=bucket)
    named = _PKG_HOST.fullmatch(host)
    parent, _, repository = path.rpartition("/")
    owner = parent.replace("/", ":")
    if not named or not is_project(owner) or not _REPOSITORY.fullmatch(repository):
        raise UsageError(f"{text!r} is not a registry of Google Cloud", hint=FORMS)
    return Registry(host=host, project=owner, location=named[1], repository=repository)


def image_of(project: str, location: str, repository: str, name: str, reference: str) -> Image:
    """Return how docker pulls an image of an Artifact Registry repository: by the gcr.io host where the repository is one."""
    if GCR_HOSTS.get(repository, ("",))[0] == location:
        return Image(host=repository, repository=f"{project_path(project)}/{name}", reference=reference)
    host = f"{location}-docker.pkg.dev"
    return Image(host=host, repository=f"{project_path(project)}/{repository}/{name}", reference=reference)


def _appspot(project: str) -> str:
    """`artifacts.my-project.example.com.a.appspot.com` is the bucket form of a domain-scoped project."""
    domain, colon, name = project.rpartition(":")
    return f"{name}.{domain}.a.appspot.com" if colon else f"{name}.appspot.com"
