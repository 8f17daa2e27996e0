"""Who pays Acme, and what for."""

from __future__ import annotations

from weft.twin.organisation.model import Customer, Service

CUSTOMERS = (
    Customer("Globex", "gold", "Jo Martin", "C-1044", "99.95", 180_000),
    Customer("Initech", "bronze", "Sam Okafor", "C-1017", "99.5", 24_000),
    Customer("Umbrella", "gold", "Jo Martin", "C-1020", "99.95", 310_000),
    Customer("Hooli", "silver", "Lena Roth", "C-1031", "99.9", 86_000),
)
SERVICES = (
    Service("people", "Workplace", "2", "99.5", 9_000),
    Service("servers", "Platform", "1", "99.9", 21_000),
    Service("public services", "Platform", "1", "99.99", 64_000),
    Service("Microsoft 365", "Workplace", "1", outside=True),
    Service("Salesforce", "Sales IT", "1", outside=True),
    Service("Zoom", "Workplace", "2", outside=True),
    Service("GitHub", "Engineering", "1", outside=True),
    Service("Slack", "Workplace", "2", outside=True),
)
