"""Settings of the collection of configurations (section ``configs`` of ``weft.yaml``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from weft.component import Config
from weft.secret import Secret


class ConfigLogin(Config):
    """How to log in to devices. A user that may only show the configuration is enough."""

    username: str = Field(min_length=1)
    """Name of the user."""
    password: Secret | None = None
    """Password; a text, ``{file: …}`` or ``{env: …}``."""
    key: Secret | None = None
    """Private key in OpenSSH or PEM format, best as ``{file: …}``."""
    passphrase: Secret | None = None
    """Passphrase of the key."""
    enable: Secret | None = None
    """Enable password, where the configuration is shown to privileged users only."""


class ConfigDevice(Config):
    """A device to fetch the configuration of."""

    address: str = Field(min_length=1, max_length=255)
    """Address or name to connect to."""
    name: str = Field(default="", max_length=255)
    """What the device is called; empty = as the inventory calls it, or its address."""
    platform: str
    """Its operating system, e.g. ``ios``, ``junos``; docs/configs.md lists them."""
    port: int = Field(default=22, ge=1, le=65535)
    """TCP port of its SSH server."""
    login: str = "default"
    """Which of ``configs.logins`` to use."""
    every_s: float | None = Field(default=None, ge=30)
    """How often, seconds; none = ``configs.every_s``."""


class ConfigDirectory(Config):
    """A directory that other tools (Oxidized, RANCID, CI) keep configurations in.

    Its git history is read where it has one.
    """

    path: Path
    """The directory, or a bare git repository."""
    files: str = "**/*"
    """Which files, as a pattern below ``path``; hidden ones never."""
    device: str = r"(?:.*/)?(?P<device>[^/]+?)(?:\.(?:cfg|conf|config|txt|json|rsc|set|xml))?"
    """Regular expression for the file's path within the directory; its group ``device`` names the device."""
    platform: str = ""
    """Operating system of the devices; empty = told by what the file looks like."""
    every_s: float = Field(default=60.0, ge=1)
    """How often to look, seconds."""
    branch: str = Field(default="HEAD", pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
    """Branch of a git repository."""
    commits: int = Field(default=100, ge=1, le=10_000)
    """How many commits back to read when a repository is seen for the first time."""

    @field_validator("device")
    @classmethod
    def _names_device(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        if "device" not in groups:
            raise ValueError("must have a group (?P<device>…)")
        return pattern


class ConfigsConfig(Config):
    """Whose configurations are collected, how, and how many versions are kept."""

    devices: tuple[ConfigDevice, ...] = ()
    """Devices to fetch from over SSH."""
    tags: tuple[str, ...] = ()
    """Devices of the inventory with one of these tags are fetched from too; their ``platform`` or ``os`` tells how."""
    tags_login: str = "default"
    """Which of ``configs.logins`` to use for those."""
    logins: dict[str, ConfigLogin] = Field(default_factory=dict)
    """Ways to log in, by name."""
    directories: tuple[ConfigDirectory, ...] = ()
    """Directories that other tools keep configurations in."""
    every_s: float = Field(default=3600.0, ge=30)
    """How often to fetch from a device, seconds. A commit that its log tells of is fetched at once."""
    settle_s: float = Field(default=5.0, ge=0, le=600)
    """How long to wait after a log message about a commit before fetching, so that a burst is one change, seconds."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Devices that are fetched from at a time."""
    timeout_s: float = Field(default=60.0, gt=0, le=3600)
    """Longest time that one device may take, seconds."""
    known_hosts: Path | None = None
    """OpenSSH ``known_hosts`` file with the devices' keys; none = ``configs/known_hosts`` in the data directory."""
    trust_first_use: bool = False
    """Whether the key of a device that is not in ``known_hosts`` is believed the first time, and remembered there.
    A key that changed is never believed."""
    legacy_algorithms: bool = False
    """Whether old devices may use SHA-1 key exchange, ``ssh-rsa`` and CBC ciphers."""
    keep_versions: int = Field(default=500, ge=2, le=100_000)
    """Versions kept of each device."""
    most_bytes: int = Field(default=16 << 20, ge=1024, le=1 << 30)
    """Largest configuration, bytes."""
    platforms: tuple[Path, ...] = ()
    """Files that add platforms, or change those that come with Weft. See docs/configs.md."""

    @model_validator(mode="after")
    def _logins_exist(self) -> Self:
        wanted = {device.login for device in self.devices} | ({self.tags_login} if self.tags else set())
        if missing := sorted(wanted - self.logins.keys()):
            raise ValueError(f"there is no login {missing[0]!r}; add it to configs.logins")
        return self

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.devices or self.tags or self.directories)
