"""Settings of the server's side of synthetic tests (section ``synthetics`` of ``weft.yaml``)."""

from __future__ import annotations

from pydantic import Field, model_validator

from weft.collect.synthetics.checks import check_test
from weft.component import Config
from weft.model.synthetics import SyntheticTest
from weft.secret import Secret


class ConfiguredTest(SyntheticTest):
    """A test that is written in ``weft.yaml``; it is shown in the UI and cannot be changed there."""

    secret_headers: dict[str, Secret] = Field(default_factory=dict)
    """HTTP headers that hold credentials. They are told to the agents that run the test and to nobody else."""

    @model_validator(mode="after")
    def _sound(self) -> ConfiguredTest:
        check_test(self)
        return self

    def revealed(self) -> SyntheticTest:
        """As agents are told of it. Raises ``ConfigError`` where a secret cannot be read."""
        plain = {name: getattr(self, name) for name in SyntheticTest.model_fields}
        headers = {name: secret.reveal() for name, secret in self.secret_headers.items()}
        return SyntheticTest.model_construct(**plain | {"headers": plain["headers"] | headers})


class SyntheticsConfig(Config):
    """Agents that test the network (``weft agent``), and what they test."""

    enabled: bool = True
    """Whether agents may register and send results."""
    token: Secret | None = None
    """What an agent must know to register, 16 characters or more. Without it agents register with an API token of the
    role sender; those are taken beside it, too."""
    tests: tuple[ConfiguredTest, ...] = ()
    """Tests, beside those that people define in the UI."""
    ask_every_s: float = Field(default=30.0, ge=1, le=3600)
    """How often agents ask for their tests, seconds: a changed test is run as changed after this long at most."""
    most_agents: int = Field(default=1000, ge=1, le=20_000)
    """Agents that may be registered at a time."""
    most_tests: int = Field(default=2000, ge=1, le=20_000)
    """Tests that may be defined at a time."""
    gone_after_days: float = Field(default=7, gt=0)
    """An agent that was not heard for so long is no longer an end of meshes."""
    max_body_bytes: int = Field(default=4 << 20, ge=1024, le=1 << 28)
    """Largest report of results, bytes as they arrive."""
    max_decoded_bytes: int = Field(default=32 << 20, ge=1024, le=1 << 29)
    """Largest report of results, bytes when decompressed."""
    most_rows: int = Field(default=100_000, ge=100, le=10_000_000)
    """Most rows of one report; those beyond are refused."""
    clock_tolerance_s: float = Field(default=30.0, ge=1)
    """The times of an agent whose clock is further off than this are corrected by the difference, and that is shown."""
