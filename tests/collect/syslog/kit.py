"""A receiver on loopback, and certificates for both ends."""

from __future__ import annotations

from contextlib import contextmanager

from tests.certificates import authority, certificate
from tests.collect.intake.fakes import FakeIntake

from weft.collect.syslog import SyslogServer
from weft.collect.syslog.config import SyslogConfig


@contextmanager
def serving(listeners=({"protocol": "udp"},), data_dir=None, intake=None, **settings):
    """A receiver on loopback with free ports: the server and what it gave."""
    intake = intake or FakeIntake()
    given = [{"address": "127.0.0.1", "port": 0, **one} for one in listeners]
    server = SyslogServer(SyslogConfig(listeners=given, **settings), intake, data_dir=data_dir)
    server.start()
    try:
        yield server, intake
    finally:
        server.stop()


def certificates(folder):
    """An authority, a certificate of 127.0.0.1 and one of a client: paths of (ca, server, key, client, client key)."""
    issuer = authority()
    server, client = (certificate(issuer, one, ["localhost", "127.0.0.1"]) for one in ("server", "client"))
    paths = [folder / part for part in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key")]
    for path, content in zip(paths, [issuer.pem, *server, *client], strict=True):
        path.write_bytes(content)
        path.chmod(0o600)
    return paths
