"""Directories that other tools keep configurations in: plain ones, and git repositories with their history."""

import os
import subprocess
import time
import zlib

import pytest
from tests.collect.intake.fakes import FakeFacts, FakeIntake
from tests.programs import needs
from tests.waiting import until

from weft.collect.configs import ConfigCollector, ConfigsConfig
from weft.collect.configs.config import ConfigDirectory
from weft.collect.configs.directory import Directory

FRR = "frr version 8.4\nfrr defaults traditional\nhostname {}\npassword {}\ninterface eth0\n mtu {}\nend\n"


@pytest.fixture
def git():
    needs("git", "git")

    def run(path, *arguments, date=None, author="Ada <ada@example.net>"):
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
                       "GIT_AUTHOR_NAME": author.split(" <")[0], "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "ci",
                       "GIT_COMMITTER_EMAIL": "c@d"}  # fmt: skip
        if date:
            environment |= {"GIT_AUTHOR_DATE": f"@{date} +0000", "GIT_COMMITTER_DATE": f"@{date} +0000"}
        done = subprocess.run(["git", "-C", str(path), *arguments], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def collector(collecting):
    return lambda *directories, **more: collecting(directories=directories, **more)


def seen(directory):
    return [(one.device, one.text) for one in directory.new()]


def test_files_are_read_when_they_change(tmp_path):
    (tmp_path / "fra").mkdir()
    (tmp_path / "fra/r1.cfg").write_text("a\n")
    (tmp_path / "r2").write_text("b\n")
    (tmp_path / ".hidden").write_text("no\n")
    (tmp_path / "r3.cfg~").write_text("no\n")
    (tmp_path / "image.bin").write_bytes(b"\0\1")
    os.symlink("/etc/hostname", tmp_path / "r4.cfg")
    directory = Directory(ConfigDirectory(path=tmp_path), tmp_path / "memory", 1000)
    assert sorted(seen(directory)) == [("r1", "a\n"), ("r2", "b\n")]
    assert directory.skipped == {"not_text": 1}
    assert seen(directory) == []
    (tmp_path / "r2").write_text("changed\n")
    (tmp_path / "r5").write_text("x" * 2000)
    assert seen(directory) == [("r2", "changed\n")]
    assert directory.skipped == {"too_large": 1}


def test_files_and_names_as_configured(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/r1.example.net").write_text("a\n")
    (tmp_path / "README").write_text("b\n")
    config = ConfigDirectory(path=tmp_path, files="configs/*", device=r"configs/(?P<device>[^.]+)\..*")
    assert seen(Directory(config, tmp_path / "memory", 1000)) == [("r1", "a\n")]


@pytest.mark.parametrize("pattern", ["(", "no group"])
def test_a_pattern_must_name_the_device(tmp_path, pattern):
    with pytest.raises(ValueError, match=r"regular expression|group"):
        ConfigDirectory(path=tmp_path, device=pattern)


def test_a_plain_directory_becomes_changes(tmp_path, collector):
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "r1.cfg").write_text(FRR.format("r1", "hunter2222", 1500))
    facts = FakeFacts()
    running, intake = collector(ConfigDirectory(path=folder, every_s=1), facts=facts)
    until(lambda: running.history.versions("r1"))
    assert intake.rows("changes") == []  # nothing is known of what was before
    (folder / "r1.cfg").write_text(FRR.format("r1", "hunter3333", 9000))
    until(lambda: intake.rows("changes"))
    (row,) = intake.rows("changes")
    assert (row["host"], row["kind"], row["source"], row["added"], row["removed"]) == ("r1", 1, "directory", 2, 2)
    assert "interface eth0" in row["component"]
    assert "- mtu 1500\n+ mtu 9000" in row["detail"]
    assert abs(row["time"].timestamp() - time.time()) < 60
    everything = row["detail"] + running.history.text("r1", 1) + running.history.text("r1", 2)
    assert "hunter" not in everything
    (fact,) = facts.said["configs", "r1"]
    assert (fact.key, fact.attributes) == (("r1",), {"name": "r1", "platform": "frr"})
    source = intake.sources()[0]
    assert (source.kind, source.state, source.errors) == ("configs", "ok", {})


def test_nothing_secret_is_on_disk(tmp_path, collector):
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "r1.cfg").write_text(FRR.format("r1", "hunter2222", 1500))
    running, _ = collector(ConfigDirectory(path=folder, every_s=1))
    until(lambda: running.history.versions("r1"))
    files = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
    texts = [zlib.decompress(file.read_bytes()) for file in files if file.suffix == ".z"]
    assert any(b"hostname r1" in text for text in texts)
    assert not [file for file in files if b"hunter2222" in file.read_bytes()]
    assert not [text for text in texts if b"hunter2222" in text]


def test_a_directory_that_is_not_there(tmp_path, collector):
    _, intake = collector(ConfigDirectory(path=tmp_path / "no", every_s=1))
    until(lambda: intake.sources() and intake.sources()[0].errors)
    assert intake.sources()[0].state == "failing"
    assert intake.sources()[0].errors.keys() == {"unavailable"}


def commit(git, repository, text, number, author, name="r1.cfg"):
    (repository / name).write_text(text)
    git(repository, "add", "-A")
    git(
        repository,
        "commit",
        "-q",
        "-m",
        f"Change {number} password hunter5555",
        date=1_790_000_000 + number,
        author=author,
    )
    return git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("bare", [False, True])
def test_a_git_repository_tells_who_and_when(tmp_path, git, collector, bare):
    repository = tmp_path / "work"
    git(tmp_path, "init", "-q", str(repository))
    commit(git, repository, FRR.format("r1", "hunter1111", 1500), 0, "Ada <a@b>")
    second = commit(git, repository, FRR.format("r1", "hunter1111", 9000), 1, "Grace <g@b>")
    commit(git, repository, "frr version 8.4\nhostname r2\nend\n", 2, "Ada <a@b>", name="r2.cfg")
    watched = repository
    if bare:
        watched = tmp_path / "bare.git"
        git(tmp_path, "clone", "-q", "--bare", str(repository), str(watched))
    running, intake = collector(ConfigDirectory(path=watched, every_s=1))
    until(lambda: running.history.versions("r2"))
    (row,) = intake.rows("changes")
    assert (row["author"], row["reference"], row["time"].timestamp()) == ("Grace", second, 1_790_000_001)
    assert row["title"].startswith("Change 1 password <secret ")
    assert "hunter" not in str(row)
    third = commit(git, repository, FRR.format("r1", "hunter7777", 9000), 3, "Ada <a@b>")
    if bare:
        git(repository, "push", "-q", str(watched), "HEAD")
    until(lambda: len(intake.rows("changes")) == 2)
    assert intake.rows("changes")[1]["reference"] == third
    assert intake.rows("changes")[1]["detail"].count("password <secret ") == 2


def test_a_restart_reads_only_what_is_new(tmp_path, git, collector):
    repository = tmp_path / "work"
    git(tmp_path, "init", "-q", str(repository))
    for i in range(4):
        commit(git, repository, FRR.format("r1", "hunter1111", 1500 + i), i, "Ada <a@b>")
    running, intake = collector(ConfigDirectory(path=repository, every_s=1))
    until(lambda: len(intake.rows("changes")) == 3)
    running.stop()
    again, other = collector(ConfigDirectory(path=repository, every_s=1))
    until(lambda: other.sources() and other.sources()[0].received)
    assert other.rows("changes") == []
    commit(git, repository, FRR.format("r1", "hunter1111", 42), 9, "Ada <a@b>")
    until(lambda: other.rows("changes"))
    assert len(again.history.versions("r1")) == 5


def test_a_rewritten_history_is_one_change(tmp_path, git, collector):
    repository = tmp_path / "work"
    git(tmp_path, "init", "-q", str(repository))
    for i in range(3):
        commit(git, repository, FRR.format("r1", "hunter1111", 1500 + i), i, "Ada <a@b>")
    _, intake = collector(ConfigDirectory(path=repository, every_s=1))
    until(lambda: len(intake.rows("changes")) == 2)
    git(repository, "checkout", "-q", "--orphan", "fresh")
    commit(git, repository, FRR.format("r1", "hunter1111", 7), 10, "Ada <a@b>")
    git(repository, "reflog", "expire", "--expire=now", "--all")
    git(repository, "branch", "-q", "-D", "master" if "master" in git(repository, "branch") else "main")
    git(repository, "gc", "-q", "--prune=now")
    until(lambda: len(intake.rows("changes")) == 3)
    commit(git, repository, FRR.format("r1", "hunter1111", 8), 11, "Ada <a@b>")  # another look, and no change more
    until(lambda: len(intake.rows("changes")) > 3)
    assert "- mtu 7\n+ mtu 8" in intake.rows("changes")[3]["detail"]


def test_nothing_that_a_repository_configures_is_run(tmp_path, git, collector):
    repository = tmp_path / "work"
    git(tmp_path, "init", "-q", str(repository))
    proof = tmp_path / "proof"
    script = tmp_path / "script.sh"
    script.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "diff.external", "diff.x.textconv", "filter.x.smudge", "gpg.program",
                "core.sshCommand", "core.alternateRefsCommand"):  # fmt: skip
        git(repository, "config", key, str(script))
    git(repository, "config", "log.showSignature", "true")
    (repository / ".gitattributes").write_text("* diff=x filter=x\n")
    git(repository, "-c", "core.fsmonitor=false", "-c", "filter.x.smudge=cat", "add", ".gitattributes")
    commit_safely = ["-c", "core.fsmonitor=false", "-c", "filter.x.smudge=cat", "-c", "commit.gpgsign=false"]
    for i in range(2):
        (repository / "r1.cfg").write_text(FRR.format("r1", "x", 1500 + i))
        git(repository, *commit_safely, "add", "r1.cfg")
        git(repository, *commit_safely, "commit", "-q", "-m", "x", date=1_790_000_000 + i)
    proof.unlink(missing_ok=True)
    _, intake = collector(ConfigDirectory(path=repository, every_s=1))
    until(lambda: intake.rows("changes"))
    assert not proof.exists()


def test_a_full_intake_delays_the_change_and_loses_none(tmp_path, collector):
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "r1.cfg").write_text(FRR.format("r1", "x", 1500))
    running, intake = collector(ConfigDirectory(path=folder, every_s=1))
    until(lambda: running.history.versions("r1"))
    intake.full = True
    (folder / "r1.cfg").write_text(FRR.format("r1", "x", 9000))
    until(lambda: len(running.history.versions("r1")) == 2)
    until(lambda: intake.errors().get("refused"))
    intake.full = False
    (folder / "r1.cfg").write_text(FRR.format("r1", "x", 9100))
    until(lambda: len(intake.rows("changes")) == 2)


def test_nothing_configured_starts_nothing(tmp_path):
    collector = ConfigCollector(ConfigsConfig(), FakeIntake(), FakeFacts(), tmp_path)
    collector.start()
    collector.stop()
    assert not collector.request("10.0.0.1")
    assert list(tmp_path.iterdir()) == []
