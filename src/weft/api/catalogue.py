"""The query catalogue as the API answers it: every name with its title, unit, heading and operators."""

from __future__ import annotations

from weft.api.models.questions import CatalogueView, DatasetView, DimensionView, MeasureView
from weft.query.catalogue import Catalogue, Dataset, Dimension

#: Heading of a dimension by how its name begins; first match wins.
_GROUPS = (
    ("inner_", "Inside the tunnel"), ("tunnel", "Inside the tunnel"), ("encapsulation", "Inside the tunnel"),
    ("exporter", "Exporter"), ("observation", "Exporter"), ("flow_type", "Exporter"), ("sampling", "Exporter"),
    ("protocol_version", "Exporter"), ("time_", "Exporter"), ("in_", "Interfaces"), ("out_", "Interfaces"),
    ("src_", "Source"), ("dst_", "Destination"), ("app", "Application"),
)  # fmt: skip
_OTHER_GROUP = "Packet"


def catalogue_view(catalogue: Catalogue) -> CatalogueView:
    """Everything that can be asked."""
    return CatalogueView(datasets=[_dataset(name, dataset) for name, dataset in catalogue.datasets.items()])


def _dataset(name: str, dataset: Dataset) -> DatasetView:
    return DatasetView(
        name=name,
        meaning=dataset.table.meaning,
        dimensions=[_dimension(dataset, dimension) for dimension in dataset.dimensions.values()],
        measures=[
            MeasureView(
                name=measure.name, title=measure.title, unit=measure.unit, meaning=measure.meaning,
                raw_only=bool(measure.dimension) and _raw_only(dataset, dataset.dimensions[measure.dimension]),
            )
            for measure in dataset.measures.values()
        ],
        resolutions=[0, *(rollup.seconds for rollup in dataset.table.rollups)],
    )  # fmt: skip


def _dimension(dataset: Dataset, dimension: Dimension) -> DimensionView:
    group = next((group for prefix, group in _GROUPS if dimension.name.startswith(prefix)), _OTHER_GROUP)
    return DimensionView(
        name=dimension.name, title=dimension.title, kind=dimension.kind.value, meaning=dimension.meaning,
        unit=dimension.unit, group=group, operators=list(dimension.operators), values=list(dimension.values.values()),
        groupable=dimension.groupable, filterable=bool(dimension.operators),
        raw_only=_raw_only(dataset, dimension),
    )  # fmt: skip


def _raw_only(dataset: Dataset, dimension: Dimension) -> bool:
    return len(dataset.tables_for(dimension)) == 1
