"""Secrets of configurations: found in every vendor's way of writing them, and never seen again."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.collect.configs.diffs import compare
from weft.collect.configs.keeper import tidy
from weft.collect.configs.masking import Masker, masking_key
from weft.collect.configs.platforms import Platforms

PLATFORMS = Platforms()
MASKER = Masker(b"k" * 32)

#: Lines of each platform with §1, §2 … where a secret stands.
LINES = {
    "ios": """
enable secret 5 §1
enable secret level 7 9 §2
enable password §3
username admin privilege 15 secret 9 §4
username bob password 7 §5
snmp-server community §6 RO 10
snmp-server community §7 view V RW
snmp-server host 10.0.0.1 version 2c §8 bgp
snmp-server host 10.0.0.2 vrf MGMT traps version 3 auth §9
snmp-server host 10.0.0.3 §10
snmp-server user weft G v3 auth sha §11 priv aes 128 §12
snmp-server user old G v3 encrypted auth md5 §13 priv des §14
tacacs-server key 7 §15
tacacs-server host 10.1.1.1 key §16
radius-server host 10.1.1.2 auth-port 1645 acct-port 1646 key 7 §17
tacacs server T
 key 7 §18
radius server R
 address ipv4 10.1.1.3
 key §19
key chain K
 key 1
  key-string 7 §20
interface Gi0/1
 ip ospf authentication-key 7 §21
 ip ospf message-digest-key 1 md5 7 §22
 standby 1 authentication md5 key-string 7 §23
 standby 2 authentication §24
 vrrp 3 authentication text §25
 isis password §26 level-2
 ppp chap password 0 §27
router bgp 65001
 neighbor 10.0.0.2 password 7 §28
 neighbor 10.0.0.3 password §29
router isis
 area-password §30
 domain-password §31
crypto isakmp key §32 address 10.9.9.9
crypto isakmp key 6 §33 hostname x.example
crypto ikev2 keyring IKE
 peer P
  pre-shared-key local §34
  pre-shared-key remote 6 §35
ntp authentication-key 1 md5 §36 7
line vty 0 4
 password 7 §37
dot11 ssid X
 wpa-psk ascii 7 §38
archive
 path scp://backup:§39@10.0.0.9/$h
ip http client password §40
aaa group server radius X
 server-private 10.3.3.3 key 7 §41
mpls ldp neighbor 10.0.0.4 password §42
username carol privilege 1 password 0 §43
""",
    "nxos": """
username admin password 5 §1  role network-admin
snmp-server user admin network-admin auth md5 §2 priv §3 localizedkey
snmp-server community §4 group network-operator
snmp-server host 10.0.0.1 traps version 2c §5
radius-server host 10.0.0.2 key 7 "§6" authentication accounting
tacacs-server key 7 "§7"
  neighbor 10.0.0.3
    password 3 §8
feature x
key chain K
  key 0
    key-string 7 §9
""",
    "iosxr": """
username root
 group root-lr
 secret 10 §1
 password 7 §2
snmp-server community §3 RO
snmp-server user u G v3 auth sha encrypted §4 priv aes 128 encrypted §5 SystemOwner
tacacs-server host 10.0.0.1 port 49
 key 7 §6
router bgp 1
 neighbor 10.0.0.2
  password encrypted §7
 neighbor 10.0.0.3
  password clear §8
key chain K
 key 1
  key-string password §9
""",
    "eos": """
username admin privilege 15 role network-admin secret sha512 §1
enable password sha512 §2
snmp-server community §3 ro
snmp-server user weft G v3 localized f5717f444ca824448b00 auth sha §4 priv aes §5
tacacs-server key 7 §6
radius-server host 10.0.0.1 key 7 §7
router bgp 65001
   neighbor 10.0.0.2 password 7 §8
   neighbor SPINES password 7 §9
ip ospf message-digest-key 1 sha512 7 §10
management api gnmi
ntp authentication-key 5 sha1 7 §11
""",
    "junos": """
system {
    root-authentication {
        encrypted-password "§1"; ## SECRET-DATA
    }
    login {
        user lab {
            authentication {
                encrypted-password "§2";
            }
        }
    }
    radius-server {
        10.0.0.1 secret "§3"; ## SECRET-DATA
    }
    tacplus-server {
        10.0.0.2 {
            secret "§4"; ## SECRET-DATA
        }
    }
}
snmp {
    community §5 {
        authorization read-only;
    }
    v3 {
        usm {
            local-engine {
                user u {
                    authentication-sha {
                        authentication-key "§6"; ## SECRET-DATA
                    }
                    privacy-aes128 {
                        privacy-key "§7"; ## SECRET-DATA
                    }
                }
            }
        }
    }
}
protocols {
    bgp {
        group X {
            authentication-key "§8"; ## SECRET-DATA
        }
    }
    ospf {
        area 0 {
            interface ge-0/0/0 {
                authentication {
                    md5 1 key "§9"; ## SECRET-DATA
                }
            }
        }
    }
}
security {
    ike {
        policy P {
            pre-shared-key ascii-text "§10"; ## SECRET-DATA
        }
    }
}
set system root-authentication encrypted-password "§11"
set snmp community §12 authorization read-only
set protocols bgp group X authentication-key "§13"
set security ike policy P pre-shared-key ascii-text "§14"
set system radius-server 10.0.0.1 secret "§15"
""",
    "frr": """
frr version 8.4.4
password §1
enable password §2
router bgp 65001
 neighbor 10.0.0.2 password §3
interface eth0
 ip ospf authentication-key §4
 ip ospf message-digest-key 1 md5 §5
 isis password md5 §6
 ip rip authentication string X
key chain K
 key 1
  key-string §7
""",
    "sonic": """
{
    "TACPLUS": {
        "global": {
            "passkey": "§1"
        }
    },
    "RADIUS": {
        "global": {
            "passkey": "§2",
            "auth_type": "pap"
        }
    },
    "SNMP_COMMUNITY": {
        "§3": {
            "TYPE": "RO"
        },
        "§4": {
            "TYPE": "RW"
        }
    },
    "SNMP_USER": {
        "u": {
            "SNMP_USER_AUTH_PASSWORD": "§5",
            "SNMP_USER_ENCRYPTION_PASSWORD": "§6"
        }
    },
    "BGP_NEIGHBOR": {
        "10.0.0.2": {
            "auth_password": "§7"
        }
    }
}
""",
    "vyos": """
set system login user vyos authentication encrypted-password '§1'
set system login user vyos authentication plaintext-password '§2'
set service snmp community §3 authorization 'ro'
set protocols bgp neighbor 10.0.0.2 password '§4'
set vpn ipsec authentication psk P secret '§5'
set vpn ipsec site-to-site peer X authentication pre-shared-secret '§6'
set system login radius server 10.0.0.1 key '§7'
set interfaces wireguard wg0 private-key '§8'
set interfaces wireguard wg0 peer p preshared-key '§9'
set service snmp v3 user u auth plaintext-password '§10'
set service snmp v3 user u privacy encrypted-password '§11'
        community §12 {
            authorization ro
        }
        authentication {
            encrypted-password §13
        }
""",
    "mikrotik": """
# 2026-10-01 10:00:00 by RouterOS 7.15
/interface wireless security-profiles
set [ find default=yes ] wpa2-pre-shared-key=§1
add name=p authentication-types=wpa2-psk wpa-pre-shared-key="§2"
/ppp secret
add name=bob password=§3 service=l2tp
/snmp community
set [ find default=yes ] addresses=10.0.0.0/8 name=§4
add addresses=::/0 name="§5"
/ip ipsec identity
add peer=p secret=§6
/radius
add address=10.0.0.1 secret=§7 service=login
/routing bgp connection
add name=x tcp-md5-key=§8
/interface wireguard
add name=wg private-key="§9"
/user
add name=x password=§10 group=full
/ip address
add address=10.0.0.1/24
""",
    "fortinet": """
#config-version=FGT60F-7.2.5
config system global
    set hostname "fw1"
end
config system admin
    edit "admin"
        set password ENC §1
    next
end
config system snmp community
    edit 1
        set name "§2"
    next
end
config system snmp user
    edit "u"
        set auth-pwd ENC §3
        set priv-pwd ENC §4
    next
end
config vpn ipsec phase1-interface
    edit "v"
        set psksecret ENC §5
    next
end
config user radius
    edit "r"
        set secret ENC §6
    next
end
config user tacacs+
    edit "t"
        set key ENC §7
    next
end
config router bgp
    config neighbor
        edit "10.0.0.2"
            set password ENC §8
        next
    end
end
config wireless-controller vap
    edit "w"
        set passphrase ENC §9
    next
end
""",
    "huawei": """
sysname R1
snmp-agent community read cipher §1 acl 2000
snmp-agent community write §2
snmp-agent usm-user v3 u authentication-mode sha cipher §3
snmp-agent usm-user v3 u privacy-mode aes128 cipher §4
aaa
 local-user admin password irreversible-cipher §5
 local-user bob password cipher §6
hwtacacs-server template T
 hwtacacs-server shared-key cipher §7
radius-server shared-key cipher §8
bgp 65001
 peer 10.0.0.2 password cipher §9
 peer 10.0.0.3 password simple §10
ospf 1
 area 0
  authentication-mode md5 1 cipher §11
ike peer P
 pre-shared-key cipher §12
user-interface vty 0 4
 set authentication password cipher §13
return
""",
    "srlinux": """
system {
    aaa {
        authentication {
            admin-user {
                password §1
            }
        }
        server-group tacacs {
            server 10.0.0.1 {
                tacacs {
                    secret-key §2
                }
            }
        }
    }
}
""",
    "sros": """
    system
        security
            password
            exit
            user "admin"
                password "§1"
            exit
            snmp
                community "§2" hash2 r version v2c
            exit
        exit
    exit
    router
        bgp
            group "x"
                authentication-key "§3" hash2
            exit
        exit
    exit
exit all
""",
}
#: Kinds of secrets that devices hold; letters and digits of each are random.
SHAPES = ("{}", "$9${}$.x/{}", "$6${}${}", "0x{}", "{}!@#%^&*", "{}==", "{};{}", '{}"{}', "{}'{}")
FENCED = ("sros", "sonic", "junos")


def words():
    return st.text("abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=10, max_size=14).map(
        lambda text: f"{text}Q7"  # no word of a configuration
    )


def filled(platform, secrets):
    found = re.findall(r"§\d+", LINES[platform])
    given = dict(zip(sorted(set(found), key=lambda mark: int(mark[1:])), secrets, strict=False))
    return re.sub(r"§\d+", lambda match: given[match[0]], LINES[platform]), list(given.values())


@pytest.mark.parametrize("platform", LINES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_no_secret_is_seen_again(platform, data):
    shapes = SHAPES if platform in ("ios", "frr") else SHAPES[:6]
    count = len(set(re.findall(r"§\d+", LINES[platform])))
    secrets = [data.draw(st.sampled_from(shapes)).format(data.draw(words()), data.draw(words())) for _ in range(count)]
    text, used = filled(platform, secrets)
    text += f"description: the old one was {used[0]}\nbanner {used[-1]}\n"
    for by in (PLATFORMS.get(platform), PLATFORMS.get("generic"), PLATFORMS.guess(text)):
        masked = MASKER.mask(tidy(text, by), by)
        out = masked + compare("", masked).text
        for secret in used:
            for part in re.findall(r"[A-Za-z0-9]{10,}", secret):
                assert part not in out, f"{secret!r} of\n{text}\nis in\n{masked}"


@pytest.mark.parametrize("platform", LINES)
def test_what_is_no_secret_stays(platform):
    text, used = filled(platform, [f"Zz9{i:07}x" for i in range(60)])
    masked = MASKER.mask(text, PLATFORMS.get(platform))
    assert masked.count("\n") == text.count("\n")
    for line, out in zip(text.splitlines(), masked.splitlines(), strict=True):
        if not any(secret in line for secret in used):
            assert out == line
        else:
            assert out.split()[0] == line.split()[0] or platform == "sonic"


@pytest.mark.parametrize(
    ("platform", "line"),
    [
        ("ios", "service password-encryption"), ("ios", "key chain ISIS"),
        ("ios", "ip community-list 1 permit 65000:1"),
        ("ios", " set community 65000:100"), ("ios", "aaa authentication login default group tacacs+ local"),
        ("ios", " key 1"), ("ios", "crypto key generate rsa"), ("ios", " match community CL"),
        ("junos", "    community CL members 65000:1;"), ("junos", "set policy-options community CL members 65000:1"),
        ("ios", "ip ssh version 2"), ("ios", "spanning-tree mode mst"), ("mikrotik", "add name=bridge1 port=ether1"),
        ("frr", " neighbor 10.0.0.2 remote-as 65002"), ("fortinet", '        set name "port1"'),
    ],
)  # fmt: skip
def test_ordinary_lines_are_left_alone(platform, line):
    assert MASKER.mask(line + "\n", PLATFORMS.get(platform)) == line + "\n"


def test_a_secret_that_begins_with_another_is_masked_whole():
    text = "password Alpha1234\nenable password Alpha1234;Beta5678\n! was Alpha1234;Beta5678\n"
    masked = MASKER.mask(text, PLATFORMS.get("frr"))
    assert "Alpha" not in masked
    assert "Beta" not in masked


def test_private_keys_are_masked_whole():
    block = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nxyzsecretpart\n-----END RSA PRIVATE KEY-----"
    for text in (f'set private-key "{block}"\nnext\n', f"crypto\n{block}\nend\n", block[:70]):
        masked = MASKER.mask(text, PLATFORMS.get("fortinet"))
        assert "MIIE" not in masked
        assert "secretpart" not in masked
    assert MASKER.mask(f"a\n{block}\nend\n", PLATFORMS.get("ios")).endswith("\nend\n")


def test_a_changed_secret_shows_as_a_change_and_the_same_one_does_not():
    ios = PLATFORMS.get("ios")
    one, again, other = (
        MASKER.mask(f"snmp-server community {word} RO\n", ios) for word in ("alpha123", "alpha123", "beta4567")
    )
    assert one == again
    assert one != other
    assert re.fullmatch(r"snmp-server community <secret [0-9a-f]{8}> RO\n", one)
    assert Masker(b"x" * 32).mask("snmp-server community alpha123 RO\n", ios) != one


def test_secrets_that_are_encrypted_anew_each_time_do_not_show_as_changes():
    fortinet = PLATFORMS.get("fortinet")
    one, other = (MASKER.mask(f"    set password ENC {word}\n", fortinet) for word in ("AAAAbbbb1", "CCCCdddd2"))
    assert one == other == "    set password ENC <secret>\n"


def test_masking_twice_changes_nothing():
    for platform in LINES:
        text, _ = filled(platform, [f"Zz9{i:07}x" for i in range(60)])
        by = PLATFORMS.get(platform)
        masked = MASKER.mask(text, by)
        assert MASKER.mask(masked, by) == masked


def test_the_key_is_private_and_stays(tmp_path):
    file = tmp_path / "configs" / "masking-key"
    key = masking_key(file)
    assert masking_key(file) == key
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("platform", [name for name in LINES if name not in ("nxos", "iosxr", "frr", "srlinux")])
def test_platforms_are_told_by_what_files_look_like(platform):
    heads = {"ios": "version 15.2\nservice timestamps debug\n", "eos": "! device: r1 (vEOS, EOS-4.30)\n",
             "sonic": '{"DEVICE_METADATA": {}}\n', "sros": "# TiMOS-C-23\n",
             "vyos": "set system host-name 'r'\n"}  # fmt: skip
    assert PLATFORMS.guess(heads.get(platform, "") + LINES[platform].lstrip()).name == platform


def test_large_configurations_are_masked_in_good_time():
    text = "".join(f"interface Ethernet{i}\n description x{'y' * 40}\n ip address 10.0.0.{i % 250} 255.255.255.0\n"
                   f" ip ospf message-digest-key 1 md5 7 secret{i:06}\n" for i in range(20_000))  # fmt: skip
    import time

    before = time.process_time()
    masked = MASKER.mask(text, PLATFORMS.get("ios"))
    assert "secret01" not in masked
    assert time.process_time() - before < 15
