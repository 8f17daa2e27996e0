"""The query catalogue as the API answers it: every name with its title, unit, heading and operators."""

from __future__ import annotations

from weft.api.models.questions import (
    CatalogueView,
    DatasetView,
    DimensionView,
    ExampleView,
    FamilyView,
    MeasureView,
    MetricView,
)
from weft.model.metric_names import NAMES
from weft.query.catalogue import Catalogue, Dataset, Dimension
from weft.query.measures import Measure
from weft.query.metric.measures import MetricMeasure

#: Heading of a dimension by how its name begins; first match wins.
_GROUPS = (
    ("inner_", "Inside the tunnel"), ("tunnel", "Inside the tunnel"), ("encapsulation", "Inside the tunnel"),
    ("exporter", "Exporter"), ("observation", "Exporter"), ("flow_type", "Exporter"), ("sampling", "Exporter"),
    ("protocol_version", "Exporter"), ("time_", "Exporter"), ("in_", "Interfaces"), ("out_", "Interfaces"),
    ("src_", "Source"), ("dst_", "Destination"), ("app", "Application"),
)  # fmt: skip
_OTHER_GROUP = "Packet"
#: The same for the other datasets.
_MORE_GROUPS = (
    ("exporter", "Device"), ("host", "Device"), ("interface", "Interface"), ("if_", "Interface"),
    ("component", "Interface"), ("clock", "Collection"), ("source", "Collection"), ("facility", "Collection"),
    ("process_id", "Collection"), ("interval_ms", "Value"), ("value", "Value"), ("increase", "Value"),
    ("text", "Value"),
)  # fmt: skip


def catalogue_view(catalogue: Catalogue) -> CatalogueView:
    """Everything that can be asked."""
    metrics = [
        MetricView(
            name=m.name, type=m.type, unit=m.unit, rate_unit=m.rate_unit, meaning=m.meaning, component=m.component,
            labels=list(m.labels), states=dict(m.states or {}),
        )
        for m in NAMES
    ]  # fmt: skip
    datasets = [_dataset(name, dataset) for name, dataset in catalogue.datasets.items()]
    return CatalogueView(datasets=datasets, metrics=metrics)


def _dataset(name: str, dataset: Dataset) -> DatasetView:
    return DatasetView(
        name=name,
        title=dataset.title,
        meaning=dataset.table.meaning,
        default_measure=dataset.default,
        views=list(dataset.views),
        records=list(dataset.records),
        pages=bool(dataset.ties),
        orders=["time", *(["bytes"] if "bytes" in dataset.measures else [])],
        families=[FamilyView(prefix=f.prefix, meaning=f.meaning) for f in dataset.families],
        examples=[ExampleView(title=e.title, query={"dataset": name, **e.query}) for e in dataset.examples],
        dimensions=[_dimension(dataset, dimension) for dimension in dataset.dimensions.values()],
        measures=[
            MeasureView(
                name=measure.name, title=measure.title, unit=measure.unit, meaning=measure.meaning,
                raw_only=bool(measure.dimension) and _raw_only(dataset, dataset.dimensions[measure.dimension]),
                stacks=_stacks(measure), follows_metric=isinstance(measure, MetricMeasure) and bool(measure.of),
            )
            for measure in dataset.measures.values()
        ],
        resolutions=[0, *(rollup.seconds for rollup in dataset.table.rollups)],
    )  # fmt: skip


def _stacks(measure: Measure) -> bool:
    return measure.stacks if isinstance(measure, MetricMeasure) else measure.form in ("rate", "sum")


def _dimension(dataset: Dataset, dimension: Dimension) -> DimensionView:
    groups, other = (_GROUPS, _OTHER_GROUP) if dataset.name == "flows" else (_MORE_GROUPS, dataset.title)
    group = next((group for prefix, group in groups if dimension.name.startswith(prefix)), other)
    return DimensionView(
        name=dimension.name, title=dimension.title, kind=dimension.kind.value, meaning=dimension.meaning,
        unit=dimension.unit, group=group, operators=list(dimension.operators), values=list(dimension.values.values()),
        groupable=dimension.groupable, filterable=bool(dimension.operators),
        raw_only=_raw_only(dataset, dimension), aliases=list(dimension.aliases),
    )  # fmt: skip


def _raw_only(dataset: Dataset, dimension: Dimension) -> bool:
    return bool(dataset.table.rollups) and len(dataset.tables_for(dimension)) == 1
