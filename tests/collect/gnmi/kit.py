"""Doubles and helpers for tests of subscriptions: an intake and an inventory that remember, certificates, waiting."""

import datetime
import ipaddress
import threading
import time
from contextlib import contextmanager

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from weft.collect.gnmi import GnmiConfig, GnmiSubscriber
from weft.collect.intake.book import SourceBook
from weft.twin.agents.gnmi import GnmiTarget


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

    def open_source(self, kind, name, target="", *, exporter="", expected_s=0.0):
        book = SourceBook(kind, name, target, exporter=exporter, expected_s=expected_s)
        self.books.append(book)
        return book

    def close_source(self, book):
        assert book in self.books

    def put(self, table, rows, book=None, *, messages=1):
        self.gate.wait(20)
        assert rows.schema == table.schema
        with self.lock:
            self.batches.append(rows)
        book.came(rows.num_rows, messages=messages)

    def rows(self, metric=None):
        with self.lock:
            found = [row for batch in self.batches for row in batch.to_pylist()]
        return [row for row in found if metric in {None, row["metric"]}]

    @property
    def status(self):
        return self.books[0].status()


class RememberingFacts:
    def __init__(self):
        self.told = {}

    def observe(self, origin, scope, facts, /, *, complete=True):
        self.told[origin] = list(facts)

    def objects(self, _):
        return ()


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
    intake = RememberingIntake()
    config = GnmiConfig.model_validate({"targets": [settings], **(section or {})})
    subscriber = GnmiSubscriber(config, intake, facts or RememberingFacts())
    subscriber.start()
    try:
        yield intake
    finally:
        intake.gate.set()
        subscriber.stop()


def authority(name="Test authority"):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    return key, _certificate(subject, subject, key, key, ca=True)


def certificate(issuer, name, names=()):
    """(certificate, key) as PEM, signed by ``issuer``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = _certificate(subject, issuer[1].subject, key, issuer[0], names=names)
    return pem(made), key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pem(made):
    return made.public_bytes(serialization.Encoding.PEM)


def _certificate(subject, issuer, key, signer, *, ca=False, names=()):
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )  # fmt: skip
    if names:
        general = [
            x509.IPAddress(ipaddress.ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in names
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
    return builder.sign(signer, hashes.SHA256())
