"""SNMPv3's security: every protocol, what must not pass, and the vectors of RFC 3414."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from weft.collect.snmp.config import CredentialConfig
from weft.collect.snmp.errors import SecurityError
from weft.collect.snmp.usm import UsmUser
from weft.decode.snmp import ber, v3
from weft.errors import ConfigError

ENGINE = bytes.fromhex("000000000000000000000002")
SCOPED = v3.encode_scoped(ENGINE, b"", ber.request(ber.GET, 77, [ber.oid("1.3.6.1.2.1.1.3.0")]))


def user(**more):
    return UsmUser(CredentialConfig.model_validate({"user": "bert", "auth_password": "maplesyrup", **more}))


def sealed(one, flags=0):
    return one.seal(v3.MessageV3(1, flags, ENGINE, 3, 1000, b"", b"", 0, b"", b""), SCOPED)


def opened(one, data):
    return one.unseal(data, v3.decode(data))


def test_keys_are_those_of_the_standard():
    """RFC 3414 §A.3."""
    assert user(auth="md5").keys(ENGINE).auth.hex() == "526f5eed9fcce26f8964c2930787d82b"
    assert user(auth="sha").keys(ENGINE).auth.hex() == "6695febc9288e36282235fc7151f128497b38f3f"


@pytest.mark.parametrize("auth", ["md5", "sha", "sha224", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("privacy", ["des", "aes", "aes192", "aes256", "aes192c", "aes256c", None])
def test_every_protocol_there_and_back(auth, privacy):
    more = {} if privacy is None else {"privacy": privacy, "privacy_password": "pancakes1"}
    one = user(auth=auth, **more)
    data = sealed(one)
    message = v3.decode(data)
    assert (message.user, message.boots, message.time, message.flags) == (b"bert", 3, 1000, 1 if privacy is None else 3)
    assert (b"bert" in data, ber.oid("1.3.6.1.2.1.1.3.0") in data) == (True, privacy is None)
    assert opened(one, data).pdu.request_id == 77


def test_salts_do_not_repeat():
    one = user(privacy_password="pancakes1")
    assert len({v3.decode(sealed(one)).salt for _ in range(50)}) == 50
    other = user(privacy_password="pancakes1")
    assert v3.decode(sealed(one)).salt != v3.decode(sealed(other)).salt


@pytest.mark.parametrize("at", [5, 20, 40, -1, -20])
def test_a_changed_octet_is_noticed(at):
    one = user(auth="sha256", privacy_password="pancakes1")
    data = bytearray(sealed(one))
    data[at] ^= 0x40
    with pytest.raises((SecurityError, ber.BerError)):
        opened(one, bytes(data))


def test_other_passwords_and_levels_do_not_pass():
    data = sealed(user(privacy_password="pancakes1"))
    with pytest.raises(SecurityError, match="wrong_digest"):
        opened(user(auth_password="maplesirup", privacy_password="pancakes1"), data)
    with pytest.raises(SecurityError, match="unsupported_level"):
        opened(user(), data)
    with pytest.raises((SecurityError, ber.BerError)):
        opened(user(privacy_password="pancakes2"), data)
    with pytest.raises(SecurityError, match="wrong_digest"):  # a digest that is none
        opened(UsmUser(CredentialConfig(user="bert")), sealed(user()))


@pytest.mark.parametrize(
    "given",
    [{}, {"community": "a", "user": "b"}, {"community": "a", "auth_password": "12345678"},
     {"user": "a", "privacy_password": "12345678"}, {"user": "a" * 33}, {"user": "a", "auth": "sha1"}],
)  # fmt: skip
def test_credentials_that_make_no_sense_are_refused(given):
    with pytest.raises(ValidationError):
        CredentialConfig.model_validate(given)


def test_a_short_password_is_refused_without_being_shown():
    with pytest.raises(ConfigError, match="shorter than 8") as caught:
        user(auth_password="secret1")
    assert "secret1" not in caught.value.message
