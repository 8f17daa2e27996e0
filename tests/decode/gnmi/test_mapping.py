"""The mapping files: all well formed, all rules reachable, names that Weft knows; and those of a person's own."""

import re

import pytest
from tests.decode.gnmi.messages import NOW, decoder, note, values

from weft.decode.gnmi.decoder import GnmiDecoder
from weft.decode.gnmi.mapping import PathMapping, unmapped
from weft.decode.gnmi.paths import parse_path, path_text, snake
from weft.decode.gnmi.rules import builtin_files, parse_rules
from weft.errors import ConfigError, InvalidInput
from weft.model.labels import labels_text
from weft.model.metric_names import KNOWN
from weft.model.metrics import METRICS
from weft.rulefile import read_folder

FILES = [(name, parse_rules(name, text)) for name, text in builtin_files()]
STANDARD = PathMapping.load()
#: Labels of single rules, beside those that the vocabulary names.
LABELS = {
    "stat",
    "window",
    "direction",
    "color",
    "estimated",
    "voq",
    "room",
    "switch",
    "asic",
    "queue",
    "priority",
    "pg",
}


def example(pattern):
    """A path that a pattern stands for."""
    text = pattern.replace("**/", "")
    text = re.sub(r"\[([\w-]+)\]", r"[\1=k]", text)
    text = re.sub(r"<\w+#>", "3", text)
    text = re.sub(r"<\w+>", "Ethernet7", text)
    return "/" + text.replace("*", "any-thing")


@pytest.mark.parametrize(("file", "rules"), FILES, ids=[name for name, _ in FILES])
def test_every_rule_is_met_and_well_formed(file, rules):
    for group in rules.groups:
        for tail, leaf in group.leaves.items():
            check_names(group, leaf)
            for place in group.at:
                check_match(STANDARD, f"{place}/{tail}", leaf)


def check_names(group, leaf):
    known = KNOWN.get(leaf.metric)
    if known is not None:
        expected = "counter" if known.type == "counter" else "gauge"
        assert leaf.type == expected, f"{leaf.metric} is a {expected}"
        assert {*group.labels, *leaf.labels, *group.labels_from} <= {*known.labels, *LABELS}, leaf.metric


def check_match(mapping, pattern, leaf):
    match = mapping.resolve(parse_path(example(pattern)).elements)
    assert match.mapped, f"{pattern} is not met"
    assert match.missing is None, pattern
    if leaf.metric and "{" not in leaf.metric and not set("*<") & set(pattern.rpartition("/")[2]):
        assert match.metric == snake(leaf.metric), pattern
    if leaf.fact:
        assert match.record, pattern
        assert match.key, pattern
    assert "{" not in match.component + match.key + labels_text(match.labels), pattern


def test_names_of_files_and_meanings():
    for name, one in FILES:
        assert one.meaning.endswith("."), name


@pytest.mark.parametrize(
    ("path", "metric", "kind", "component", "labels"),
    [
        ("/x/y-z/Value", "x_y_z_value", "gauge", "", ""),
        ("/x/counters/drops", "x_counters_drops", "counter", "", ""),
        ("/x/counters/drop-rate", "x_counters_drop_rate", "gauge", "", ""),
        ("/l[name=a]/m[name=b]/n", "l_m_n", "gauge", "a", 'm_name="b"'),
        ("/vrfs/vrf[name=red]/x[id=1]/y", "vrfs_vrf_x_y", "gauge", "1", 'vrf="red"'),
        ("/vrfs/vrf[name=default]/x[id=1]/y", "vrfs_vrf_x_y", "gauge", "1", ""),
    ],
)  # fmt: skip
def test_leaves_that_no_rule_names_keep_their_path(path, metric, kind, component, labels):
    match = unmapped(parse_path(path).elements)
    assert (match.metric, match.type, match.component, labels_text(match.labels)) == (metric, kind, component, labels)


OWN = """
meaning: A device of ours.
values: {mood: {happy: 1, sad: 0}}
groups:
  - name: our sensor
    at: acme-sensors:acme/sensors/sensor[id]
    component: "sensor {id}"
    labels: {floor: "{sensor.floor}"}
    leaves:
      heat: {metric: temperature_celsius, scale: 0.1}
      mood: {metric: mood, values: mood}
  - name: their interfaces, our names
    at: interfaces/interface[name]
    component: "{name}"
    leaves: {state/counters/in-octets: counter octets_received}
"""


def test_a_persons_own_mapping_is_tried_first(tmp_path):
    (tmp_path / "acme.yaml").write_text(OWN)
    gnmi = GnmiDecoder(PathMapping.load(read_folder(tmp_path, "gnmi.mappings")))
    out = gnmi.decode([note({
        "/acme/sensors/sensor[id=4]/heat": 215, "/acme/sensors/sensor[id=4]/mood": "happy",
        "/interfaces/interface[name=e1]/state/counters/in-octets": 1,
        "/interfaces/interface[name=e1]/state/counters/out-octets": 2,
    })], NOW)  # fmt: skip
    assert values(out) == {
        ("temperature_celsius", "sensor 4", ""): 21.5, ("mood", "sensor 4", ""): 1.0,
        ("octets_received", "e1", ""): 1.0, ("out_octets", "e1", ""): 2.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[", "is not YAML"),
        ("meaning: x", "groups"),
        ("meaning: x\ngroups: [{name: a, at: b, leaves: {c: wrong}}]", "say `counter NAME`"),
        ("meaning: x\ngroups: [{name: a, at: b, leaves: {c: {metric: d, values: nowhere}}}]", "no list of values"),
        ("meaning: x\ngroups: [{name: a, at: b, leaves: {c: {metrik: d}}}]", "metrik"),
    ],
)
def test_a_mapping_that_is_wrong_is_named(tmp_path, text, complaint):
    (tmp_path / "own.yml").write_text(text)
    with pytest.raises(ConfigError, match=re.escape(complaint)) as error:
        PathMapping.load(read_folder(tmp_path, "gnmi.mappings"))
    assert "own.yml" in error.value.message


@pytest.mark.parametrize(
    "text",
    ["/", "/a/b", "openconfig:/a[k=v]/b", r"/a[k=x\]y][l=1]/b", "/a[k=10.0.0.1/24]/b[x=a:b]"],
)
def test_paths_as_text_and_back(text):
    parsed = parse_path(text)
    assert path_text(parsed.elements, parsed.origin) == text


@pytest.mark.parametrize("text", ["/a[k=v/b", "/a[k]/b", "/a[=v]x"])
def test_paths_that_cannot_be_read(text):
    with pytest.raises(InvalidInput):
        parse_path(text)


def test_every_row_is_of_the_declared_table():
    out = decoder().decode([note({"/a": 1})], NOW)
    assert out.rows.schema == METRICS.schema
