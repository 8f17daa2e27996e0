"""An intake that remembers, certificates made on the spot, waiting."""

from __future__ import annotations

import datetime
import ipaddress
import threading
import time
from contextlib import contextmanager

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from weft.collect.intake.book import SourceBook
from weft.collect.syslog import SyslogServer
from weft.collect.syslog.config import SyslogConfig
from weft.errors import Unavailable
from weft.model.changes import CHANGES
from weft.model.logs import LOGS


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("did not happen in time")


class RememberingIntake:
    def __init__(self):
        self.batches, self.books, self.lock = [], [], threading.Lock()
        self.gate = threading.Event()
        self.gate.set()
        self.full = False

    def open_source(self, kind, name, target="", *, exporter="", expected_s=0.0):
        book = SourceBook(kind, name, target, exporter=exporter, expected_s=expected_s)
        self.books.append(book)
        return book

    def close_source(self, book):
        assert book in self.books

    def put(self, table, rows, book=None, *, messages=1):
        self.gate.wait(20)
        if self.full:
            raise Unavailable("full")
        assert rows.schema == table.schema
        with self.lock:
            self.batches.append((table, rows))

    def rows(self, table=LOGS):
        with self.lock:
            return [row for one, batch in self.batches if one is table for row in batch.to_pylist()]

    def changes(self):
        return self.rows(CHANGES)

    def status(self, target):
        return next(one.status() for one in self.books if one.status().target == target)

    def errors(self):
        found = {}
        for book in self.books:
            for reason, count in book.status().errors.items():
                found[reason] = found.get(reason, 0) + count
        return found


@contextmanager
def serving(listeners=({"protocol": "udp"},), data_dir=None, intake=None, **settings):
    """A receiver on loopback with free ports: the server and what it gave."""
    intake = intake or RememberingIntake()
    given = [{"address": "127.0.0.1", "port": 0, **one} for one in listeners]
    server = SyslogServer(SyslogConfig(listeners=given, **settings), intake, data_dir=data_dir)
    server.start()
    try:
        yield server, intake
    finally:
        server.stop()


def certificates(folder):
    """An authority, a certificate of 127.0.0.1 and one of a client: paths of (ca, server, key, client, client key)."""
    authority, signed = _key(), []
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
    root = _certificate(name, name, authority, authority, is_authority=True)
    for one in ("server", "client"):
        key = _key()
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)])
        signed.append((_certificate(subject, name, key, authority), key))
    paths = [folder / part for part in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key")]
    contents = [_pem(root), _pem(signed[0][0]), _secret(signed[0][1]), _pem(signed[1][0]), _secret(signed[1][1])]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
        path.chmod(0o600)
    return paths


def _key():
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(subject, issuer, key, signer, *, is_authority=False):
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.BasicConstraints(is_authority, None), True)
    )  # fmt: skip
    return builder.sign(signer, hashes.SHA256())


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def _secret(key):
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*kinds)
