"""Acme's clouds as the output of the providers' own commands: what its operators keep beside the logs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from weft.twin.cloud import (
    AWS_ACCOUNTS,
    AZURE_SUBSCRIPTION,
    GCP_PROJECT,
    HOSTS,
    NETS,
    OCI_TENANCY,
    TRANSIT_GATEWAY,
    Net,
)
from weft.twin.cloud_faults import group_of, guards, rules
from weft.twin.faults.model import Fault

_GCP = "https://www.googleapis.com/compute/v1"


def write_cloud_inventory(folder: Path, faults: Iterable[Fault] = ()) -> Path:
    """Write a file for each command, as its output is while such faults are on; what is as before stays untouched."""
    folder.mkdir(parents=True, exist_ok=True)
    admitted = rules(faults)
    for name, document in {**_aws(admitted), **_azure(admitted), **_gcp(), **_oci()}.items():
        path, text = folder / f"{name}.json", json.dumps(document, indent=1)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            fresh = path.with_suffix(".tmp")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)
    return folder


#: Prefixes and ports that each group of databases lets in.
_Rules = Mapping[str, tuple[tuple[str, int], ...]]


def _of(provider: str) -> list[Net]:
    return [net for net in NETS if net.provider == provider]


def _tags(name: str) -> list[dict[str, str]]:
    return [{"Key": "Name", "Value": name}, {"Key": "demo", "Value": "demo"}]


def _aws(admitted: _Rules) -> dict[str, Any]:
    hosts = [host for host in HOSTS if host.net.provider == "aws"]
    files: dict[str, Any] = {}
    for net in _of("aws"):
        own = [host for host in hosts if host.net is net]
        vpc = {"VpcId": net.key, "OwnerId": net.account, "CidrBlock": net.prefix, "Tags": _tags(net.name)}
        subnets = {host.subnet: host for host in own}
        common = {"VpcId": net.key, "OwnerId": net.account}
        where = f"aws-{net.name}-{net.region}"
        files[f"{where}-vpcs"] = {"Vpcs": [vpc]}
        files[f"{where}-subnets"] = {"Subnets": [
            {"SubnetId": key, "AvailabilityZoneId": host.zone, "CidrBlock": host.address.rsplit(".", 1)[0] + ".0/24",
             "Tags": _tags(host.name.split("-")[0]), **common}
            for key, host in subnets.items()
        ]}  # fmt: skip
        files[f"{where}-instances"] = {"Reservations": [{"OwnerId": net.account, "Instances": [
            {"InstanceId": host.instance, "InstanceType": "m7i.xlarge", "State": {"Name": "running"},
             "PrivateIpAddress": host.address, "SubnetId": host.subnet, "VpcId": net.key, "Tags": _tags(host.name),
             "Placement": {"AvailabilityZoneId": host.zone}}
            for host in own
        ]}]}  # fmt: skip
        files[f"{where}-nics"] = {"NetworkInterfaces": [
            {"NetworkInterfaceId": host.nic, "SubnetId": host.subnet, "Attachment": {"InstanceId": host.instance},
             "Groups": [{"GroupId": group_of(net) if guards(host) else f"sg-{net.key[4:]}"}],
             "PrivateIpAddresses": [{"PrivateIpAddress": host.address,
                                     **({"Association": {"PublicIp": host.public}} if host.public else {})}], **common}
            for host in own
        ]}  # fmt: skip
        files[f"{where}-flow-logs"] = {"FlowLogs": [{"ResourceId": net.key, "FlowLogStatus": "ACTIVE"}]}
        files[f"{where}-igws"] = {"InternetGateways": [
            {"InternetGatewayId": f"igw-{net.key[4:]}", "OwnerId": net.account, "Attachments": [{"VpcId": net.key}]},
        ]}  # fmt: skip
        files[f"{where}-routes"] = {"RouteTables": [
            {"RouteTableId": f"rtb-{net.key[4:]}", "Routes": [
                {"DestinationCidrBlock": "10.0.0.0/8", "TransitGatewayId": TRANSIT_GATEWAY, "State": "active"},
                {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": f"igw-{net.key[4:]}", "State": "active"},
            ], "Associations": [{"SubnetId": key} for key in subnets], **common},
        ]}  # fmt: skip
        files[f"{where}-groups"] = {"SecurityGroups": [
            {"GroupId": f"sg-{net.key[4:]}", "GroupName": "web", "Description": "HTTPS from anywhere", **common,
             "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
                                "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]},
            *_aws_databases(net, admitted),
        ]}  # fmt: skip
    files["aws-transit-us-east-1"] = {"TransitGateways": [
        {"TransitGatewayId": TRANSIT_GATEWAY, "OwnerId": AWS_ACCOUNTS["shared"], "State": "available",
         "Tags": _tags("core")},
    ]}  # fmt: skip
    return files


def _aws_databases(net: Net, admitted: _Rules) -> list[dict[str, Any]]:
    """The group of a network's databases, where it has one: applications, by their subnets."""
    if group_of(net) not in admitted:
        return []
    permissions = [
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": prefix}]}
        for prefix, port in admitted[group_of(net)]
    ]
    return [{"GroupId": group_of(net), "GroupName": "databases", "Description": "Databases, from applications only",
             "VpcId": net.key, "OwnerId": net.account, "IpPermissions": permissions}]  # fmt: skip


def _azure(admitted: _Rules) -> dict[str, Any]:
    net = _of("azure")[0]
    group, name = net.key.split("/")
    base = f"/subscriptions/{AZURE_SUBSCRIPTION}/resourceGroups/{group}/providers"
    vnet = f"{base}/Microsoft.Network/virtualNetworks/{name}"
    databases = f"{base}/Microsoft.Network/networkSecurityGroups/nsg-databases"
    own = [host for host in HOSTS if host.net is net]
    subnets = sorted({host.subnet.split("/")[1] for host in own})
    return {
        "azure-vnets": [{
            "id": vnet, "name": name, "location": net.region, "addressSpace": {"addressPrefixes": [net.prefix]},
            "subnets": [{"id": f"{vnet}/subnets/{one}", "name": one} for one in subnets],
        }],
        "azure-nics": [{
            "id": f"{base}/Microsoft.Network/networkInterfaces/{host.nic.split('/')[1]}",
            "name": host.nic.split("/")[1], "location": net.region, "macAddress": host.mac,
            "virtualMachine": {"id": f"{base}/Microsoft.Compute/virtualMachines/{host.instance}"},
            **({"networkSecurityGroup": {"id": databases}} if guards(host) else {}),
            "ipConfigurations": [{"privateIPAddress": host.address,
                                  "subnet": {"id": f"{vnet}/subnets/{host.subnet.split('/')[1]}"}}],
        } for host in own],
        "azure-vms": [{
            "id": f"{base}/Microsoft.Compute/virtualMachines/{host.instance}", "name": host.instance,
            "location": net.region, "hardwareProfile": {"vmSize": "Standard_D8s_v5"}, "zones": [host.zone],
        } for host in own],
        "azure-nsgs": [{
            "id": databases, "name": "nsg-databases", "location": net.region, "securityRules": [
                {"name": f"AllowErp{number}", "priority": 100 + number, "access": "Allow", "direction": "Inbound",
                 "protocol": "Tcp", "sourceAddressPrefix": prefix, "destinationAddressPrefix": "*",
                 "destinationPortRange": str(port)}
                for number, (prefix, port) in enumerate(admitted[group_of(net)])
            ],
        }],
        "azure-flow-logs": [{
            "id": f"{base}/Microsoft.Network/networkWatchers/w/flowLogs/erp", "targetResourceId": vnet, "enabled": True,
        }],
    }  # fmt: skip


def _gcp() -> dict[str, Any]:
    net = _of("gcp")[0]
    project, name = net.key.split("/")
    network = f"{_GCP}/projects/{project}/global/networks/{name}"
    own = [host for host in HOSTS if host.net is net]
    subnet = f"{_GCP}/projects/{project}/regions/{net.region}/subnetworks/"
    return {
        "gcp-networks": [{"kind": "compute#network", "name": name, "selfLink": network}],
        "gcp-subnets": [{
            "kind": "compute#subnetwork", "name": one, "selfLink": subnet + one, "network": network,
            "ipCidrRange": net.prefix, "logConfig": {"enable": True, "flowSampling": 0.5},
        } for one in sorted({host.subnet.split("/")[1] for host in own})],
        "gcp-instances": [{
            "kind": "compute#instance", "name": host.instance, "status": "RUNNING", "labels": {"demo": "demo"},
            "selfLink": f"{_GCP}/projects/{GCP_PROJECT}/zones/{host.zone}/instances/{host.instance}",
            "machineType": "zones/x/machineTypes/n2-standard-16",
            "networkInterfaces": [{"name": "nic0", "networkIP": host.address, "network": network,
                                   "subnetwork": subnet + host.subnet.split("/")[1]}],
        } for host in own],
    }  # fmt: skip


def _oci() -> dict[str, Any]:
    net = _of("oci")[0]
    own = [host for host in HOSTS if host.net is net]
    common = {"compartment-id": OCI_TENANCY, "vcn-id": net.key}
    return {
        "oci-vcns": {"data": [{"id": net.key, "display-name": net.name, "cidr-blocks": [net.prefix],
                               "compartment-id": OCI_TENANCY}]},
        "oci-subnets": {"data": [{"id": own[0].subnet, "display-name": "db", "cidr-block": "10.150.10.0/23",
                                  **common}]},
        "oci-vnics": {"data": [{
            "id": host.nic, "display-name": host.name, "private-ip": host.address, "subnet-id": host.subnet,
            "instance-id": host.instance, **common,
        } for host in own]},
    }  # fmt: skip
