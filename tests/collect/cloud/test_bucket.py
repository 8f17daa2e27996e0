"""Directories, buckets and other file systems: listed, read, and complained of without credentials."""

from __future__ import annotations

import gzip
import math
import os
import time
from pathlib import Path

import fsspec
import pytest
from pydantic import ValidationError
from tests.collect.cloud.logs import OnceIntake, many

from doubles.object_store import ObjectStore
from weft.collect.cloud.bucket import Bucket
from weft.collect.cloud.config import BucketConfig, CloudConfig, CloudLogsConfig
from weft.collect.cloud.ledger import FileLedger
from weft.collect.cloud.place import Placer
from weft.collect.cloud.reader import LogReader
from weft.collect.intake.book import SourceBook
from weft.errors import InvalidInput, NotAllowed, Unavailable

NOW = 1_767_312_000.0  # 2026-01-02


def read(tmp_path: Path, intake: OnceIntake, **settings: object) -> SourceBook:
    book, ledger = SourceBook("cloud", "x"), FileLedger(tmp_path / "files.db")
    ledger.open()
    config = CloudLogsConfig.model_validate({"name": "x", "lookback_days": 400} | settings)
    LogReader(config, ledger, intake, Placer(), book).look()
    ledger.close()
    return book


def test_s3_through_its_own_protocol(tmp_path: Path) -> None:
    """Arrow's driver against a server that speaks S3: list, read in ranges, know again."""
    with ObjectStore() as store:
        day = time.strftime("%Y/%m/%d", time.gmtime())
        base = "logs/AWSLogs/111122223333/vpcflowlogs/eu-central-1"
        store.objects = {
            f"{base}/{day}/a.log.gz": gzip.compress(many(5)),
            f"{base}/2020/01/01/old.log.gz": gzip.compress(many(9, 50)),
            "logs/other/thing.txt": b"not a log", "logs2/x.log": many(3, 90),
        }  # fmt: skip
        settings = {
            "path": "s3://logs/AWSLogs/*/vpcflowlogs/*/%Y/%m/%d", "endpoint": store.url, "access_key": "key",
            "secret_key": "very-secret-thing", "lookback_days": 2,
        }  # fmt: skip
        intake = OnceIntake()
        assert read(tmp_path, intake, **settings, format="aws").status().errors == {}
        read(tmp_path, intake, **settings)
        assert [row["bytes"] for row in intake.rows] == [1, 2, 3, 4, 5]
        assert intake.rows[0]["account"] == "123456789010"
        assert not any("old.log" in path for path in store.requests)
        store.denied = True
        with pytest.raises(NotAllowed) as error:
            read(tmp_path, intake, **settings)
        assert "very-secret-thing" not in error.value.message


def test_files_of_any_age_are_looked_for_where_there_are_folders(tmp_path: Path) -> None:
    """Not by asking for each day there ever was."""
    with ObjectStore() as store:
        store.objects = {"logs/a/2019/12/31/x.log": many(2), "logs/a/2026/01/02/y.log": many(3, 50)}
        config = BucketConfig(name="x", path="s3://logs/*/%Y/%m/%d", endpoint=store.url, anonymous=True)
        found, _ = Bucket(config).files(NOW, math.inf, 100)
        assert sorted(one.path for one in found) == ["logs/a/2019/12/31/x.log", "logs/a/2026/01/02/y.log"]
        assert len(store.requests) < 30


def test_a_server_that_is_away(tmp_path: Path) -> None:
    with ObjectStore() as store:
        url = store.url
    with pytest.raises(Unavailable):
        read(tmp_path, OnceIntake(), path="s3://logs/x", endpoint=url, anonymous=True)


def test_other_file_systems_through_fsspec(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/cloud-test/a.log", many(4))
    intake = OnceIntake()
    try:
        read(tmp_path, intake, path="memory://cloud-test")
        read(tmp_path, intake, path="memory://cloud-test")
        memory.pipe("/cloud-test/a.log", many(6))
        read(tmp_path, intake, path="memory://cloud-test")
    finally:
        memory.rm("/cloud-test", recursive=True)
    assert [row["bytes"] for row in intake.rows] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(InvalidInput):
        read(tmp_path, intake, path="nosuchscheme://x/y")


def test_days_hours_and_folders_in_a_path(tmp_path: Path) -> None:
    for day in ("2025/12/30", "2025/12/31", "2026/01/01", "2026/01/02"):
        for region in ("a", "b"):
            folder = tmp_path / region / day
            folder.mkdir(parents=True)
            (folder / "x.log").write_bytes(b"x")
    bucket = Bucket(BucketConfig(name="x", path=f"{tmp_path}/*/%Y/%m/%d"))
    found, more = bucket.files(NOW + 3600, 2.0, 100)
    assert sorted(one.path.removeprefix(f"{tmp_path}/") for one in found) == [
        f"{region}/{day}/x.log" for region in ("a", "b") for day in ("2025/12/31", "2026/01/01", "2026/01/02")
    ]
    assert not more
    assert len(bucket.files(NOW, math.inf, 100)[0]) == 8
    assert len(Bucket(BucketConfig(name="x", path=f"{tmp_path}/a")).files(NOW, 2.0, 100)[0]) == 4
    assert Bucket(BucketConfig(name="x", path=f"{tmp_path}/nothing")).files(NOW, 2.0, 100) == ([], False)
    newest = tmp_path / "a" / "2026" / "01" / "02" / "x.log"
    os.utime(newest, (4e9, 4e9))
    found, more = bucket.files(NOW, 2.0, 2)
    assert more
    assert found[0].path == str(newest)


def test_settings_that_cannot_be() -> None:
    for wrong in (
        {"path": "s3://key:secret@bucket/x"}, {"path": "s3://bucket/x?token=1"}, {"access_key": "only"},
        {"endpoint": "ftp://x"}, {"account_key": "a", "sas_token": "b"}, {"colour": "red"},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            BucketConfig.model_validate({"name": "x", "path": "/x"} | wrong)
    one = {"name": "x", "path": "/x"}
    with pytest.raises(ValidationError, match="same name"):
        CloudConfig.model_validate({"logs": [one, one]})
    assert "hidden" not in repr(
        CloudConfig.model_validate({"logs": [one | {"access_key": "k", "secret_key": "hidden"}]})
    )
