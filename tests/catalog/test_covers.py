"""Which reader an image is said to be covered by: a wrong yes leaves a deployment without credential."""

import pytest

from pullgrant import catalog
from pullgrant.model.image import parse_image

GCR = ("gcp", {"project": "demo"})
PKG = ("gcp", {"project": "demo", "registry": "us-docker.pkg.dev/demo/repo"})
ACR = ("azure", {"registry": "demo.azurecr.io"})
ACR_NARROW = ("azure", {"registry": "demo.azurecr.io", "method": "token", "repository": ["team/app"]})
ROLE = "arn:aws:iam::123456789012:role/reader"
ECR = ("ecr", {"region": "us-east-1", "registry_id": "123456789012", "role_arn": ROLE, "repository": ["team"]})
PRIVATE = ("private", {"server": "https://reg.example:5000", "username": "me", "password": "env:X"})
HARBOR = ("harbor", {"url": "https://harbor.example", "project": "acme", "username": "me"})
GITLAB = ("gitlab", {"project": "acme/app"})
QUAY = ("quay", {"organization": "acme", "repository": ["app"]})
GHCR = ("ghcr", {"owner": "Acme", "token": "env:X"})
HUB = ("dockerhub", {"organization": "acme", "operator": "me", "repository": ["app"]})


@pytest.mark.parametrize(
    ("made", "text", "covered"),
    [
        (GCR, "gcr.io/demo/app", True),
        (GCR, "gcr.io/demo/team/app", True),
        (GCR, "gcr.io/demolition/app", False),
        (GCR, "us.gcr.io/demo/app", False),
        (GCR, "gcr.io.evil.example/demo/app", False),
        (PKG, "us-docker.pkg.dev/demo/repo/app", True),
        (PKG, "us-docker.pkg.dev/demo/repo2/app", False),
        (ACR, "demo.azurecr.io/any/thing", True),
        (ACR, "other.azurecr.io/any/thing", False),
        (ACR_NARROW, "demo.azurecr.io/team/app", True),
        (ACR_NARROW, "demo.azurecr.io/team/app2", False),
        (ACR_NARROW, "demo.azurecr.io/team/app/sub", False),
        (ECR, "123456789012.dkr.ecr.us-east-1.amazonaws.com/team", True),
        (ECR, "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app", False),
        (PRIVATE, "reg.example:5000/a/b", True),
        (PRIVATE, "reg.example/a/b", False),
        (HARBOR, "harbor.example/acme/app", True),
        (HARBOR, "harbor.example/acme2/app", False),
        (GITLAB, "registry.gitlab.com/acme/app", True),
        (GITLAB, "registry.gitlab.com/acme/app/web", True),
        (GITLAB, "registry.gitlab.com/acme/app2", False),
        (QUAY, "quay.io/acme/app", True),
        (QUAY, "quay.io/acme/other", False),
        (GHCR, "ghcr.io/acme/app", True),
        (GHCR, "ghcr.io/acme2/app", False),
        (HUB, "acme/app", True),
        (HUB, "acme/other", False),
        (HUB, "app", False),
    ],
)
def test_what_a_reader_covers(made, text, covered):
    """An image would be said to have a reader that cannot pull it, or none where there is one."""
    provider, options = made
    assert catalog.covers(catalog.reader(provider, options), parse_image(text)) is covered


def test_repositories_with_a_star():
    """A namespace of an Azure token would be taken for a repository of that name."""
    reader = catalog.reader("azure", {"registry": "demo.azurecr.io", "method": "token", "repository": ["team/*"]})
    answers = {
        name: catalog.covers(reader, parse_image(f"demo.azurecr.io/{name}")) for name in ("team/a", "team", "teams/a")
    }
    assert answers == {"team/a": True, "team": False, "teams/a": False}
