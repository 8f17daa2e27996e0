"""All settings in one typed tree, from ``weft.yaml`` and the environment.

Comes in: a YAML file and ``WEFT_*`` variables. Goes out: one frozen ``Settings``. Each package declares its own section
(``weft/<package>/config.py``); unknown keys are rejected, and an error names the path, the line and the fix. Must never
touch anything but the file it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field, SecretStr

from weft.api.config import ApiConfig
from weft.collect.agent.config import AgentConfig
from weft.collect.business.config import BusinessConfig
from weft.collect.cloud.config import CloudConfig
from weft.collect.config import CollectConfig
from weft.collect.configs.config import ConfigsConfig
from weft.collect.gnmi.config import GnmiConfig
from weft.collect.inventory.config import InventoryConfig
from weft.collect.push.config import PushConfig
from weft.collect.routing.config import RoutingConfig
from weft.collect.snmp.config import SnmpConfig
from weft.collect.synthetics.config import SyntheticsConfig
from weft.collect.syslog.config import SyslogConfig
from weft.component import Config
from weft.configfile import load
from weft.detect.config import DetectConfig
from weft.detect.notify.config import NotifyConfig
from weft.enrich.config import EnrichConfig
from weft.logs import LogConfig
from weft.query.config import QueryConfig
from weft.store.config import StoreConfig
from weft.twin.config import DemoConfig


class Settings(Config):
    """Everything that can be set."""

    data_dir: Path = Path("data")
    """Where Weft keeps what it stores: telemetry, state, spool. One process owns it at a time. ``WEFT_DATA_DIR``
    overrides it."""
    log: LogConfig = Field(default_factory=LogConfig)
    """What Weft says about itself."""
    collect: CollectConfig = Field(default_factory=CollectConfig)
    """Receiving telemetry."""
    snmp: SnmpConfig = Field(default_factory=SnmpConfig)
    """SNMP: polling devices, finding them, receiving their traps."""
    gnmi: GnmiConfig = Field(default_factory=GnmiConfig)
    """Streaming telemetry from devices, by gNMI."""
    inventory: InventoryConfig = Field(default_factory=InventoryConfig)
    """What the network is made of: files, NetBox, what is discovered, and whose word counts."""
    enrich: EnrichConfig = Field(default_factory=EnrichConfig)
    """What is added to it: AS, site, service, customer, application."""
    push: PushConfig = Field(default_factory=PushConfig)
    """Metrics, logs and changes that others push to the API."""
    agent: AgentConfig = Field(default_factory=AgentConfig)
    """An agent that runs synthetic tests (``weft agent``): a process of its own, wherever tests are to start from."""
    business: BusinessConfig = Field(default_factory=BusinessConfig)
    """Business series: files, Prometheus, databases."""
    syslog: SyslogConfig = Field(default_factory=SyslogConfig)
    """Receiving log messages."""
    routing: RoutingConfig = Field(default_factory=RoutingConfig)
    """BGP routes that routers tell of, and what RPKI says of them."""
    cloud: CloudConfig = Field(default_factory=CloudConfig)
    """Flow logs of clouds, and what is in them."""
    configs: ConfigsConfig = Field(default_factory=ConfigsConfig)
    """Configurations of devices and their changes."""
    synthetics: SyntheticsConfig = Field(default_factory=SyntheticsConfig)
    """Agents that test the network, and what they test."""
    store: StoreConfig = Field(default_factory=StoreConfig)
    """Where telemetry and state are kept."""
    query: QueryConfig = Field(default_factory=QueryConfig)
    """Bounds of one question."""
    detect: DetectConfig = Field(default_factory=DetectConfig)
    """Finding what is wrong."""
    notify: NotifyConfig = Field(default_factory=NotifyConfig)
    """Who is told of what was found."""
    api: ApiConfig = Field(default_factory=ApiConfig)
    """The API and the web UI."""
    demo: DemoConfig = Field(default_factory=DemoConfig)
    """The traffic of ``weft demo``."""


def load_settings(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings: defaults, then the file, then the environment.

    The file is ``path``, else ``WEFT_CONFIG``, else ``./weft.yaml`` where there is one. Raises ``ConfigError``.
    """
    settings = load(Settings, path, environment)
    if settings.store.data_dir is None:
        store = settings.store.model_copy(update={"data_dir": settings.data_dir})
        return settings.model_copy(update={"store": store})
    return settings


def dump_settings(settings: Settings) -> str:
    """The effective settings as YAML, secrets and passwords in URLs masked."""
    return yaml.safe_dump(plain(settings.model_dump(mode="python")), sort_keys=False, allow_unicode=True)


def plain(value: Any, key: str = "") -> Any:
    """A setting's value as YAML can hold it; secrets, and passwords in URLs, masked."""
    match value:
        case dict():
            return {str(k): plain(v, str(k)) for k, v in value.items()}
        case BaseModel():
            return plain(value.model_dump(mode="python"), key)
        case list() | tuple() | set() | frozenset():
            return [plain(v, key) for v in value]
        case SecretStr():
            return str(value)
        case str() if "://" in value and "@" in value:
            scheme, _, rest = value.partition("://")
            user, _, place = rest.rpartition("@")
            return f"{scheme}://{user.partition(':')[0]}:***@{place}"
        case bool() | int() | float() | str() | None:
            return value
        case _:
            return str(value)
