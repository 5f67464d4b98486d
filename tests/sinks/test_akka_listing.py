"""How the lists of the akka command line are read."""

from __future__ import annotations

import json

import pytest

from pullgrant.sinks.akka_listing import Entry, entries, names

# The samples of the documentation, to the blank: the first one's cells do not all begin under their headers.
SECRET_ERA = """\
NAME                STATUS  SERVER                                  EMAIL             USERNAME
docker-credentials  OK      https://us-central1-docker.pkg.dev     user@example.com  _json_key
"""
UUID_ERA = """\
ID                                     SERVER              USERNAME    EMAIL
89e41d75-aa70-4b9c-805f-ea35ee2622f0   https://us.gcr.io   _json_key   in@valid.com
"""
SECRETS = """\
NAME          TYPE      KEYS
db-secret     generic   username,password,host
openai-key    generic   value
"""


GAR, S = "https://us-central1-docker.pkg.dev", "https://s.example"
UUID = "89e41d75-aa70-4b9c-805f-ea35ee2622f0"
REST = {"server": S, "username": "u", "email": "e@x.example", "status": "OK"}


@pytest.mark.parametrize(
    ("printed", "wanted"),
    [
        (SECRET_ERA, ("docker-credentials", GAR, "_json_key", "user@example.com", "OK")),
        (UUID_ERA, (UUID, "https://us.gcr.io", "_json_key", "in@valid.com", "")),
        (
            "NAME  STATUS  SERVER             EMAIL  USERNAME\na     OK      https://s.example         u\n",
            ("a", S, "u", "", "OK"),
        ),
        ("NAME  STATUS  SERVER             EMAIL  USERNAME\na     OK      https://s.example\n", ("a", S, "", "", "OK")),
        (
            "NAME  STATUS     SERVER             USERNAME\na     NOT READY  https://s.example  u\n",
            ("a", S, "u", "", "NOT READY"),
        ),
        ("NAME  STATUS  SERVER  EMAIL  USERNAME\na     Gone\n", ("a", "", "", "", "Gone")),
    ],
)
def test_text_is_cut_by_columns(printed, wanted):
    """With an empty cell a user name would be read as an email, or a server as a status."""
    found = entries(printed) or ()
    assert [(one.id, one.server, one.username, one.email, one.status) for one in found] == [wanted]


@pytest.mark.parametrize(
    "document",
    [
        [{"name": "a", **REST}],
        [{"Name": "a", **{key.title(): value for key, value in REST.items()}}],
        {"credentials": [{"name": "projects/p/x/a", **REST}]},
        {"items": [{"metadata": {"name": "a"}, **REST}]},
        {"Items": [{"id": "a", "name": "b", **REST}]},
    ],
)
def test_json_in_its_likely_shapes(document):
    """A CLI that wraps its list, or writes keys in another case, would be refused."""
    assert entries(json.dumps(document)) == (Entry(id="a", **REST),)


@pytest.mark.parametrize(
    "printed", ["", "\n", "[]", "{}", "null", '{"items": []}', "NAME  STATUS  SERVER  EMAIL  USERNAME\n"]
)
def test_nothing_is_listed(printed):
    """A project without credentials could not get its first one."""
    assert entries(printed) == ()


@pytest.mark.parametrize(
    "printed",
    [
        "No credentials.",
        "some name  some server\nx  y\n",
        "no name and no server",
        "SERVER  EMAIL\nx       y\n",
        '"text"',
        "17",
        "[1]",
        '{"regions": {}}',
        '{"items": [], "credentials": []}',
        '[{"name": "a"}]',
        '[{"server": "a"}]',
        '{"items": {"name": "a", "server": "b"}}',
        "NAME  SERVER\n  x     y\n",
    ],
)
def test_an_unknown_form_is_said(printed):
    """A list in a form that nobody has seen would be read as something, or as empty."""
    assert entries(printed) is None


def test_names_of_secrets():
    """A secret of somebody else would be taken for free."""
    assert names(SECRETS) == ("db-secret", "openai-key")
    assert names(json.dumps([{"name": "projects/p/secrets/db-secret", "type": "generic"}])) == ("db-secret",)
    assert names("words") is None
