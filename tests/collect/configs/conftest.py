import contextlib

import pytest
from tests.collect.intake.fakes import FakeFacts, FakeIntake

from weft.collect.configs import ConfigCollector, ConfigsConfig


@pytest.fixture
def collecting(tmp_path):
    """Start a collector with these settings, stopped at the end; answers it with its intake."""
    with contextlib.ExitStack() as stack:

        def start(facts=None, **settings):
            intake = FakeIntake()
            one = ConfigCollector(
                ConfigsConfig.model_validate(settings), intake, facts or FakeFacts(), tmp_path / "data"
            )
            one.start()
            stack.callback(one.stop)
            return one, intake

        yield start
