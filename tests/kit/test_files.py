"""Private files: whole or not at all, whenever the process dies."""

from __future__ import annotations

import os
import stat

import pytest

from kit.killer import Killer, dies_at
from pullgrant.errors import UsageError
from pullgrant.kit import files


@pytest.mark.parametrize("before", [b"old content", None])
def test_a_killed_writer_leaves_old_or_new(tmp_path, before):
    """A machine that lost its power, or a killed run, would leave half a file or none."""
    path = tmp_path / "file"
    seen = set()
    for step in range(1, 200):
        if before is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(before)
        died = dies_at(step, lambda: files.replace_private(path, b"new content"))
        seen.add(path.read_bytes() if path.exists() else None)
        modes = {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir() if one != path}
        assert modes <= {0o600}
        for rest in tmp_path.glob(".file.*"):
            rest.unlink()
        if not died:
            break
    assert not died
    assert step > 15
    assert seen == {before, b"new content"}


def test_a_failed_write_leaves_old_or_new_and_no_rest(tmp_path, monkeypatch):
    """A full disk would spoil the file or leave copies of a secret beside it."""
    path = tmp_path / "file"
    steps, failures = 200, 0
    for step in range(1, 200):
        path.write_bytes(b"old content")
        killer = Killer(step, "raise")
        with monkeypatch.context() as patch:
            killer.arm(patch)
            try:
                files.replace_private(path, b"new content")
            except OSError:
                failures += 1
        assert path.read_bytes() in (b"old content", b"new content")
        assert [one.name for one in tmp_path.iterdir()] == ["file"]
        if killer.steps < step:
            steps = step
            break
    assert failures == steps - 1 > 8


def test_content_reaches_the_disk_before_the_name(tmp_path, monkeypatch):
    """After a loss of power the name could stand for an empty file."""
    order: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os,
        "fsync",
        lambda number: order.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file") or fsync(number),
    )
    monkeypatch.setattr(os, "replace", lambda old, new: order.append("replace") or replace(old, new))
    files.replace_private(tmp_path / "file", b"new")
    assert order == ["file", "replace", "folder"]


@pytest.mark.parametrize(
    ("before", "after"), [(None, 0o600), (0o600, 0o600), (0o644, 0o600), (0o777, 0o600), (0o400, 0o400), (0, 0o600)]
)
def test_modes(tmp_path, before, after):
    """A secret would be readable by others because the file was before, or a read-only file become writable."""
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(b"old")
        path.chmod(before)
    files.replace_private(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == after


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_new_folders_are_private(tmp_path, umask):
    """The folders around a secret would be open to others, all but the last one."""
    old = os.umask(umask)
    try:
        files.replace_private(tmp_path / "a" / "b" / "file", b"new")
    finally:
        os.umask(old)
    paths = [tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "file"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o700, 0o700, 0o600]


def test_an_existing_folder_keeps_its_mode(tmp_path):
    """A shared folder would be closed to its other users."""
    tmp_path.chmod(0o755)
    assert files.private_folder(tmp_path) == tmp_path
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_file_is_no_folder(tmp_path):
    """A file in the way would be taken for a folder, and the error come later."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileExistsError):
        files.private_folder(tmp_path / "file")


@pytest.mark.parametrize("dangling", [True, False])
def test_a_symbolic_link_is_followed(tmp_path, dangling):
    """A link would be replaced by a file."""
    link, real = tmp_path / "link", tmp_path / "far" / "real"
    link.symlink_to(real)
    if not dangling:
        files.replace_private(real, b"old")
    files.replace_private(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_another_hard_link_keeps_the_old_content(tmp_path):
    """The file would be written in place, which a reader could see half done."""
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"old")
    other.hardlink_to(path)
    files.replace_private(path, b"new")
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"old")


def test_the_owner_is_kept(tmp_path, monkeypatch):
    """Run with sudo, a user's file would become root's."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    owner = path.stat().st_uid, path.stat().st_gid
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "getegid", lambda: owner[1] + 1)
    monkeypatch.setattr(os, "chown", lambda name, uid, gid: given.append((uid, gid)))
    files.replace_private(path, b"new")
    assert given == [owner]


def test_the_check_comes_last_and_may_refuse(tmp_path):
    """What another program wrote meanwhile would be overwritten."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def refuse() -> None:
        assert {one.read_bytes() for one in tmp_path.iterdir()} == {b"old", b"new"}
        raise RuntimeError("changed")

    with pytest.raises(RuntimeError, match="changed"):
        files.replace_private(path, b"new", check=refuse)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_a_folder_is_no_file(tmp_path):
    """A folder with files in it would be replaced, or a copy of the secret left beside it."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        files.replace_private(tmp_path / "folder", b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_read_bytes(tmp_path):
    """An absent file would be an error, or a broken one absent."""
    (tmp_path / "file").write_bytes(b"\0x")
    assert files.read_bytes(tmp_path / "file") == b"\0x"
    assert files.read_bytes(tmp_path / "none") is None
    with pytest.raises(IsADirectoryError):
        files.read_bytes(tmp_path)
    with pytest.raises(NotADirectoryError):
        files.read_bytes(tmp_path / "file" / "below")


def test_the_file_of_an_authority(tmp_path, monkeypatch):
    """A command run from another folder, or by a scheduler, would not find the certificate again."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ca.pem").write_text("PEM")
    assert (files.authority_file("~/ca.pem"), files.authority_file("")) == (str(tmp_path / "ca.pem"), "")
    with pytest.raises(UsageError, match="there is no file"):
        files.authority_file(str(tmp_path))
