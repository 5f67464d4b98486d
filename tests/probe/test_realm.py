"""Which addresses a registry may send a credential to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullgrant.probe.realm import Doors, place

NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("host", "insecure", "base"),
    [
        ("docker.io", NONE, "https://registry-1.docker.io"),
        ("us.gcr.io", NONE, "https://us.gcr.io"),
        ("127.0.0.1:5000", NONE, "https://127.0.0.1:5000"),
        ("127.0.0.1:5000", frozenset({"127.0.0.1:5000"}), "http://127.0.0.1:5000"),
        ("127.0.0.1:5000", frozenset({"127.0.0.1:5001"}), "https://127.0.0.1:5000"),
    ],
)
def test_base(host: str, insecure: frozenset[str], base: str) -> None:
    """A registry would be asked at the wrong address, or in plain text without the user's word."""
    assert Doors(host, insecure).base == base


@pytest.mark.parametrize(
    "url",
    [
        "https://auth.docker.io/token",
        "https://ghcr.io/token",
        "https://registry.example:8443/service/token?x=1",
        "https://registry.example/service/token",
        "https://8.8.8.8/token",
        "https://[2606:4700:4700::1111]/token",
    ],
)
def test_accepts(url: str) -> None:
    """A real token service would not be asked."""
    assert Doors("registry.example", NONE).refusal(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://auth.example/token",
        "http://registry.example/token",
        "ftp://auth.example/token",
        "//auth.example/token",
        "/token",
        "",
        "https://",
        "https://user:password@auth.example/token",
        "https://registry.example@evil.example/token",
        "https://registry.example\\@evil.example/token",
        "https://evil.example\t/token",
        "https://evil.example /token",
        "https://évil.example/token",
        "https://auth.example:99999/token",
        "https://[::1/token",
        "https://127.0.0.1/token",
        "https://127.0.0.1:5000/token",
        "https://127.1/token",
        "https://2130706433/token",
        "https://0x7f000001/token",
        "https://0x7F.1/token",
        "https://0177.0.0.1/token",
        "https://127.0.0.1./token",
        "https://localhost/token",
        "https://a.localhost/token",
        "https://localhost./token",
        "https://10.1.2.3/token",
        "https://192.168.1.1/token",
        "https://172.16.0.1/token",
        "https://100.64.0.1/token",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/token",
        "https://[::1]/token",
        "https://[::]/token",
        "https://[fe80::1]/token",
        "https://[fd00::1]/token",
        "https://[::ffff:127.0.0.1]/token",
        "https://[::ffff:a9fe:a9fe]/token",
    ],
)
def test_refuses(url: str) -> None:
    """A foreign registry could aim our credential at a neighbour or have it sent in plain text."""
    assert Doors("registry.example", NONE).refusal(url) != ""


def test_own_address_is_accepted_with_the_same_port_only() -> None:
    """A registry inside the network could not serve tokens itself, or any service beside it could take them."""
    doors = Doors("10.0.0.5:5000", NONE)
    assert doors.refusal("https://10.0.0.5:5000/token") == ""
    assert doors.refusal("https://10.0.0.5:5001/token") == "is 10.0.0.5:5001, an address inside this network"
    assert doors.refusal("https://10.0.0.5/token") == "is 10.0.0.5, an address inside this network"


def test_insecure_is_what_the_user_named() -> None:
    """One insecure registry would open plain http to every token service."""
    doors = Doors("127.0.0.1:5000", frozenset({"127.0.0.1:5000", "auth.local"}))
    assert doors.refusal("http://127.0.0.1:5000/token") == ""
    assert doors.refusal("http://auth.local/token") == ""
    assert doors.refusal("http://auth.local:81/token") != ""
    assert (
        doors.refusal("http://auth.example/token") == "is plain http at auth.example, which is not named as an insecure host"
    )


@given(st.text(max_size=40))
def test_never_raises(text: str) -> None:
    """A hostile realm would end the program instead of the question."""
    assert place(f"https://{text}") is None or Doors("a.example", NONE).refusal(f"https://{text}") is not None


@given(
    st.ip_addresses(v=4, network="127.0.0.0/8")
    | st.ip_addresses(v=4, network="10.0.0.0/8")
    | st.ip_addresses(v=6, network="fe80::/10")
)
def test_refuses_all_of_the_inner_ranges(address: object) -> None:
    """Some address of this network would be let through."""
    shown = f"[{address}]" if ":" in str(address) else str(address)
    assert Doors("a.example", NONE).refusal(f"https://{shown}/token") != ""
