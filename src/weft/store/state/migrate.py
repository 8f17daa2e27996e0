"""Runs the Alembic migrations of this package on an open connection."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from weft import __version__
from weft.errors import Failed

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the database to ``revision``. Raises ``Failed`` if a newer Weft wrote it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        if "Can't locate revision" not in str(error):
            raise
        raise Failed(
            f"was written by a newer Weft than this one ({__version__})",
            where="state store",
            fix="Upgrade Weft, or choose another data directory.",
        ) from error
