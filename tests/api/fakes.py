"""Stand-ins for what the API asks: canned answers, a collector that says what it is told."""

from weft.collect.status import CollectStatus
from weft.model.views import ChartSpec, Provenance, ViewResult, Window
from weft.query.datasets import build_catalogue
from weft.query.facets import Facet, Facets, FacetValue


def answer(query, rows=()):
    return ViewResult(
        columns=[], rows=list(rows), window=Window(since=0, until=60), unit="bit/s", chart=ChartSpec(kind="table"),
        query=query.model_dump(exclude_defaults=True),
        provenance=Provenance(sql="SELECT 1", table="flows", resolution_s=0, rows_read=0, elapsed_ms=1.0),
    )  # fmt: skip


class FakeQuestions:
    def __init__(self):
        self.failure = None
        self.asked = []
        self.reconciled = None

    def run(self, query):
        if self.failure:
            raise self.failure
        self.asked.append(query)
        return answer(query)

    def catalogue(self):
        return build_catalogue()

    def check(self, text, dataset="flows"):
        return {"ok": "=" in text, "error": None if "=" in text else {"message": "expected an operator", "position": 3}}

    def complete(self, text, cursor, dataset="flows"):
        return {"from": 0, "to": cursor, "options": [{"label": "src_as", "insert": "src_as ", "kind": "dimension"}]}

    def facets(self, query, by):
        self.asked.append(query)
        values = [FacetValue("error", "error", 3.0), FacetValue("", "unknown", 1.0)]
        return Facets([Facet(name, name.title(), values, 2.0) for name in by], 6.0, "messages", 1.5)

    def reconcile(self, since, until, *, device="", losses=None):
        if self.failure:
            raise self.failure
        self.asked.append((since, until, device, losses))
        return self.reconciled

    def export(self, query, format):  # noqa: A002
        yield b"a,b\n"
        yield b"1,2\n"


class FakeCollector:
    def __init__(self):
        self.now = CollectStatus()

    def status(self):
        return self.now


class FakeEnricher:
    reloads = 0

    def tables(self):
        return []

    def explain(self, address):
        return {"address": address, "columns": []}

    def reload(self):
        self.reloads += 1
        return True
