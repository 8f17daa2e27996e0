"""How to set up the first source of each kind: text to paste, and where. Data only.

What belongs in ``weft.yaml`` is checked against the settings by the tests. ``WEFT-ADDRESS`` and the like stand for what
only the reader knows.
"""

from __future__ import annotations

from typing import NamedTuple

#: ``Recipe.where`` of settings of Weft itself.
SETTINGS = "weft.yaml"


class Recipe(NamedTuple):
    """Something to paste: of which kind of source, where it belongs, and the text."""

    kind: str
    where: str
    text: str


RECIPES: tuple[Recipe, ...] = (
    Recipe("snmp", SETTINGS, """\
snmp:
  credentials:
    public:
      community: {env: SNMP_COMMUNITY}
    monitoring:
      user: weft
      auth: sha256
      auth_password: {file: /etc/weft/snmp-auth}
      privacy: aes
      privacy_password: {file: /etc/weft/snmp-privacy}
  targets:
    - {address: 192.0.2.1, credentials: monitoring}
    - {address: 198.51.100.0/24, credentials: [monitoring, public]}   # finds the devices in it
"""),
    Recipe("snmp", "Cisco IOS XE", """\
snmp-server view WEFT iso included
snmp-server group WEFT v3 priv read WEFT
snmp-server user weft WEFT v3 auth sha AUTH-PASSWORD priv aes 128 PRIVACY-PASSWORD
"""),
    Recipe("snmp", "Debian (snmpd)", """\
createUser weft SHA-256 AUTH-PASSWORD AES PRIVACY-PASSWORD
rouser weft priv
"""),
    Recipe("trap", SETTINGS, """\
snmp:
  credentials:
    public:
      community: {env: SNMP_COMMUNITY}
  traps:
    port: 162
    credentials: [public]
"""),
    Recipe("trap", "Cisco IOS XE", """\
snmp-server enable traps snmp linkdown linkup coldstart
snmp-server enable traps bgp
snmp-server host WEFT-ADDRESS version 2c COMMUNITY
"""),
    Recipe("gnmi", SETTINGS, """\
gnmi:
  defaults:
    username: weft
    password: {env: GNMI_PASSWORD}
    tls: {ca: /etc/weft/devices-ca.pem}
    presets: [interfaces, platform, lldp]
    interval_s: 10
  targets:
    - {address: "192.0.2.1:57400", name: core1}
"""),
    Recipe("gnmi", "Nokia SR Linux", """\
set / system grpc-server mgmt admin-state enable
set / system grpc-server mgmt network-instance mgmt tls-profile clab-profile services [ gnmi ]
"""),
    Recipe("gnmi", "Arista EOS", """\
management api gnmi
   transport grpc default
      ssl profile WEFT
"""),
    Recipe("syslog", SETTINGS, """\
syslog:
  listeners:
    - {protocol: udp, port: 514}
    - {protocol: tls, port: 6514, certificate: /etc/weft/tls.pem, key: /etc/weft/tls.key}
  senders:
    - {senders: 192.0.2.0/24, timezone: Europe/Berlin}   # where stamps do not say it
"""),
    Recipe("syslog", "Cisco IOS XE", """\
service timestamps log datetime msec show-timezone year
logging host WEFT-ADDRESS transport udp port 514
logging trap informational
"""),
    Recipe("syslog", "Juniper", """\
set system syslog host WEFT-ADDRESS any info
set system syslog host WEFT-ADDRESS port 514
set system syslog host WEFT-ADDRESS structured-data
"""),
    Recipe("syslog", "rsyslog", """\
*.* action(type="omfwd" target="WEFT-ADDRESS" port="514" protocol="udp" template="RSYSLOG_SyslogProtocol23Format")
"""),
    Recipe("prometheus", "prometheus.yml", """\
remote_write:
  - url: https://WEFT-ADDRESS:8080/api/v1/write
    authorization:
      credentials_file: /etc/prometheus/weft-token   # weft user token NAME PURPOSE
"""),
    Recipe("otlp", "OpenTelemetry collector", """\
exporters:
  otlphttp/weft:
    endpoint: https://WEFT-ADDRESS:8080
    headers:
      Authorization: Bearer ${env:WEFT_TOKEN}
service:
  pipelines:
    metrics: {receivers: [otlp], exporters: [otlphttp/weft]}
    logs: {receivers: [otlp], exporters: [otlphttp/weft]}
"""),
    Recipe("configs", SETTINGS, """\
configs:
  logins:
    default:
      username: weft
      key: {file: /etc/weft/id_ed25519}
  devices:
    - {address: 192.0.2.1, name: core1, platform: junos}
  directories:
    - {path: /var/lib/oxidized/configs}   # what another tool collects already
"""),
    Recipe("changes", "A script or pipeline", """\
curl -X POST https://WEFT-ADDRESS:8080/api/v1/changes \\
  -H "Authorization: Bearer $WEFT_TOKEN" -H "Content-Type: application/json" \\
  -d '[{"kind": "deployment", "title": "checkout 4.12.0 rolled out", "source": "ci",
        "author": "deploy-bot", "reference": "https://ci.example.net/jobs/8123"}]'
"""),
    Recipe("agent", SETTINGS, """\
synthetics:
  token: {env: WEFT_AGENTS_TOKEN}      # 16 characters or more; an API token of the role sender does as well
  tests:
    - {name: Sites, kind: ping, mesh: true}
    - {name: Shop, kind: http, targets: ["https://www.example.com/"]}
"""),
    Recipe("agent", "The machine to test from", """\
WEFT_AGENT__TOKEN=TOKEN weft agent --server https://WEFT-ADDRESS:8080 --name ams
"""),
    Recipe("business", "A script", """\
curl -X POST https://WEFT-ADDRESS:8080/api/v1/business \\
  -H "Authorization: Bearer $WEFT_TOKEN" -H "Content-Type: application/json" \\
  -d '[{"series": "orders_per_minute", "value": 241, "labels": {"site": "fra"}, "unit": "orders/min"}]'
"""),
    Recipe("business", SETTINGS, """\
business:
  files:
    - {path: exports/sales.csv, series: sales, unit: CHF}
  prometheus:
    - name: shop
      url: https://prometheus.example.net
      queries:
        - {series: orders_per_minute, query: "sum by (site) (rate(orders_total[5m])) * 60"}
"""),
    Recipe("rpki", SETTINGS, """\
routing:
  rpki:
    caches:
      - {host: rpki.example.net, port: 3323}
    files: [/var/db/rpki-client/json]
"""),
    Recipe("bgp", SETTINGS, """\
routing:
  bgp:
    address: 192.0.2.5           # of this machine
    local_as: 64500
    neighbors:
      - {address: 192.0.2.1, asn: 64500, name: border1, password: {env: BGP_KEY}}
"""),
    Recipe("bgp", "FRR", """\
router bgp 64500
 neighbor WEFT-ADDRESS remote-as 64500
 address-family ipv4 unicast
  neighbor WEFT-ADDRESS route-reflector-client
  neighbor WEFT-ADDRESS prefix-list NONE in
"""),
    Recipe("inventory", SETTINGS, """\
inventory:
  files: [network.yaml]        # sites, devices, interfaces, links, services
  netbox:
    - {name: netbox, url: "https://netbox.example.net", token: {env: NETBOX_TOKEN}}
"""),
)  # fmt: skip
