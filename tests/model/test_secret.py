"""Secret: every way in which Python shows a value."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullgrant.model.credential import Credential
from pullgrant.secret import MASK, Secret

HUSH = "".join(("hu", "sh-", "hu", "sh"))  # in no source line of a traceback


@pytest.fixture
def secret():
    return Secret(HUSH)


@pytest.fixture
def credential(secret):
    return Credential(server="ghcr.io", username="reader", secret=secret)


@pytest.mark.parametrize(
    "show",
    [
        str, repr, ascii, pprint.pformat, "{}".format, "{0!r:>40}".format, "{:>40}".format, "%s".__mod__, "%r".__mod__,
        lambda value: f"{value}{value!s}{value!r}{value!a}{value:x}", lambda value: repr([value, {"a": (value,)}]),
        lambda value: str(ValueError(value)), lambda value: repr(dir(value)),
    ],
)  # fmt: skip
def test_it_is_not_shown(secret, credential, show):
    """A secret would stand in a message that somebody formats."""
    assert HUSH not in show(secret)
    assert HUSH not in repr(credential)
    assert MASK in str(secret)


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, bytes, vars, iter, len])
def test_it_does_not_leave(secret, way):
    """A secret would travel to another process or into a file by a general way."""
    with pytest.raises(TypeError) as caught:
        way(secret)
    assert HUSH not in str(caught.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_protocol_takes_it(credential, protocol):
    """An old protocol would write the secret down."""
    with pytest.raises(TypeError):
        pickle.dumps(credential, protocol)


def test_a_credential_is_not_turned_into_a_dict(credential):
    """dataclasses.asdict would copy the secret into a plain value."""
    with pytest.raises(TypeError):
        dataclasses.asdict(credential)


@pytest.mark.parametrize("style", ["%s", "%r", "%(secret)s"])
def test_it_is_not_logged(secret, caplog, style):
    """A log call with a secret as argument would write it."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("x").debug(style, {"secret": secret} if "(" in style else secret)
    logging.getLogger("x").debug("%s", [secret], extra={"held": secret})
    assert HUSH not in caplog.text + repr([vars(record) for record in caplog.records])


def test_it_is_not_in_a_traceback(secret, credential):
    """A traceback with local variables, as error reporters print it, would show it."""

    def use(value: Secret, held: Credential) -> None:
        pair = {"secret": value, "credential": held}
        raise ValueError(pair)

    with pytest.raises(ValueError) as caught:
        use(secret, credential)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "pair = " in shown
    assert HUSH not in shown


def test_reveal_is_the_way_out(secret):
    """Nothing could be delivered."""
    assert secret.reveal() == HUSH


def test_equality_and_truth(secret):
    """A drift would not be seen, or a secret be guessed by comparing it with a text."""
    assert secret == Secret(HUSH)
    assert secret != Secret("other")
    assert secret != HUSH
    assert hash(secret) == hash(Secret(HUSH))
    assert len({secret, Secret(HUSH), Secret("other")}) == 2
    assert (bool(secret), bool(Secret(""))) == (True, False)
    with pytest.raises(TypeError):
        sorted([secret, Secret("other")])


@given(st.text(st.characters(codec=None), max_size=40), st.text(max_size=40), st.binary(min_size=1, max_size=32))
def test_fingerprints(text, other, key):
    """Equal secrets would look different, different ones equal, or a fingerprint be made without the key."""
    mark = Secret(text).fingerprint(key)
    assert mark == Secret(text).fingerprint(key)
    assert (mark == Secret(other).fingerprint(key)) == (text == other)
    assert mark != Secret(text).fingerprint(key + b"x")
    assert len(mark) == 16
    assert int(mark, 16) >= 0


def test_half_characters_do_not_show_it():
    """A secret from an environment that is not UTF-8 would crash a comparison, with itself in the error."""
    broken = Secret(f"{HUSH}\udcff")
    assert broken == Secret(f"{HUSH}\udcff")
    assert broken != Secret(HUSH)
    assert len(broken.fingerprint(b"key")) == 16
