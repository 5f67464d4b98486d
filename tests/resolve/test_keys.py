"""Which key each tool looks up for an image, and which keys of a pull secret the kubelet takes."""

import pytest

from pullgrant.model.image import is_built_in, parse_image
from pullgrant.resolve.keys import keys_of, kubernetes_matches

HUB = "https://index.docker.io/v1/"


def test_the_keys_of_a_registry():
    """A user would register the credential where the tool does not look."""
    keys = keys_of(parse_image("reg.example:5000/team/app:v1"))
    assert (keys.docker, keys.containerd_folder, keys.containerd_auth, keys.akka, keys.akash) == (
        "reg.example:5000",
        "/etc/containerd/certs.d/reg.example:5000",
        "reg.example:5000",
        "https://reg.example:5000",
        "https://reg.example:5000",
    )
    assert keys.kubernetes == ("reg.example:5000/team/app", "reg.example:5000/team", "reg.example:5000")


def test_docker_hub_has_four_names():
    """Docker Hub's credential would be looked for under its host, where docker never looks."""
    keys = keys_of(parse_image("nginx"))
    assert (keys.docker, keys.containerd_folder, keys.containerd_auth, keys.akka) == (
        HUB, "/etc/containerd/certs.d/docker.io", "registry-1.docker.io", HUB,
    )  # fmt: skip
    assert keys.kubernetes == ("docker.io/library/nginx", "docker.io/library", "docker.io", HUB)


def test_azure_is_written_bare_on_akka():
    """The server would not be the one that Akka's documentation writes for Azure."""
    assert keys_of(parse_image("acme.azurecr.io/app:v1")).akka == "acme.azurecr.io"


@pytest.mark.parametrize("text", ["nginx", "gcr.io/demo/app:v1", "reg.example:5000/a/b/c"])
def test_every_shown_key_matches(text):
    """A key would be shown that the kubelet does not take."""
    image = parse_image(text)
    assert [key for key in keys_of(image).kubernetes if not kubernetes_matches(key, image)] == []


@pytest.mark.parametrize(
    ("key", "text", "matches"),
    [
        ("https://reg.example", "reg.example/app", True),
        ("http://reg.example/v1/", "reg.example/app", True),
        ("reg.example/v1", "reg.example/app", False),
        ("reg.example/v2/team", "reg.example/team/app", True),
        ("reg.example/app", "reg.example/app2", True),
        ("reg.example/app/", "reg.example/app", False),
        ("*.example", "reg.example/app", True),
        ("*.example", "a.reg.example/app", False),
        ("r[a-f]g.example", "reg.example/app", True),
        ("r[^a-f]g.example", "reg.example/app", False),
        ("reg.example", "reg.example:5000/app", False),
        ("reg.example:5000", "reg.example/app", False),
        ("reg.example:*", "reg.example:5000/app", False),
        ("reg.example.evil.example", "reg.example/app", False),
        ("index.docker.io", "nginx", True),
        (HUB, "acme/app", True),
        (HUB, "reg.example/app", False),
        ("https://[", "reg.example/app", False),
    ],
)
def test_the_kubelets_rules(key, text, matches):
    """A pull secret would be called right, or wrong, against the kubelet's own rules."""
    assert kubernetes_matches(key, parse_image(text)) is matches


@pytest.mark.parametrize(
    ("host", "built_in"),
    [
        ("acr.us-east-1.akka.io", True),
        ("kcr.us-east-1.kalix.io", True),
        ("acr.us-east-1.akka.io.evil.example", False),
        ("acr.akka.io", False),
        ("gcr.io", False),
    ],
)
def test_the_platforms_own_registries(host, built_in):
    """A look-alike host would be said to need no credential."""
    assert is_built_in(host) is built_in
