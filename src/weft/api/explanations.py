"""What a counted reason of a source means in plain words, and what to do about it. Data only.

Keys are the reasons that sources count (``SourceBook.error``) and, where a reason means something else for one kind of
source, ``kind:reason``. What is not listed is shown by its own name.
"""

from __future__ import annotations

from typing import NamedTuple


class Explanation(NamedTuple):
    """What happened, and what to do; an empty ``fix`` means that nothing has to be done."""

    what: str
    fix: str = ""


_CLOCK = "Configure NTP on the device."
_REPORT = "Please report it, with Weft's log."
_BOTH_ENDS = "Compare user, passwords and protocols on both ends."
_DEVICE = "Usually a defect of its software; look for an update."

_ANY: dict[str, Explanation] = {
    "refused": Explanation("The store was too slow, so rows were refused", "Give Weft more CPU or a faster disk."),
    "time_in_future": Explanation("Stamps ahead of our clock; the arrival was taken instead", _CLOCK),
    "too_old": Explanation("Values older than what is kept; left out", _CLOCK),
    "unreachable": Explanation(
        "There is no way to it from here", "Check routes, firewalls, and that its port is open."
    ),
    "timeout": Explanation("Nothing came back in time", "Check that it is up, the path, and its access lists."),
    "malformed": Explanation("What it sent is not what it should be", "Check what sends to this address and port."),
    "not_allowed": Explanation("The sender is not among those that are allowed", "Add it to the settings if it is."),
    "other": Explanation("Further reasons, too many to tell apart", "See Weft's log."),
}

_SNMP: dict[str, Explanation] = {
    "timeout": Explanation(
        "Nothing came back; with v2c a wrong community looks just so",
        "Check that the device is up, the community, its access lists and the port; `weft snmp check` asks it at once.",
    ),
    "auth": Explanation("SNMPv3: it does not know the user, a password or the level", _BOTH_ENDS),
    "decode": Explanation("Octets that are no SNMP", _DEVICE),
    "other_address": Explanation(
        "It answers from another address than it was asked at", "Poll it at the address that it answers from."
    ),
    "loop": Explanation(
        "A table of the agent goes round in circles", "Leave that table out with a profile; " + _DEVICE
    ),
    "too_many_rows": Explanation("A table is longer than is read at once", "Leave it out with a profile of your own."),
    "too_slow": Explanation("A poll took longer than four intervals", "Lengthen interval_s of this target."),
    "counter32_too_fast": Explanation(
        "32-bit counters that may wrap more than once between polls", "Use SNMPv2c or v3, or poll more often."
    ),
    "resolve": Explanation("The name has no address", "Check the name and DNS, or write the address."),
    "genErr": Explanation("The agent says that it could not answer", _DEVICE),
    "tooBig": Explanation("The agent says that its answer would be too large", "Lower snmp.answer_octets."),
    "noAccess": Explanation("The agent does not let this user see it", "Widen the view of the user on the device."),
    "authorizationError": Explanation("The agent does not let this user see it", "Widen the view of the user."),
}

_TRAP: dict[str, Explanation] = {
    "not_allowed": Explanation("The sender is not in snmp.traps.allowed_senders", "Add it there if it should be."),
    "rate_limited": Explanation("It sends more than snmp.traps.max_per_s", "Find what makes it, or raise the limit."),
    "decode": Explanation("Not a notification that can be read", "Check what sends to this port."),
    "wrong_community": Explanation("Its community is not among snmp.credentials", "Add it, or correct the device's."),
    "overflow": Explanation("Notifications come faster than they can be stored", "Lower snmp.traps.max_per_s."),
    "wrong_digest": Explanation("SNMPv3: the password or hash differs", _BOTH_ENDS),
    "decryption": Explanation("SNMPv3: the privacy password or cipher differs", _BOTH_ENDS),
    "unsupported_level": Explanation("SNMPv3: it is less protected than its user must be", _BOTH_ENDS),
    "unknown_user": Explanation("SNMPv3: nobody of that name is among snmp.credentials", _BOTH_ENDS),
    "unknown_engine": Explanation("SNMPv3: made for another engine", "Set snmp.traps.engine_id, or the device's."),
    "not_in_time": Explanation("SNMPv3: older than its window, or repeated", _CLOCK),
}

_GNMI: dict[str, Explanation] = {
    "stalled": Explanation("Nothing came for long on an open connection; it was begun anew", "Look at the path."),
    "unavailable": Explanation(
        "It cannot be connected to", "Check port, TLS (tls.ca, tls.server_name, plaintext) and that gNMI is on."
    ),
    "unauthenticated": Explanation("It does not accept the user or password", "Check both, and the user's role."),
    "permission_denied": Explanation("The user may not use gNMI", "Give the user's role the right to it."),
    "nothing_accepted": Explanation("It rejected every path", "Choose presets that fit: docs/gnmi.md lists them."),
    "path_rejected": Explanation(
        "It does not have a path; the others go on", "Leave the path out, or look for its own."
    ),
    "on_change_rejected": Explanation("It cannot tell changes of a path; it is sampled instead"),
    "encoding_rejected": Explanation("It does not speak an encoding; the next was tried"),
    "no_value": Explanation("Updates without a value; left out", _DEVICE),
    "bad_json": Explanation("Values that are not JSON; left out", _DEVICE),
    "unknown_word": Explanation("States that Weft has no number for; left out", _REPORT),
    "not_there": Explanation("Values given as absent; left out"),
    "stamp_zero": Explanation("Values without a time; they have that of their arrival", _CLOCK),
    "stamp_unit": Explanation("Times that are not nanoseconds; they were converted", _DEVICE),
    "stamp_future": Explanation("Times in the future; they were set to their arrival", _CLOCK),
    "too_many_names": Explanation("More names of metrics than gnmi.max_names", "Narrow the paths, or raise it."),
    "too_many_series": Explanation("More series than gnmi.max_series", "Narrow the paths, or raise it."),
    "too_many_paths": Explanation("More paths than can be remembered", "Narrow the paths."),
    "too_large": Explanation("Messages larger than can be taken", "Narrow the paths, or raise gnmi.queue_bytes."),
    "proto_bytes": Explanation("Values in protobuf of its own; left out", "Ask for json_ietf with encoding."),
}

_SYSLOG: dict[str, Explanation] = {
    "not_allowed": Explanation("Senders outside syslog.allowed_senders", "Add them there if they should be."),
    "over_quota": Explanation("More messages than its quota; the rest was dropped", "Raise quota, or let it log less."),
    "oversize": Explanation("Messages longer than syslog.longest_message; cut"),
    "bad_framing": Explanation("Messages on a stream that cannot be told apart", "Set framing of the listener."),
    "empty": Explanation("Messages without text; left out"),
    "tls": Explanation("The TLS handshake failed", "Check the certificates of both ends."),
    "queue_full": Explanation("The decoder could not keep up; messages were dropped", "Give Weft more CPU."),
    "kernel_dropped": Explanation(
        "The kernel's receive buffer was full", "Raise syslog.receive_buffer and net.core.rmem_max."
    ),
    "too_many_connections": Explanation("More connections than are allowed", "Raise the limit, or look at the sender."),
    "not_listening": Explanation("The port could not be opened", "See who has it, or choose another port."),
    "defect": Explanation("A defect of Weft; the messages of that batch were skipped", _REPORT),
}

_PUSH: dict[str, Explanation] = {
    "malformed": Explanation("Requests that cannot be read", "Check that it sends remote write or OTLP here."),
    "too_fast": Explanation("More values than push.sender_values_per_s", "Raise it, or send less."),
    "bad_time": Explanation("Times too far from now; left out", _CLOCK),
    "bad_labels": Explanation("Labels that are not allowed; left out", "Correct what makes the series."),
    "no_name": Explanation("Series without a name; left out", "Correct what makes the series."),
    "not_finite": Explanation("Values that are no number; left out"),
    "too_many_series": Explanation("More series than push.most_series", "Drop labels that never repeat, or raise it."),
    "too_many_labels": Explanation("Labels or attributes longer than can be kept", "Drop some at the sender."),
    "too_many_records": Explanation("More records in a request than are taken", "Send smaller batches."),
}

_BUSINESS: dict[str, Explanation] = {
    "unreadable": Explanation("A file cannot be read", "Check path and permissions."),
    "bad_file": Explanation("A file is not what it should be; it is read when it changes", "See the message."),
    "bad_row": Explanation("Rows with a time or value that is none; left out", "See the message for the first."),
    "query": Explanation("The query cannot be answered", "Try it by hand; see the message."),
    "refused": Explanation("It does not let Weft in, or the store was too slow", "Check token, user and password."),
    "too_many": Explanation("The answer has more series or rows than are read", "Sum some away, or ask for less."),
    "too_large": Explanation("The answer is larger than is read", "Sum some away, or lengthen step_s."),
    "malformed": Explanation("What answers is not what it should be", "Check the address."),
    "bad_url": Explanation("The URL cannot be used", "Check it, and that its driver is installed."),
    "tls": Explanation("The certificates cannot be used", "Check ca_file."),
    "too_fast": _PUSH["too_fast"],
    "defect": Explanation("A defect of Weft; this attempt was skipped", _REPORT),
}

_CONFIGS: dict[str, Explanation] = {
    "host_key_changed": Explanation(
        "Its host key is not the one in known_hosts: it was replaced, or somebody is in between",
        "Find out which; then replace the line in configs.known_hosts.",
    ),
    "host_key_unknown": Explanation(
        "Its host key is not in known_hosts", "Add it to configs.known_hosts, or set configs.trust_first_use."
    ),
    "login_refused": Explanation("It does not let the user in", "Check user name, key and password."),
    "enable_refused": Explanation("It does not take the enable password", "Check the login's enable."),
    "command_refused": Explanation("It does not take the command", "Check its platform, and the user's rights."),
    "credentials": Explanation("The login cannot be read", "Check the files and variables that configs.logins name."),
    "ssh": Explanation("SSH failed", "Old devices may need configs.legacy_algorithms."),
    "closed": Explanation("It closed the session", "Look at its log and its limit of sessions."),
    "empty": Explanation("It shows no configuration", "Check its platform, and the user's rights."),
    "incomplete": Explanation("What it showed is not a whole configuration; kept out", "Check timeout_s and platform."),
    "too_large": Explanation("Its configuration is larger than configs.most_bytes", "Raise it."),
    "git": Explanation("The git history cannot be read", "See the message; check path and branch."),
    "failed": Explanation("A defect of Weft; this attempt was skipped", _REPORT),
}

_INVENTORY: dict[str, Explanation] = {
    "bad_file": Explanation("A file has mistakes; what it said before stays", "See the message for file and line."),
    "unreadable": Explanation("A file cannot be read; what it said before stays", "Check path and permissions."),
    "refused": Explanation("NetBox refuses the token", "Check the token and what it may read."),
    "away": Explanation("NetBox does not answer; what it said before stays", "Check its address and that it is up."),
    "bug": Explanation("A defect of Weft; what was read before stays", _REPORT),
    "invalid_input": Explanation("What it answers cannot be understood", "See the message."),
}

_AGENT: dict[str, Explanation] = {
    "malformed": Explanation("Reports that cannot be read", "Run the same version of Weft there as here."),
    "clock_wrong": Explanation("Its clock is off; times were corrected by the difference", "Set its clock by NTP."),
    "dropped_by_agent": Explanation(
        "Its buffer was full while this server was away: results were lost there", "Raise agent.buffer_bytes there."
    ),
    "unknown_test": Explanation("Results of tests that are not (or no longer) defined; left out"),
    "too_many_rows": Explanation("More rows in a report than synthetics.most_rows", "Raise it."),
    "not_a_row": Explanation("Rows that lack what every row has; left out", "Run the same version there as here."),
}

_RPKI: dict[str, Explanation] = {
    "connection": Explanation("The cache cannot be connected to", "Check host and port, and that it is up."),
    "timeout": Explanation("The cache does not answer in time", "Check that it has finished its first run."),
    "closed": Explanation("The cache closed the connection; it is opened anew", "Look at its log."),
    "certificate": Explanation("The cache's certificate is not trusted", "Check `ca` and the name it is for."),
    "tls": Explanation("No TLS connection", "Check that the port speaks TLS."),
    "settings": Explanation("A file of the settings cannot be used", "See the message."),
    "no_data_available": Explanation("The cache has no payloads yet", "Wait until its first run has ended."),
    "session_changed": Explanation("The cache began anew; everything was asked for again"),
    "version_refused": Explanation("The cache closed without a word; an older version is tried"),
    "withdrawal_of_unknown_record": Explanation("The cache withdrew what it never told; all was asked for again"),
    "expired": Explanation("Payloads out of date, no longer counted", "Bring the cache back, or renew the file."),
    "too_many": Explanation("More payloads than routing.rpki.max_payloads", "Check the source, or raise the limit."),
    "bad_entry": Explanation("Entries that make no sense; left out", "Check what writes the file."),
    "not_understood": Explanation("Not a file of payloads; what it held before stays", "See the message."),
    "unreadable": Explanation("The file cannot be read; what it held before stays", "Check path and permissions."),
}

_BGP: dict[str, Explanation] = {
    "exabgp_ended": Explanation(
        "ExaBGP ended and is started again", "Check that routing.bgp.port is free and may be opened by Weft's user."
    ),
    "not_up": Explanation("Routes of a session that is not up; left out"),
    "not_understood": Explanation("Lines of ExaBGP that cannot be read", "Use ExaBGP 4.2 or later."),
    "too_many_routes": Explanation("More routes than routing.max_routes; left out", "Raise it."),
}

#: Rows on their way to the store.
_ROWS: dict[str, Explanation] = {
    "spool_full": Explanation(
        "The store was away for longer than the spool could hold", "Bring it back, or raise collect.spool_bytes."
    ),
    "disk": Explanation("Neither the store nor the disk took the rows", "Free disk space in the data directory."),
    "rejected": Explanation("The store refused the rows for good; they are kept on disk", "See Weft's log."),
    "internal": Explanation("A defect of Weft; what it was working on was skipped", _REPORT),
}


def _of(kind: str, reasons: dict[str, Explanation]) -> dict[str, Explanation]:
    return {f"{kind}:{reason}": explanation for reason, explanation in reasons.items()}


EXPLANATIONS: dict[str, Explanation] = {
    **_ANY, **_ROWS, **_of("snmp", _SNMP), **_of("trap", _TRAP), **_of("gnmi", _GNMI), **_of("syslog", _SYSLOG),
    **_of("prometheus", _PUSH), **_of("otlp", _PUSH), **_of("changes", _PUSH), **_of("configs", _CONFIGS),
    **_of("agent", _AGENT),
    **_of("inventory", _INVENTORY), **_of("rpki", _RPKI), **_of("bgp", _BGP), **_of("business", _BUSINESS),
}  # fmt: skip


def explain(reason: str, kind: str = "") -> Explanation:
    """What ``reason`` means for a source of ``kind``; its own words where nothing is known of it."""
    found = EXPLANATIONS.get(f"{kind}:{reason}") or EXPLANATIONS.get(reason)
    if found is not None:
        return found
    words = reason.replace("_", " ").strip()
    return Explanation(words[:1].upper() + words[1:])
