"""How a message leaves: by Apprise (chat, mail, …), to PagerDuty, or as JSON to a webhook."""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import Any, Protocol

import orjson

from weft import __version__
from weft.detect.notify.config import WEB_ADDRESS, ChannelConfig
from weft.detect.notify.message import Message
from weft.errors import Failed, Unavailable
from weft.model.events import Severity

_TIMEOUT_S = 15.0
_PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
_PAGERDUTY_SEVERITY = {
    Severity.INFO: "info", Severity.MINOR: "warning", Severity.MAJOR: "error", Severity.CRITICAL: "critical",
}  # fmt: skip
#: Answers that will not change by asking again; 408 and 429 will.
_REFUSED = range(400, 500)
_LATER = (408, 429)


class Sender(Protocol):
    """Delivers messages."""

    takes_each: bool
    """Whether it is a machine that wants every change, rather than people who do not."""

    def send(self, message: Message) -> None:
        """Deliver. Raises ``Unavailable`` where it is worth another try, ``Failed`` where it is not."""


def sender_of(channel: ChannelConfig) -> Sender:
    """What delivers to a channel."""
    if channel.webhook is not None:
        return WebhookSender(channel)
    if channel.pagerduty is not None:
        return PagerDutySender(channel)
    return AppriseSender(channel)


class WebhookSender:
    """Posts each change as JSON: ``{"change", "event", "link"}``."""

    takes_each = True

    def __init__(self, channel: ChannelConfig) -> None:
        self._channel = channel

    def send(self, message: Message) -> None:
        """Deliver. Raises as ``Sender.send``."""
        event = message.event.model_dump(mode="json") if message.event else None
        body = orjson.dumps({"change": message.change, "title": message.title, "event": event, "link": message.link})
        headers = {"Content-Type": "application/json"}
        if self._channel.token is not None:
            headers["Authorization"] = f"Bearer {self._channel.token.reveal()}"
        if self._channel.signing_key is not None:
            key = self._channel.signing_key.reveal().encode()
            headers["X-Weft-Signature"] = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
        assert self._channel.webhook is not None
        _post(self._channel.webhook.reveal(), body, headers)


class PagerDutySender:
    """Triggers and resolves incidents, one per event (Events API v2, ``dedup_key``)."""

    takes_each = True

    def __init__(self, channel: ChannelConfig, url: str = _PAGERDUTY) -> None:
        self._channel, self._url = channel, url

    def send(self, message: Message) -> None:
        """Deliver. Raises as ``Sender.send``."""
        event, key = message.event, self._channel.pagerduty
        if event is None or key is None:
            return
        said: dict[str, Any] = {
            "routing_key": key.reveal(), "dedup_key": event.id, "client": "Weft",
            "event_action": "resolve" if message.change == "closed" else "trigger",
        }  # fmt: skip
        if message.change != "closed":
            said["payload"] = {
                "summary": event.title, "source": event.entity.text, "group": event.group.value, "class": event.kind,
                "severity": _PAGERDUTY_SEVERITY[event.severity], "custom_details": {"why": event.text, **event.labels},
            }  # fmt: skip
            if message.link:
                said["links"] = [{"href": message.link, "text": "The event in Weft"}]
        _post(self._url, orjson.dumps(said), {"Content-Type": "application/json"})


class AppriseSender:
    """Hands the message to Apprise, which knows the services."""

    takes_each = False

    def __init__(self, channel: ChannelConfig) -> None:
        self._channel = channel

    def send(self, message: Message) -> None:
        """Deliver. Raises as ``Sender.send``."""
        import apprise  # a hundred services: not before somebody is told by one

        _silence("apprise", "urllib3", "requests")
        assert self._channel.apprise is not None
        service = apprise.Apprise()
        if not service.add(self._channel.apprise.reveal()):
            raise Failed(
                "its address is not understood", where=f"notify.channels.{self._channel.name}.apprise",
                fix="Write it in the notation of Apprise, e.g. slack://TokenA/TokenB/TokenC/#channel.",
            )  # fmt: skip
        kind = apprise.NotifyType.SUCCESS if message.change == "closed" else _apprise_type(message.severity)
        if not service.notify(body=message.body, title=message.title, notify_type=kind):
            raise Unavailable("the service did not take the message", where=f"channel {self._channel.name}")


def _apprise_type(severity: Severity) -> Any:
    import apprise

    if severity is Severity.INFO:
        return apprise.NotifyType.INFO
    return apprise.NotifyType.FAILURE if severity.rank >= Severity.MAJOR.rank else apprise.NotifyType.WARNING


def _silence(*libraries: str) -> None:
    """They would log addresses, which hold keys."""
    for name in libraries:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _post(url: str, body: bytes, headers: dict[str, str]) -> None:
    import httpx2  # an HTTP client: not before somebody is told by one

    _silence("httpx2", "httpcore2")
    if not WEB_ADDRESS.match(url):
        raise Failed("the address is none of the web", where="notification", fix="It begins with https://.")
    sent = {**headers, "User-Agent": f"weft/{__version__}"}
    try:
        # What is answered is not read: it is of no use, and may have no end.
        with httpx2.stream("POST", url, content=body, headers=sent, timeout=_TIMEOUT_S) as answer:
            status = answer.status_code
    except (httpx2.ConnectError, OSError) as error:
        raise Unavailable(f"cannot be reached: {error}", where="notification") from None
    except httpx2.LocalProtocolError:  # its text quotes headers, which hold keys
        raise Failed("the address or its keys hold characters that cannot be sent", where="notification") from None
    except httpx2.TransportError as error:
        raise Unavailable(f"gave no answer: {type(error).__name__}", where="notification") from None
    except (httpx2.InvalidURL, ValueError):  # their texts quote the address
        raise Failed("the address or its keys hold characters that cannot be sent", where="notification") from None
    if 200 <= status < 300:
        return
    if status in _REFUSED and status not in _LATER:
        raise Failed(f"refused with status {status}", where="notification")
    raise Unavailable(f"answered with status {status}", where="notification")
