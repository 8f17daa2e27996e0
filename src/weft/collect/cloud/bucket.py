"""Files in a directory or an object store, whichever: listed, and read from any offset.

Directories, S3, GCS and Azure are read by drivers that come with Arrow; every other scheme by fsspec, where its driver
is installed. Complaints never hold a credential.
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from weft.collect.cloud.config import BucketConfig
from weft.errors import InvalidInput, NotAllowed, Unavailable, WeftError
from weft.secret import SecretSource

_LEFT_OUT = re.compile(r"(^|/)[._][^/]*$|\.(tmp|part|crc|swp)$|/AWSLogs/ObjectName$")
_CODE = re.compile(r"%[YmdH]")
_SECRET_QUERY = re.compile(r"\?[^\s'\"]*")
_MOST_FOLDERS = 20_000
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as it is now. ``location`` names it wherever it is listed from."""

    location: str
    path: str
    size: int
    mtime_ns: int  # 0 = the store does not tell


class Bucket:
    """One configured place. Opened by its first use; not for several threads at once."""

    def __init__(self, config: BucketConfig) -> None:
        self._config = config
        self._opened: tuple[Any, str, str] | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is a directory of this machine."""
        return "://" not in self._config.path or self._config.path.startswith("file://")

    def files(self, now_s: float, lookback_days: float, most: int) -> tuple[list[Listed], bool]:
        """Files that may be read, newest first, and whether there are more. Raises ``WeftError``.

        A ``lookback_days`` without end is for files of any age: whatever folders of days there are.
        """
        found: dict[str, Listed] = {}
        more = False
        for root in self._roots(now_s, lookback_days):
            for one in self._below(root):
                found[one.location] = one
        listed = sorted(found.values(), key=lambda one: (-one.mtime_ns, one.location))
        if len(listed) > most:
            listed, more = listed[:most], True
        return listed, more

    def open(self, path: str) -> Any:
        """A file to be read at random. Raises ``WeftError``."""
        fs, _, _ = self._open()
        try:
            return fs.open_input_file(path)
        except (OSError, pa.ArrowException) as error:
            raise self._explained(error) from None

    def explained(self, error: Exception) -> WeftError:
        """What went wrong while a file was read."""
        return self._explained(error)

    def _open(self) -> tuple[Any, str, str]:
        """The driver, the path within it, and what stands before paths to make them locations."""
        if self._opened is None:
            try:
                self._opened = _driver(self._config)
            except (OSError, ValueError, pa.ArrowException, ImportError) as error:
                raise self._explained(error) from None
        return self._opened

    def _roots(self, now_s: float, lookback_days: float) -> list[str]:
        _, pattern, _ = self._open()
        code = _CODE.search(pattern)
        if code is None or math.isinf(lookback_days):
            return list(self._expanded(_CODE.sub("*", pattern)))
        # Folders above the days are found once, not once a day.
        cut = pattern.rfind("/", 0, code.start())
        above, below = pattern[:cut], pattern[cut:]
        step = timedelta(hours=1) if "%H" in below else timedelta(days=1)
        now, at = datetime.fromtimestamp(now_s, UTC), datetime.fromtimestamp(now_s - lookback_days * 86_400, UTC)
        days: dict[str, None] = {}
        while at < now + step:
            days[at.strftime(below)] = None
            at += step
        return [root for head in self._expanded(above) for day in days for root in self._expanded(head + day)]

    def _expanded(self, pattern: str) -> Iterator[str]:
        """Folders that a pattern with ``*`` stands for."""
        head, star, tail = pattern.partition("*")
        if not star:
            yield pattern
            return
        base, _, before = head.rpartition("/")
        after, _, rest = tail.partition("/")
        wanted = f"{before}*{after}"
        count = 0
        for info in self._select(base, recursive=False):
            if info.type.name == "Directory" and fnmatch.fnmatchcase(info.base_name, wanted):
                count += 1
                if count > _MOST_FOLDERS:
                    raise InvalidInput(f"has more than {_MOST_FOLDERS} folders", where=self._config.name)
                yield from self._expanded(f"{base}/{info.base_name}" + (f"/{rest}" if rest else ""))

    def _below(self, root: str) -> Iterator[Listed]:
        _, _, prefix = self._open()
        for info in self._select(root, recursive=True):
            if info.type.name != "File" or not info.size or _LEFT_OUT.search(info.path):
                continue
            yield Listed(prefix + info.path, info.path, int(info.size), int(info.mtime_ns or 0))

    def _select(self, base: str, *, recursive: bool) -> Sequence[Any]:
        from pyarrow.fs import FileSelector

        fs, _, _ = self._open()
        try:
            only = fs.get_file_info(base) if recursive else None
            if only is not None and only.type.name == "File":
                return [only]
            return list(fs.get_file_info(FileSelector(base, recursive=recursive, allow_not_found=True)))
        except (OSError, pa.ArrowException) as error:
            raise self._explained(error) from None

    def _explained(self, error: Exception) -> WeftError:
        text = _SECRET_QUERY.sub("?…", str(error).split("\n")[0])
        for secret in _secrets(self._config):
            text = text.replace(secret, "…")
        text = text[:300]
        if isinstance(error, ImportError) or "Protocol not known" in text:
            return InvalidInput("no driver for this scheme is installed", where=self._config.path)
        if re.search(r"ACCESS_DENIED|Forbidden|AuthorizationFailure|\b40[13]\b|Permission denied", text, re.IGNORECASE):
            return NotAllowed(text, where=self._config.name)
        return Unavailable(text, where=self._config.name)


def _secrets(config: BucketConfig) -> list[str]:
    found = []
    for source in (config.secret_key, config.session_token, config.account_key, config.sas_token):
        try:
            found += [source.reveal()] if source is not None else []
        except WeftError:
            continue
    return [text for text in found if len(text) > 3]


def _revealed(source: SecretSource | None) -> str | None:
    return None if source is None else source.reveal()


def _driver(config: BucketConfig) -> tuple[Any, str, str]:
    from pyarrow import fs

    scheme, separator, rest = config.path.partition("://")
    if not separator or scheme == "file":
        path = str(Path(rest if separator else config.path).expanduser().absolute())
        return fs.LocalFileSystem(), path, "file:"
    rest = rest.rstrip("/")
    if scheme in {"s3", "s3a"}:
        return _s3(config, rest), rest, "s3:"
    if scheme in {"gs", "gcs"}:
        endpoint = urlsplit(config.endpoint)
        own: dict[str, Any] = (
            {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme} if config.endpoint else {}
        )
        wait = timedelta(seconds=_TIMEOUT_S)
        return fs.GcsFileSystem(anonymous=config.anonymous, retry_time_limit=wait, **own), rest, "gs:"
    if scheme in {"abfs", "abfss", "az"}:
        return _azure(config, rest)
    import fsspec  # type: ignore[import-untyped]

    other = fsspec.filesystem(scheme)
    handler: Any = fs.FSSpecHandler  # its stubs call it abstract
    return fs.PyFileSystem(handler(other)), rest, f"{scheme}:"


def _s3(config: BucketConfig, path: str) -> Any:
    from pyarrow import fs

    own: dict[str, Any] = {"connect_timeout": _TIMEOUT_S, "request_timeout": _TIMEOUT_S}
    if config.endpoint:
        parts = urlsplit(config.endpoint)
        own |= {"endpoint_override": parts.netloc, "scheme": parts.scheme}
    region = config.region or ("us-east-1" if config.endpoint else fs.resolve_s3_region(path.split("/")[0]))
    if config.access_key:
        own |= {"access_key": config.access_key, "secret_key": _revealed(config.secret_key),
                "session_token": _revealed(config.session_token)}  # fmt: skip
    elif config.role_arn:
        own |= {"role_arn": config.role_arn}
    return fs.S3FileSystem(anonymous=config.anonymous, region=region, **own)


def _azure(config: BucketConfig, path: str) -> tuple[Any, str, str]:
    from pyarrow import fs

    container, _, below = path.partition("/")
    container, _, host = container.partition("@")  # container@account.dfs.core.windows.net, as Hadoop writes it
    account = config.storage_account or host.partition(".")[0]
    if not account:
        raise ValueError("needs storage_account")
    own: dict[str, Any] = {}
    if config.endpoint:
        parts = urlsplit(config.endpoint)
        own = {"blob_storage_authority": parts.netloc, "blob_storage_scheme": parts.scheme,
               "dfs_storage_authority": parts.netloc, "dfs_storage_scheme": parts.scheme}  # fmt: skip
    driver = fs.AzureFileSystem(
        account, account_key=_revealed(config.account_key), sas_token=_revealed(config.sas_token), **own
    )
    return driver, f"{container}/{below}" if below else container, f"abfs:{account}/"
