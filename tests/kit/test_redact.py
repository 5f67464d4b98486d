"""Redaction: known secrets and the shapes of unknown ones."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullgrant.kit.redact import redact
from pullgrant.secret import Secret

# Without the characters of the mask and of what these tests put in its place.
SECRETS = st.text(st.characters(exclude_characters="*\0", exclude_categories=["Cs"]), min_size=3, max_size=80).filter(
    str.strip
)
TEXTS = st.text(max_size=60)
FORMS = {
    "as it is": str,
    "stripped": str.strip,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "Python": lambda text: repr(text)[1:-1],
    "URL": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "one line": lambda text: " ".join(text.split()),
}
KEY_FILE = '{\n  "type": "service_account",\n  "private_key_id": "0a1b2c3d",\n  "private_key": "-----BEGIN X"\n}\n'


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@given(secret=SECRETS, before=TEXTS, after=TEXTS)
def test_a_known_secret_never_survives(form, secret, before, after):
    """A platform that repeats what it was sent, in its own way of quoting, would put the secret into our message."""
    shown = redact(f"{before}{form(secret)}{after}", Secret(secret), limit=10_000)
    assert form(secret).strip() not in shown.replace("***", "\0")


@given(secrets=st.lists(SECRETS, min_size=2, max_size=4), between=TEXTS)
def test_several_known_secrets_never_survive(secrets, between):
    """The rest of a secret would stay that begins with another one."""
    shown = redact(between.join(secrets), *map(Secret, secrets), limit=10_000)
    assert [secret for secret in secrets if secret.strip() in shown.replace("***", "\0")] == []


def test_the_longest_goes_first():
    """The end of a key would be shown because its beginning is a secret too."""
    assert redact("password abcdef", Secret("abc"), Secret("abcdef")) == "password ***"


@pytest.mark.parametrize("line", [line.strip() for line in KEY_FILE.splitlines() if len(line.strip()) > 1])
def test_one_line_of_a_key_file(line):
    """A parser that complains about one line of a key file would show it."""
    assert redact(f"line 3: {line}", Secret(KEY_FILE)) == "line 3: ***"


def test_what_is_no_secret_stays():
    """The platform's own words would be lost, and with them the reason."""
    words = "rpc error: code = NotFound desc = project [sample] not found; see https://doc.akka.io/x?a=b"
    assert redact(words) == redact(words, Secret("")) == redact(words, Secret("other")) == words
    assert redact(words, Secret(KEY_FILE)) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- b", "a *** b"),
        ("a -----BEGIN RSA PRIVATE KEY-----\nMIIE cut off", "a ***"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0 end", "jwt *** end"),
        ("ya29.a0AfH6SMBx-x_y.z", "***"),
        ("token dckr_pat_AbC-123_x and dckr_oat_zzz", "token *** and ***"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "***"),
        ("github_pat_11ABCDEFG0123456789_abcdefg", "***"),
        ("glpat-0123456789abcdefghij gldt-0123456789abcdefghij", "*** ***"),
        ("cst4.0123456789abcdef0123456789abcdef", "***"),
        ("Authorization: Bearer abc.def-123~x", "Authorization: Bearer ***"),
        ("authorization: Basic dXNlcjpwYXNzd29yZA==", "authorization: Basic ***"),
        ("https://x.example/y?a=1&sig=aB%2F3&b=2", "https://x.example/y?a=1&sig=***&b=2"),
        ("refresh_token=abc client_secret=def password='x", "refresh_token=*** client_secret=*** password='x"),
        ("https://s3.example/?X-Amz-Signature=0a1b&X-Amz-Security-Token=FwoG%2B&x=1",
         "https://s3.example/?X-Amz-Signature=***&X-Amz-Security-Token=***&x=1"),
    ],
)  # fmt: skip
def test_shapes(text, shown):
    """A secret that we never knew would pass from a cloud's answer into our message."""
    assert redact(text) == shown


def test_one_line_and_a_limit():
    """A page of HTML would fill the screen and the ledger."""
    assert redact(" a\n\tb\r\n c ") == "a b c"
    assert redact("x" * 700) == "x" * 600 + "..."
    assert redact("x" * 9, limit=5) == "xxxxx..."


def test_the_limit_cuts_after_the_secret_is_gone():
    """The first half of a secret would stand at the end of a long message."""
    assert redact("x" * 590 + " s3cret-s3cret-s3cret", Secret("s3cret-s3cret-s3cret")) == "x" * 590 + " ***"
