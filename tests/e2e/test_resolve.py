"""`resolve` against the sandbox."""

import pytest

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - {name: app, image: "gcr.io/demo/app:v1"}
        - {name: other, image: "gcr.io/legacy/app:v1"}
        - {name: free, image: "gcr.io/public/app:v1"}
        - {name: own, image: "acr.us-east-1.akka.io/acme/shop/app:v1"}
        - {name: odd, image: "gcr.io/Demo/app"}
"""


@pytest.fixture
def deploy(tmp_path):
    file = tmp_path / "deploy.yaml"
    file.write_text(MANIFEST)
    return file


def test_a_file(house, deploy):
    """It would not be told which image of a deployment has no credential."""
    house.run("gcp.bootstrap", "--project", "demo")
    done = house.run("resolve", "--from", str(deploy), "--json")
    assert done.code == 0
    assert [(one["image"], one["state"], one["readers"], one["next"]) for one in done.json["images"]] == [
        ("gcr.io/demo/app:v1", "covered", ["gcp:demo/docker-reader"], None),
        ("gcr.io/legacy/app:v1", "uncovered", [], "pullgrant gcp.bootstrap --project legacy --registry gcr.io"),
        ("gcr.io/public/app:v1", "public", [], None),
        ("acr.us-east-1.akka.io/acme/shop/app:v1", "built-in", [], None),
    ]
    assert [one["text"] for one in done.json["unread"]] == ["gcr.io/Demo/app"]


def test_the_keys_are_those_that_are_delivered(house):
    """The key that is shown would not be the one that our own sinks write."""
    done = house.run(
        "gcp.bootstrap", "--project", "demo", "--sink", "akka", "--sink", "docker-config", "--json"
    ).json["receipts"]  # fmt: skip
    keys = house.run("resolve", "gcr.io/demo/app:v1", "--json").json["images"][0]["keys"]
    assert [keys["akka"]["secret_name"], keys["docker"]] == [one["reference"] for one in done]


def test_offline_asks_nobody(house, deploy):
    """--offline would reach out."""
    before = len(house.world.calls)
    done = house.run("resolve", "--from", str(deploy), "--offline", "--json")
    assert (done.code, house.world.calls[before:]) == (0, [])
    assert [one["anonymous"] for one in done.json["images"]] == [None] * 4


def test_several_images_and_files(house, deploy, tmp_path):
    """Only the first of several would be looked at; the same image twice would be shown twice."""
    docker = tmp_path / "Dockerfile"
    docker.write_text("FROM gcr.io/demo/app:v1\n")
    both = ("--from", str(deploy), "--from", str(docker))
    done = house.run("resolve", "gcr.io/demo/app:v1,gcr.io/demo/other:v1", *both, "--offline", "--json")
    found = {one["image"]: [each["where"] for each in one["found"]] for one in done.json["images"]}
    assert list(found)[:2] == ["gcr.io/demo/app:v1", "gcr.io/demo/other:v1"]
    assert found["gcr.io/demo/app:v1"] == [
        "command line", f"{deploy}:8 Deployment web, container app", f"{docker}:1 FROM",
    ]  # fmt: skip


def test_compose_reads_its_environment(house, tmp_path, monkeypatch):
    """The image of a compose file would be looked at without the values that compose fills in."""
    (tmp_path / "compose.yaml").write_text("services: {a: {image: '${HOST}/demo/app:${TAG}'}}\n")
    (tmp_path / ".env").write_text("HOST=gcr.io\nTAG=v0\n")
    monkeypatch.setenv("TAG", "v1")
    done = house.run("resolve", "--from", str(tmp_path / "compose.yaml"), "--offline", "--json")
    assert [one["image"] for one in done.json["images"]] == ["gcr.io/demo/app:v1"]


def test_standard_input(house, monkeypatch):
    """A rendered chart could not be piped in."""
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(MANIFEST))
    assert len(house.run("resolve", "--from", "-", "--offline", "--json").json["images"]) == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "/nowhere/deploy.yaml"), "cannot be read"),
        (("gcr.io/Demo/app",), "not an image reference"),
        (("status",), "name of a verb"),
        ((), "'image'"),
    ],
)
def test_what_is_refused(house, words, told):
    """A wrong command line would end in a traceback, or in an empty answer."""
    done = house.run("resolve", *words)
    assert (done.code, told in done.err) == (2, True)


def test_a_person_reads_the_same(house, deploy):
    """The text would leave out what the document says."""
    out = house.run("resolve", "--from", str(deploy)).out
    expected = (
        "no reader covers it",
        "https://gcr.io under the name pullgrant-gcr-io",
        "certs.d/gcr.io",
        "not read: gcr.io/Demo/app",
    )
    assert [words for words in expected if words not in out] == []
