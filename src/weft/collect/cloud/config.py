"""Settings of cloud flow logs and cloud inventory (section ``cloud`` of ``weft.yaml``)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from weft.component import Config
from weft.secret import Secret


class BucketConfig(Config):
    """Where files are, and how to get at them.

    Without credentials the provider's own way is taken: environment, profile, instance role, workload identity.
    """

    name: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_. -]*$")
    """What it is called on the Sources page."""
    path: str = Field(min_length=1, max_length=1000)
    """A directory, or ``s3://bucket/prefix``, ``gs://bucket/prefix``, ``abfs://container/prefix``. ``*`` stands for one
    folder; ``%Y``, ``%m``, ``%d`` and ``%H`` for the days (hours) within ``lookback_days``, so that a large bucket is
    not listed as a whole."""
    interval_seconds: float = Field(default=60.0, ge=1, le=86_400)
    """How often to look for new files."""
    region: str = ""
    """S3: the bucket's region; empty = found out."""
    endpoint: str = ""
    """Another server that speaks the provider's protocol: ``https://minio.example.com:9000``."""
    anonymous: bool = False
    """Whether to ask without credentials."""
    access_key: str = ""
    """S3: access key id."""
    secret_key: Secret | None = None
    """S3: its secret."""
    session_token: Secret | None = None
    """S3: token of temporary credentials."""
    role_arn: str = ""
    """S3: role to assume."""
    storage_account: str = ""
    """Azure: name of the storage account."""
    account_key: Secret | None = None
    """Azure: its key."""
    sas_token: Secret | None = None
    """Azure: a shared access signature."""

    @field_validator("path")
    @classmethod
    def _plain(cls, path: str) -> str:
        parts = urlsplit(path) if "://" in path else None
        if parts is not None and (parts.password or parts.query or parts.fragment):
            raise ValueError("holds more than a scheme, a bucket and a prefix; credentials have settings of their own")
        return path

    @field_validator("endpoint")
    @classmethod
    def _url(cls, endpoint: str) -> str:
        if endpoint:
            parts = urlsplit(endpoint)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
                raise ValueError("not a URL: write it like https://minio.example.com:9000")
        return endpoint.rstrip("/")

    @model_validator(mode="after")
    def _whole(self) -> BucketConfig:
        if bool(self.access_key) != (self.secret_key is not None):
            raise ValueError("`access_key` and `secret_key` come together")
        if self.account_key is not None and self.sas_token is not None:
            raise ValueError("`account_key` or `sas_token`, not both")
        return self


class CloudLogsConfig(BucketConfig):
    """Flow logs of one kind in a directory or bucket."""

    format: Literal["auto", "aws", "azure", "gcp", "oci"] = "auto"
    """Whose flow logs they are; ``auto`` finds out by each file."""
    fields: str = Field(default="", max_length=2000)
    """AWS: the fields of files whose first line does not name them, as in ``${version} ${account-id} …``."""
    sampling_rate: int = Field(default=0, ge=0, le=1 << 24)
    """One in how many records was logged, where neither log nor inventory says so: 2 for GCP's flow sampling of 0.5."""
    lookback_days: float = Field(default=2.0, gt=0, le=400)
    """Files that changed longer ago are not read; ``weft import cloud`` reads any."""
    settle_seconds: float = Field(default=10.0, ge=0, le=3600)
    """A file in a directory is left alone for so long after its last change: whoever writes it may not be done."""
    max_files: int = Field(default=200_000, ge=1, le=5_000_000)
    """Most files to list at once; with more, the newest are read, and that is reported."""


class CloudInventoryConfig(BucketConfig):
    """JSON files that the providers' CLIs wrote (``aws ec2 describe-vpcs`` …): see docs/cloud.md."""

    interval_seconds: float = Field(default=300.0, ge=1, le=86_400)
    """How often to look whether a file changed."""


class CloudConfig(Config):
    """Flow logs of AWS, Azure, GCP and OCI, and what is in those clouds."""

    logs: tuple[CloudLogsConfig, ...] = ()
    """Flow logs to read."""
    inventory: tuple[CloudInventoryConfig, ...] = ()
    """Files that say what is in the clouds."""
    ledger: Path | None = None
    """File that remembers which files were read; none = ``cloud/files.db`` in the data directory."""

    @model_validator(mode="after")
    def _names(self) -> CloudConfig:
        for kind in (self.logs, self.inventory):
            names = [one.name for one in kind]
            if len(set(names)) != len(names):
                raise ValueError("two sources have the same name")
        return self

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.logs or self.inventory)
