"""Hosts and options, checked before any call."""

from __future__ import annotations

import pytest

from pullgrant.errors import UsageError
from pullgrant.providers.gcp import hosts
from pullgrant.providers.gcp.settings import Settings

VIEWER = "roles/storage.objectViewer"


@pytest.mark.parametrize(
    ("host", "location", "bucket"),
    [
        ("gcr.io", "us", "artifacts.demo.appspot.com"),
        ("us.gcr.io", "us", "us.artifacts.demo.appspot.com"),
        ("eu.gcr.io", "europe", "eu.artifacts.demo.appspot.com"),
        ("asia.gcr.io", "asia", "asia.artifacts.demo.appspot.com"),
    ],
)
def test_the_gcr_hosts(host, location, bucket):
    """The grant would go to a repository or bucket that does not serve the host."""
    found = hosts.resolve(host, "demo")
    assert (found.resource, found.bucket, found.path, found.text) == (
        f"projects/demo/locations/{location}/repositories/{host}", bucket, "demo", host,
    )  # fmt: skip
    assert hosts.resolve(f"https://{host}/demo/", "demo") == found


def test_a_pkg_host():
    """A repository of Artifact Registry, possibly of another project, would be read wrongly."""
    found = hosts.resolve("europe-west12-docker.pkg.dev/images/apps", "demo")
    assert (found.project, found.resource, found.bucket, found.path) == (
        "images", "projects/images/locations/europe-west12/repositories/apps", "", "images/apps",
    )  # fmt: skip


def test_a_project_of_a_domain():
    """A project that belongs to a domain would get an address or a bucket that does not exist."""
    settings = Settings.parse(project="example.com:demo")
    assert (settings.email, settings.registry.path, settings.registry.bucket) == (
        "docker-reader@demo.example.com.iam.gserviceaccount.com", "example.com/demo", "artifacts.demo.example.com.a.appspot.com",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "gcr.io.evil.example", "evil-gcr.io", "mirror.gcr.io", "gcr.io\n", "gcr.io/other", "gcr.io/demo/x", "",
        "us-docker.pkg.dev", "us-docker.pkg.dev/demo", "us-docker.pkg.dev.evil.example/demo/apps", "us-docker.pkg.dev/demo/apps/x",
        "evil.example/us-docker.pkg.dev/demo", "u.s-docker.pkg.dev/demo/apps", "us-docker.pkg.dev/demo/apps\n", "http://gcr.io",
        "us-docker.pkg.dev/demo/../apps", "ﬂy-docker.pkg.dev/demo/apps",
    ],
)  # fmt: skip
def test_look_alikes(text):
    """A credential would go to a host that is not Google's."""
    with pytest.raises(UsageError):
        hosts.resolve(text, "demo")


@pytest.mark.parametrize(
    "options",
    [
        {"project": "Demo"}, {"project": "demo/x"}, {"project": "demo\n"}, {"project": ""}, {"project": "-demo"},
        {"reader": "short"}, {"reader": "a" * 31}, {"reader": "1reader"}, {"reader": "reader-"}, {"reader": "reader\n"},
        {"role": "roles/owner"}, {"scope": "all"}, {"credential": "password"},
        {"registry": "us-docker.pkg.dev/demo/apps", "role": VIEWER},
        {"image": "gcr.io/other/app"}, {"image": "docker.io/demo/app"}, {"image": "us.gcr.io/demo/app"}, {"image": "App"},
    ],
)  # fmt: skip
def test_options_that_cannot_be_right(options):
    """The cloud would be called for nothing, and answer in its own words."""
    with pytest.raises(UsageError) as caught:
        Settings.parse(**{"project": "demo", **options})
    assert caught.value.hint


@pytest.mark.parametrize("reader", ["reader", "a" * 30])
def test_the_limits_of_a_name(reader):
    """A name that Google takes would be refused."""
    assert Settings.parse(project="demo", reader=reader).reader == reader


@pytest.mark.parametrize(
    "options",
    [
        {}, {"registry": "eu.gcr.io", "role": VIEWER, "scope": "project", "credential": "access-token", "image": "app:v1"},
        {"project": "example.com:demo", "registry": "us-docker.pkg.dev/images/apps", "image": "team/app"},
    ],
)  # fmt: skip
def test_a_reader_of_the_ledger_means_the_same_settings(options):
    """Rotation would work on another reader than bootstrap made."""
    settings = Settings.parse(**{"project": "demo", **options})
    assert Settings.of(settings.to_reader()) == settings


def test_what_a_reader_is_narrowed_to():
    """The platforms would be told of a wider or narrower scope than the grant's."""
    narrow = Settings.parse(project="demo", registry="us-docker.pkg.dev/demo/apps").to_reader()
    wide = Settings.parse(project="demo", registry="us-docker.pkg.dev/demo/apps", scope="project").to_reader()
    assert (narrow.repositories, wide.repositories, narrow.host, narrow.id) == (
        ("demo/apps",), (), "us-docker.pkg.dev", "gcp:demo/docker-reader",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["app:v1", "gcr.io/demo/app:v1"])
def test_an_image_is_relative_or_full(text):
    """The proof would pull another image than the user named."""
    assert str(Settings.parse(project="demo", image=text).image) == "gcr.io/demo/app:v1"
