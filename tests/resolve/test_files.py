"""Which form a file has, and what is said of a file that has none."""

import pytest

from pullgrant.errors import UsageError
from pullgrant.resolve.files import contents

SDL = """\
version: "2.1"
services:
  web:
    image: ghcr.io/acme/app:v1
    credentials: {host: https://ghcr.io, username: me, password: canary-password}
  side:
    image: gcr.io/demo/app:v1
    credentials: {host: https://us.gcr.io, username: me, password: canary-password}
  free:
    image: nginx
profiles: {}
deployment: {}
"""


def texts(text, where):
    return [one.text for one in contents(text, where, {}).found]


def test_an_sdl_file_says_whose_credentials_it_carries():
    """A service with credentials for another host would look right."""
    found = contents(SDL, "deploy.yaml", {})
    assert [(one.text, one.note) for one in found.found] == [
        ("ghcr.io/acme/app:v1", "the service carries credentials for ghcr.io"),
        ("gcr.io/demo/app:v1", "the service carries credentials for us.gcr.io, which is not gcr.io"),
        ("nginx", "the service carries no credentials"),
    ]
    assert "canary" not in repr(found)


@pytest.mark.parametrize("name", ["Dockerfile", "x/Dockerfile.dev", "app.dockerfile", "Containerfile", "build"])
def test_a_dockerfile_by_name_or_content(name):
    """A Dockerfile under one of its usual names would be read as something else."""
    assert texts("FROM reg.example/a:1\n", name) == ["reg.example/a:1"]


def test_manifests_and_compose_in_one_stream():
    """The second half of a file would be forgotten."""
    text = (
        "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: a.example/a}]}\n---\nservices: {b: {image: b.example/b}}\n"
    )
    assert texts(text, "all.yaml") == ["a.example/a", "b.example/b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [canary", "not YAML at line 1"),
        ("a: 1\na: canary", "not YAML at line 2"),
        ("image: {{ .Values.canary }}\nx", "not YAML"),
        ("just: canary", "none of the forms"),
        ("", "none of the forms"),
        ("\t{canary", "not YAML"),
    ],
)
def test_what_is_refused_shows_no_content(text, words):
    """A file that cannot be read would be shown, secrets included, or be passed over."""
    with pytest.raises(UsageError) as caught:
        contents(text, "x.yaml", {})
    assert (words in str(caught.value), "canary" in str(caught.value)) == (True, False)


def test_a_template_is_to_be_rendered():
    """The author of a chart would not learn how to use it."""
    with pytest.raises(UsageError) as caught:
        contents("a: {{ .Values.x }}\nb", "x.yaml", {})
    assert "helm template" in caught.value.hint
