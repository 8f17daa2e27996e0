"""Networks outside Acme that its people use or whose people use Acme, and the applications they speak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Remote:
    """A network on the Internet or in a cloud. ``weight`` is its share of the traffic of its ``kind``."""

    asn: int
    name: str
    kind: Literal["content", "eyeball", "saas", "cloud"]
    prefix: str
    prefix_v6: str
    country: str
    weight: float
    region: str = ""  # of a cloud
    cloud: str = ""
    service: str = ""


REMOTES = (
    Remote(15169, "Google", "content", "142.250.0.0/15", "2a00:1450:4000::/37", "US", 20, service="Google"),
    Remote(2906, "Netflix", "content", "45.57.0.0/17", "2a00:86c0::/32", "US", 16, service="Netflix"),
    Remote(20940, "Akamai", "content", "23.32.0.0/11", "2a02:26f0::/32", "US", 14),
    Remote(13335, "Cloudflare", "content", "104.16.0.0/13", "2606:4700::/32", "US", 12, service="Cloudflare"),
    Remote(32934, "Meta", "content", "157.240.0.0/16", "2a03:2880::/32", "US", 9),
    Remote(54113, "Fastly", "content", "151.101.0.0/16", "2a04:4e40::/32", "US", 6),
    Remote(714, "Apple", "content", "17.0.0.0/8", "2620:149::/36", "US", 5, service="Apple"),
    Remote(46489, "Twitch", "content", "52.223.192.0/18", "2a01:5e00::/32", "US", 3),
    Remote(32590, "Valve", "content", "155.133.224.0/19", "2a01:bc80::/32", "US", 3),
    Remote(7922, "Comcast", "eyeball", "73.0.0.0/8", "2601::/20", "US", 18),
    Remote(701, "Verizon", "eyeball", "71.160.0.0/11", "2600:4000::/24", "US", 13),
    Remote(7018, "AT&T", "eyeball", "99.0.0.0/10", "2600:1700::/28", "US", 12),
    Remote(3320, "Deutsche Telekom", "eyeball", "80.128.0.0/11", "2003::/19", "DE", 15),
    Remote(3209, "Vodafone DE", "eyeball", "88.64.0.0/12", "2a02:908::/32", "DE", 9),
    Remote(33915, "Ziggo", "eyeball", "84.104.0.0/14", "2001:1c00::/22", "NL", 9),
    Remote(1136, "KPN", "eyeball", "77.160.0.0/13", "2a02:a400::/25", "NL", 8),
    Remote(2856, "BT", "eyeball", "86.128.0.0/10", "2a00:23c0::/28", "GB", 10),
    Remote(3215, "Orange", "eyeball", "90.0.0.0/9", "2a01:c000::/19", "FR", 8),
    Remote(9506, "Singtel", "eyeball", "116.14.0.0/15", "2406:3000::/24", "SG", 9),
    Remote(4766, "Korea Telecom", "eyeball", "211.104.0.0/13", "2400:0000::/20", "KR", 5),
    Remote(55836, "Reliance Jio", "eyeball", "49.32.0.0/13", "2409:4000::/22", "IN", 6),
    Remote(8075, "Microsoft", "saas", "52.96.0.0/14", "2603:1000::/24", "US", 34, service="Microsoft 365"),
    Remote(14340, "Salesforce", "saas", "136.146.0.0/15", "2620:171::/40", "US", 16, service="Salesforce"),
    Remote(30103, "Zoom", "saas", "170.114.0.0/16", "2407:30c0::/32", "US", 14, service="Zoom"),
    Remote(36459, "GitHub", "saas", "140.82.112.0/20", "2606:50c0::/32", "US", 7, service="GitHub"),
    Remote(133877, "Slack", "saas", "54.192.0.0/16", "2600:9000::/28", "US", 6, service="Slack"),
    Remote(16509, "Amazon", "cloud", "3.208.0.0/12", "2600:1f18::/33", "US", 30, "us-east-1", "AWS"),
    Remote(16509, "Amazon", "cloud", "3.64.0.0/12", "2a05:d014::/35", "DE", 22, "eu-central-1", "AWS"),
    Remote(16509, "Amazon", "cloud", "13.212.0.0/14", "2406:da18::/36", "SG", 9, "ap-southeast-1", "AWS"),
    Remote(8075, "Microsoft", "cloud", "20.36.0.0/14", "2603:1030::/32", "US", 18, "eastus2", "Azure"),
    Remote(8075, "Microsoft", "cloud", "20.48.0.0/12", "2603:1020::/32", "NL", 14, "westeurope", "Azure"),
)


#: AS numbers of those who sell connectivity to Acme, and of the exchanges' route servers.
PROVIDER_ASNS = {
    "Lumen": 3356, "Arelion": 1299, "Cogent": 174, "GTT": 3257, "DTAG": 3320, "Singtel": 7473, "Zayo": 6461,
    "Telstra": 4637, "euNetworks": 13237, "NTT": 2914, "Orange": 5511, "Equinix CH": 24115, "Equinix SG": 24115,
    "Equinix DA": 24115, "Equinix SV": 24115, "DE-CIX NY": 63034, "AMS-IX": 6777, "DE-CIX": 6695, "LINX": 8714,
    "France-IX": 51706, "JPIX": 7527, "HKIX": 4635, "DE-CIX Mumbai": 43729,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class App:
    """An application: the port that servers listen on, how its flows look, when people use it."""

    name: str
    protocol: int
    port: int
    packet_octets: int
    shape: Literal["work", "evening", "flat", "night"]
    spread: float = 1.1  # sigma of the log-normal flow size


HTTPS, QUIC = App("https", 6, 443, 980, "work"), App("quic", 17, 443, 1130, "evening")
APPS = {
    "web": HTTPS,
    "video": QUIC,
    "video_tcp": App("https", 6, 443, 1290, "evening"),
    "http": App("http", 6, 80, 1010, "flat"),
    "dns": App("domain", 17, 53, 128, "flat", 0.4),
    "ntp": App("ntp", 17, 123, 76, "flat", 0.1),
    "mail": App("submission", 6, 587, 620, "work"),
    "imaps": App("imaps", 6, 993, 540, "work"),
    "ssh": App("ssh", 6, 22, 310, "work"),
    "zoom": App("zoom", 17, 8801, 850, "work", 0.8),
    "ipsec": App("ipsec-nat-t", 17, 4500, 870, "flat", 0.9),
    "bgp": App("bgp", 6, 179, 110, "flat", 0.4),
    "iscsi": App("iscsi", 6, 3260, 1420, "flat"),
    "nfs": App("nfs", 6, 2049, 1340, "work"),
    "smb": App("microsoft-ds", 6, 445, 1120, "work"),
    "postgres": App("postgresql", 6, 5432, 460, "work", 0.8),
    "kafka": App("kafka", 6, 9092, 1180, "flat", 0.9),
    "backup": App("backup", 6, 873, 1440, "night", 0.8),
    "ldap": App("ldap", 6, 389, 260, "work", 0.5),
}
