"""What tests of subscriptions need: a target, its tree, a subscriber to it."""

from contextlib import contextmanager

from tests.collect.intake.fakes import FakeFacts, FakeIntake

from weft.collect.gnmi import GnmiConfig, GnmiSubscriber
from weft.twin.agents.gnmi import GnmiTarget


class Tree:
    """A device's tree that a test changes as it goes."""

    def __init__(self, **leaves):
        self.leaves = dict(leaves)

    def __call__(self):
        return dict(self.leaves)


PORT = "/interfaces/interface[name=Ethernet1]/state"


def small_tree():
    tree = Tree()
    tree.leaves = {
        f"{PORT}/counters/in-octets": 1 << 40, f"{PORT}/counters/out-octets": 7, f"{PORT}/oper-status": "UP",
        f"{PORT}/description": "to spine", f"{PORT}/ifindex": 11, "/system/state/hostname": "leaf1",
    }  # fmt: skip
    return tree


@contextmanager
def serving(tree, **options):
    target = GnmiTarget(tree, **options)
    target.start()
    try:
        yield target
    finally:
        target.stop()


@contextmanager
def subscribed(target, facts=None, section=None, **settings):
    """A subscriber to one target; gives its intake."""
    settings.setdefault("address", f"127.0.0.1:{target.port}")
    if "tls" not in settings:
        settings.setdefault("plaintext", True)
    settings = {"interval_s": 0.2, "retry_s": 0.05, "timeout_s": 5, "name": "leaf1", **settings}
    if "presets" not in settings and "subscriptions" not in settings:
        settings["subscriptions"] = [{"path": "/interfaces/interface/state"}]
        settings["presets"] = []
    settings.setdefault("presets", [])
    intake = FakeIntake()
    config = GnmiConfig.model_validate({"targets": [settings], **(section or {})})
    subscriber = GnmiSubscriber(config, intake, facts or FakeFacts())
    subscriber.start()
    try:
        yield intake
    finally:
        intake.gate.set()
        subscriber.stop()
