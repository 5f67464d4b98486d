"""Image references by docker's rules, and the one spelling of registry hosts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullgrant.errors import UsageError
from pullgrant.model.image import DOCKER_HUB, Image, canonical_host, docker_key, parse_image, server_url

SHA = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "host", "repository", "reference"),
    [
        ("ubuntu", "docker.io", "library/ubuntu", "latest"),
        ("ubuntu:22.04", "docker.io", "library/ubuntu", "22.04"),
        ("me/app", "docker.io", "me/app", "latest"),
        ("docker.io/ubuntu", "docker.io", "library/ubuntu", "latest"),
        ("index.docker.io/me/app:v1", "docker.io", "me/app", "v1"),
        ("registry-1.docker.io/me/app", "docker.io", "me/app", "latest"),
        ("us.gcr.io/project/app", "us.gcr.io", "project/app", "latest"),
        ("gcr.io/example.com/project/app:1", "gcr.io", "example.com/project/app", "1"),
        ("localhost/app", "localhost", "app", "latest"),
        ("localhost:5000/app", "localhost:5000", "app", "latest"),
        ("localhost:5000", "docker.io", "library/localhost", "5000"),
        ("registry:5000/a/b:c", "registry:5000", "a/b", "c"),
        ("[::1]:5000/app", "[::1]:5000", "app", "latest"),
        ("US.gcr.io/p/app", "us.gcr.io", "p/app", "latest"),
        ("a__b/c-d--e/f.g:T_1.x-y", "docker.io", "a__b/c-d--e/f.g", "T_1.x-y"),
        (f"ghcr.io/o/app@{SHA}", "ghcr.io", "o/app", SHA),
        (f"ghcr.io/o/app:v1@{SHA}", "ghcr.io", "o/app", SHA),
        ("  ghcr.io/o/app:v1\n", "ghcr.io", "o/app", "v1"),
        ("us.gcr.io.evil.example/p/app", "us.gcr.io.evil.example", "p/app", "latest"),
    ],
)
def test_docker_reads_it_so(text, host, repository, reference):
    """We would prove and grant another image than docker pulls."""
    assert parse_image(text) == Image(host=host, repository=repository, reference=reference)


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "/", "@", "app:", "app@", "/app", "app/", "a//b", "App", "me/App", "ghcr.io/o/App", "a b", "app:a b",
        "app:-x", "-app", "app-", "a..b", "a___b", "ghcr.io/", "ghcr.io//app", "app:" + "x" * 129, "app@sha256:123",
        f"app@{SHA}@{SHA}", f"app@{SHA[:-1]}", f"app@{SHA}0", f"app@{SHA.upper()}", f"app:bad tag@{SHA}", f"app:@{SHA}",
        "https://ghcr.io/o/app", "-x.example/app", "x-.example/app", "x..example/app", ".example/app", "ghcr.io:/app",
        "ghcr.io:x/app", "ghcr.io:123456/app", "a\n/b", "user:hush-hush@ghcr.io/o/app", "0123456789abcdef" * 4,
        "a/" + "b" * 300, "\u212aube.example/app", "ü.example/app", "app:täg",
    ],
)  # fmt: skip
def test_docker_refuses_it(text):
    """A text that docker refuses would be accepted, and fail after the credential was made; or be shown with a password."""
    with pytest.raises(UsageError) as caught:
        parse_image(text)
    assert "hush-hush" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_an_image_or_refused(text):
    """A strange text would crash the program, or print as another image than it was read from."""
    try:
        image = parse_image(text)
    except UsageError:
        return
    assert parse_image(str(image)) == image


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (Image(host="ghcr.io", repository="o/app"), "ghcr.io/o/app:latest"),
        (Image(host="ghcr.io", repository="o/app", reference=SHA), f"ghcr.io/o/app@{SHA}"),
    ],
)
def test_an_image_prints_as_docker_writes_it(image, text):
    """A user could not paste the image of a message into docker."""
    assert str(image) == text


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("us.gcr.io", "us.gcr.io"),
        ("https://us.gcr.io", "us.gcr.io"),
        ("http://us.gcr.io/", "us.gcr.io"),
        ("HTTPS://US.gcr.io/v2/", "us.gcr.io"),
        (" us.gcr.io/project/app ", "us.gcr.io"),
        ("docker.io", DOCKER_HUB),
        ("index.docker.io", DOCKER_HUB),
        ("https://index.docker.io/v1/", DOCKER_HUB),
        ("registry-1.docker.io", DOCKER_HUB),
        ("https://registry.hub.docker.com", DOCKER_HUB),
        ("https://mycontainerregistry.example.com/v1/", "mycontainerregistry.example.com"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("localhost", "localhost"),
        ("registry:5000", "registry:5000"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
    ],
)
def test_one_spelling_of_a_host(text, host):
    """Two spellings of one host would be two slots, and a credential be refused for its own host."""
    assert canonical_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "us.gcr.io.evil.example", "us-gcr.io", "evil.example/us.gcr.io", "docker.io.evil.example", "xdocker.io",
        "index.docker.io.evil.example", "registry.hub.docker.com.evil.example", "docker.io:443",
    ],
)  # fmt: skip
def test_a_look_alike_is_another_host(text):
    """A credential would be sent to, or accepted for, a host that only looks like the right one."""
    assert canonical_host(text) not in (DOCKER_HUB, "us.gcr.io", "gcr.io")


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "https://", "/", "gcr", "gcr.io.", ".gcr.io", "gcr..io", "-gcr.io", "gcr-.io", "gcr.io:", "gcr.io:x",
        "gcr.io:123456", "gcr.io evil.example", "gcr.io\nevil.example", "gcr.io?x", "gcr.io#x", "gcr.io\\x", "ftp://gcr.io",
        "//gcr.io", "gcr_x.io",
        "user@gcr.io", "user:hush-hush@gcr.io", "https://user:hush-hush@gcr.io", "[::1", "..:5", "-:5",
        "doc\u212aer.io", "\u217cocker.io", "gcr\u3002io", "gcr.i\u043e", "http\u017f://gcr.io",
    ],
)  # fmt: skip
def test_no_host(text):
    """A text that is no host, or a host in look-alike letters, would be taken for a registry, or shown with its password."""
    with pytest.raises(UsageError) as caught:
        canonical_host(text)
    assert "hush-hush" not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_a_host_or_refused(text):
    """A strange text would crash the program, or change when it is read again."""
    try:
        host = canonical_host(text)
    except UsageError:
        return
    assert canonical_host(host) == canonical_host(docker_key(host)) == canonical_host(server_url(host)) == host


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("docker.io", "https://index.docker.io/v1/"),
        ("registry-1.docker.io", "https://index.docker.io/v1/"),
        ("https://us.gcr.io", "us.gcr.io"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("docker.io.evil.example", "docker.io.evil.example"),
    ],
)
def test_docker_key(host, key):
    """docker would not find the credential."""
    assert docker_key(host) == key


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("docker.io", "https://index.docker.io/v1/"),
        ("us.gcr.io", "https://us.gcr.io"),
        ("us-central1-docker.pkg.dev", "https://us-central1-docker.pkg.dev"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com", "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"),
        ("ghcr.io", "https://ghcr.io"),
        ("registry.gitlab.com", "https://registry.gitlab.com"),
        ("registry.example.com:5000", "https://registry.example.com:5000"),
        ("https://myregistry.azurecr.io", "myregistry.azurecr.io"),
        ("myregistry.azurecr.cn", "myregistry.azurecr.cn"),
        ("myregistry.azurecr.us", "myregistry.azurecr.us"),
        ("myregistry.azurecr.io.evil.example", "https://myregistry.azurecr.io.evil.example"),
        ("a.b.azurecr.io", "https://a.b.azurecr.io"),
        ("myregistry.azurecr.io:443", "https://myregistry.azurecr.io:443"),
        ("myregistryazurecr.io", "https://myregistryazurecr.io"),
    ],
)
def test_server_url_is_each_platforms_documented_form(host, url):
    """A platform would register the credential under a server that it never asks."""
    assert server_url(host) == url
