"""TLS as networks have it: an authority of one's own, names that do not fit, certificates for both sides."""

import pytest
import structlog
from tests.certificates import authority, certificate
from tests.collect.gnmi.kit import serving, small_tree, subscribed
from tests.waiting import until

from weft.twin.agents.gnmi import ServerTls


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    ours, others = authority(), authority("Somebody else")
    (folder / "ca.pem").write_bytes(ours.pem)
    (folder / "other.pem").write_bytes(others.pem)
    for name, issuer in (("weft", ours), ("stranger", others)):
        made, key = certificate(issuer, name)
        (folder / f"{name}.pem").write_bytes(made)
        (folder / f"{name}.key").write_bytes(key)
    return folder, {
        "by address": certificate(ours, "leaf1", ["127.0.0.1"]),
        "by name": certificate(ours, "leaf1", ["leaf1.example.net"]),
        "no names": certificate(ours, "leaf1"),
    }


def tls(pki, kind, *, mutual=False):
    cert, key = pki[1][kind]
    return ServerTls(cert, key, (pki[0] / "ca.pem").read_bytes() if mutual else None)


def test_a_certificate_of_ones_own_authority(pki):
    with (
        serving(small_tree(), tls=tls(pki, "by address")) as target,
        subscribed(target, tls={"ca": pki[0] / "ca.pem"}) as intake,
    ):
        until(lambda: intake.metric("in_octets"))
        assert "tls" not in intake.status().detail


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("by address", {"ca": "other.pem"}),  # of another authority
        ("by name", {"ca": "ca.pem"}),  # for another name
    ],
)
def test_a_certificate_that_proves_nothing_is_not_believed(pki, kind, settings):
    settings = {"ca": pki[0] / settings["ca"]}
    with serving(small_tree(), tls=tls(pki, kind)) as target, subscribed(target, tls=settings) as intake:
        until(lambda: intake.status().state == "failing")
        assert not intake.rows()


def test_a_certificate_for_another_name(pki):
    settings = {"ca": pki[0] / "ca.pem", "server_name": "leaf1.example.net"}
    with serving(small_tree(), tls=tls(pki, "by name")) as target, subscribed(target, tls=settings) as intake:
        until(lambda: intake.metric("in_octets"))


@pytest.mark.parametrize("kind", ["by address", "by name", "no names"])
def test_verification_can_be_given_up_and_is_warned_of(pki, kind):
    with structlog.testing.capture_logs() as logs:
        settings = {"skip_verify": True}
        with serving(small_tree(), tls=tls(pki, kind)) as target, subscribed(target, tls=settings) as intake:
            until(lambda: intake.metric("in_octets"))
            assert intake.status().detail["tls"] == "not verified"
    assert any(one["event"] == "gnmi_certificate_not_verified" for one in logs)


@pytest.mark.parametrize(("who", "welcome"), [("weft", True), ("stranger", False), (None, False)])
@pytest.mark.parametrize("verify", [True, False])
def test_targets_that_want_a_certificate_too(pki, who, welcome, verify):
    settings = {"ca": pki[0] / "ca.pem"} if verify else {"skip_verify": True}
    if who:
        settings |= {"cert": pki[0] / f"{who}.pem", "key": pki[0] / f"{who}.key"}
    with (
        serving(small_tree(), tls=tls(pki, "by address", mutual=True)) as target,
        subscribed(target, tls=settings) as intake,
    ):
        if welcome:
            until(lambda: intake.metric("in_octets"))
        else:
            until(lambda: intake.status().state == "failing")
            assert not intake.rows()


def test_plaintext_to_a_target_that_speaks_tls_fails(pki):
    with serving(small_tree(), tls=tls(pki, "by address")) as target, subscribed(target) as intake:
        until(lambda: intake.status().state == "failing")


def test_files_that_are_missing_are_named(pki):
    settings = {"ca": pki[0] / "absent.pem"}
    with serving(small_tree(), tls=tls(pki, "by address")) as target, subscribed(target, tls=settings) as intake:
        until(lambda: intake.status().state == "failing")
        assert "absent.pem" in intake.status().last_error
