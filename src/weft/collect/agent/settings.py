"""The settings that an agent needs, read without those of the server's parts: its process stays small."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict, Field

from weft.collect.agent.config import AgentConfig
from weft.component import Config
from weft.logs import LogConfig


class AgentSettings(Config):
    """The sections of ``weft.yaml`` that count for an agent; the others are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    data_dir: Path = Path("data")
    """Where it keeps its key, and results while the server is away: in ``agent/`` below."""
    log: LogConfig = Field(default_factory=LogConfig)
    """What it says about itself."""
    agent: AgentConfig = Field(default_factory=AgentConfig)
    """The agent."""

    @property
    def directory(self) -> Path:
        """What belongs to the agent alone."""
        return self.data_dir / "agent"
