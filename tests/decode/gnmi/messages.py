"""Making gNMI messages for tests, and reading what a decoder made of them."""

from weft.decode.gnmi.decoder import GnmiDecoder
from weft.decode.gnmi.mapping import PathMapping
from weft.decode.gnmi.paths import parse_path
from weft.decode.gnmi.proto import pb

NOW = 1_780_000_000_000_000_000


def path(text="", target=""):
    parsed = parse_path(text)
    return pb.Path(
        origin=parsed.origin,
        target=target,
        elem=[pb.PathElem(name=name, key=dict(keys)) for name, keys in parsed.elements],
    )


def typed(value):
    if isinstance(value, pb.TypedValue):
        return value
    if isinstance(value, bool):
        return pb.TypedValue(bool_val=value)
    if isinstance(value, int):
        return pb.TypedValue(uint_val=value) if value >= 0 else pb.TypedValue(int_val=value)
    if isinstance(value, float):
        return pb.TypedValue(double_val=value)
    if isinstance(value, bytes):
        return pb.TypedValue(json_ietf_val=value)
    if isinstance(value, list):
        return pb.TypedValue(leaflist_val=pb.ScalarArray(element=[typed(one) for one in value]))
    return pb.TypedValue(string_val=value)


def note(updates=(), prefix="", stamp=NOW, delete=(), target="", **fields):
    """One message as bytes; ``updates`` maps paths to values."""
    notification = pb.Notification(timestamp=stamp, prefix=path(prefix, target), **fields)
    for text, value in dict(updates).items():
        notification.update.add(path=path(text), val=typed(value))
    notification.delete.extend(path(text) for text in delete)
    return pb.SubscribeResponse(update=notification).SerializeToString()


def sync():
    return pb.SubscribeResponse(sync_response=True).SerializeToString()


def decoder(**options):
    return GnmiDecoder(PathMapping.load(), **{"host": "r1", "address": "192.0.2.1", **options})


def rows(decoded):
    """Rows as dicts of what differs from row to row."""
    if decoded.rows is None:
        return []
    kept = ("metric", "metric_type", "component", "labels", "value", "text", "host")
    found = decoded.rows.select([*kept, "time"]).to_pylist()
    for row in found:
        row["time"] = row["time"].value
    return found


def values(decoded):
    """(metric, component, labels) → value, or the text of a row that has one."""
    return {(row["metric"], row["component"], row["labels"]): row["text"] or row["value"] for row in rows(decoded)}
