"""``weft query``: ask the telemetry from a terminal or a script."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weft.cli.options import config_option, settings_of
from weft.errors import Failed, InvalidInput, LimitExceeded, NotAllowed, StoreUnavailable, Unavailable, WeftError

if TYPE_CHECKING:
    from weft.config import Settings
    from weft.model.views import ViewResult
    from weft.query.engine import QueryEngine
    from weft.query.model import Query

_ERRORS: dict[str, type[WeftError]] = {
    "invalid_input": InvalidInput, "config": InvalidInput, "unavailable": Unavailable,
    "store_unavailable": StoreUnavailable, "limit_exceeded": LimitExceeded, "not_allowed": NotAllowed,
    "not_logged_in": NotAllowed,
}  # fmt: skip


#: Known without loading the catalogue, so that ``--help`` is quick; a test holds them against it.
DATASETS = ("flows", "metrics", "logs", "changes", "routes", "cloud_flows", "probes", "hops", "business", "events")


@click.command("query")
@click.option(
    "--dataset",
    "-d",
    type=click.Choice(DATASETS),
    default="flows",
    show_default=True,
    help="What to ask about.",
)
@click.option("--by", "-b", multiple=True, metavar="DIMENSION", help="Group by it; repeat or separate with commas.")
@click.option(
    "--measure", "-m", multiple=True, metavar="MEASURE", help="What to measure; the first ranks. [of flows bps]"
)
@click.option("--filter", "-f", "filter_text", default="", metavar="FILTER", help="Only what matches (docs/filter.md).")
@click.option(
    "--since", default="now-1h", show_default=True, metavar="TIME", help="now-24h, now/d, ISO 8601, UTC seconds."
)
@click.option("--until", default="now", show_default=True, metavar="TIME", help="As --since.")
@click.option("--every", metavar="DURATION", help="Bucket size: 60, 5m, 1h. Chosen if not given.")
@click.option(
    "--top", default=10, show_default=True, type=click.IntRange(1, 1000), help="Groups shown; the rest is Other."
)
@click.option(
    "--rank",
    type=click.Choice(["average", "max", "last"]),
    default="average",
    show_default=True,
    help="What top means: highest average, maximum or last bucket.",
)
@click.option("--no-other", is_flag=True, help="Leave the remainder out.")
@click.option("--compare", metavar="PERIOD", help="previous, 1d, 7d …")
@click.option(
    "--view", type=click.Choice(["series", "table", "sankey", "records", "stat"]), help="[table; stat without --by]"
)
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="Rows of --view records."
)
@click.option("--before", metavar="CURSOR", help="Go on with older records: next_before of the last answer (--json).")
@click.option("--order", type=click.Choice(["time", "bytes"]), default="time", show_default=True, help="Of records.")
@click.option("--json", "form", flag_value="json", help="The whole answer as JSON, provenance included.")
@click.option("--csv", "form", flag_value="csv", help="The rows as CSV.")
@click.option("--sql", "form", flag_value="sql", help="The SQL that answered.")
@click.option("--list", "list_names", is_flag=True, help="List dimensions and measures.")
@click.option(
    "--url", envvar="WEFT_URL", help="A running Weft. Default: this machine's data directory, else its own port."
)
@click.option(
    "--token", envvar="WEFT_TOKEN", help="API token of that Weft (WEFT_TOKEN keeps it out of the process list)."
)
@config_option
def query_command(
    list_names: bool, form: str | None, url: str | None, token: str | None, config_file: Path | None, **given: Any
) -> None:
    """Ask a question of the telemetry.

    \b
    weft query --by SrcAS --since now-24h
    weft query --by InIf --filter 'InIf.boundary = external' --view series --compare 1d
    weft query --view records --filter 'Addr = 192.0.2.1 AND Port = 443' --json
    weft query -d metrics --by interface --filter 'metric = in_octets' --since now-6h
    weft query -d logs --view records --filter 'message ~ "link down"'

    Asks the running Weft, or opens the store when none runs. Exit codes: 0 answered, 1 failed, 2 wrong question.
    """  # noqa: D301  # \b keeps lines of examples apart
    if list_names:
        _list_names()
        return
    query = _query_of(**given)
    if url:
        _show_remote(url, token, query, form)
        return
    settings = settings_of(config_file)
    try:
        with _opened(settings) as engine:
            result = engine.run(query)
            _show(result, form)
    except StoreUnavailable as error:
        if settings.store.url is not None:
            raise
        from weft.cli.client import local_token

        token = token or local_token(settings.data_dir)
        if not token:
            raise StoreUnavailable(
                error.what, where=error.where,
                fix="Ask the Weft that runs: set WEFT_TOKEN to an API token.",
            ) from None  # fmt: skip
        _show_remote(f"http://{settings.api.host}:{settings.api.port}", token, query, form)


def _query_of(
    by: tuple[str, ...], measure: tuple[str, ...], filter_text: str, every: str | None, compare: str | None,
    view: str | None,
    no_other: bool, **rest: Any,
) -> Query:  # fmt: skip
    from pydantic import ValidationError

    from weft.query.model import Query
    from weft.query.times import parse_duration

    dimensions, measures = _split(by), _split(measure)
    try:
        return Query(
            by=dimensions, measures=measures, filter=filter_text, other=not no_other, compare_to=compare,
            every=parse_duration(every, "--every") if every else None,
            view=view or ("table" if dimensions else "stat"),  # type: ignore[arg-type]
            **rest,
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(first["msg"], where=".".join(map(str, first["loc"]))) from None


def _split(values: tuple[str, ...]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


@contextmanager
def _opened(settings: Settings) -> Iterator[QueryEngine]:
    """An engine on the store of these settings, opened for this one question."""
    from weft.logs import configure_logging
    from weft.query.engine import QueryEngine
    from weft.store.open import open_store

    configure_logging("warning", settings.log.format)
    config = settings.store
    if config.url is None and not (config.data_dir or settings.data_dir).exists():
        raise Unavailable(
            "there is no data yet", where=f"data_dir {settings.data_dir}",
            fix="Start Weft (weft up), choose the directory (WEFT_DATA_DIR), or ask a running one (--url).",
        )  # fmt: skip
    store = open_store(config, visiting=True)
    store.start()
    try:
        yield QueryEngine(store, settings.query, retention_days=config.retention_days)
    finally:
        store.stop()


def _show_remote(url: str, token: str | None, query: Query, form: str | None) -> None:
    from weft.model.views import ViewResult

    body = query.model_dump(exclude_defaults=True)
    if form == "csv":
        sys.stdout.buffer.write(_post(url, token, "/api/v1/query/export?format=csv", body))
        return
    _show(ViewResult.model_validate_json(_post(url, token, "/api/v1/query", body)), form)


def _post(url: str, token: str | None, path: str, body: dict[str, Any]) -> bytes:
    """The answer's body. Raises what the API said, as the error it was."""
    import httpx2

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx2.post(url.rstrip("/") + path, json=body, headers=headers, timeout=120.0)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unavailable(f"no answer from {url}: {error}", fix="Is Weft running there? Set WEFT_URL.") from None
    if answer.status_code == 200:
        return bytes(answer.content)
    try:
        error_body = answer.json()["error"]
        code, message = str(error_body["code"]), str(error_body["message"])
    except (ValueError, KeyError, TypeError):
        raise Failed(f"{url} answered {answer.status_code}", fix="Is that a Weft?") from None
    if answer.status_code == 401:
        raise NotAllowed(message, fix="Set WEFT_TOKEN to an API token of that Weft.")
    raise _ERRORS.get(code, Failed)(message, where=error_body.get("where"), fix=error_body.get("fix"))


def _show(result: ViewResult, form: str | None) -> None:
    from weft.query.export import export
    from weft.query.text import footer, render

    if form == "json":
        click.echo(result.model_dump_json())
    elif form == "csv":
        for piece in export(result, "csv"):
            sys.stdout.buffer.write(piece)
    elif form == "sql":
        click.echo(result.provenance.sql)
    else:
        for line in render(result):
            click.echo(line)
        for line in footer(result):
            click.echo(click.style(line, dim=True), err=True)
        if not result.rows:
            click.echo("Nothing matched.", err=True)


def _list_names() -> None:
    from weft.query.datasets import build_catalogue

    for name, dataset in build_catalogue().datasets.items():
        click.echo(f"{name}: {dataset.table.meaning}\n\nMeasures")
        for m in dataset.measures.values():
            click.echo(f"  {m.name:24} {m.meaning}")
        click.echo("\nDimensions")
        for d in dataset.dimensions.values():
            click.echo(f"  {d.name:24} {d.meaning}")
        for f in dataset.families:
            click.echo(f"  {f'{f.prefix}_NAME':24} {f.meaning}")
        if dataset.either:
            click.echo("\nEither side, in filters")
        for e in dataset.either.values():
            click.echo(f"  {e.name:24} {e.sides[0].name} or {e.sides[1].name}")
        click.echo()
