"""DuckDB over a line protocol: {"sql": ...} on standard input, {"rows": ...} or {"error": ...} on standard output."""

import decimal
import json
import pathlib
import sys
import tempfile

import duckdb
import duckdb_extension_ducklake
import duckdb_extension_sqlite


def connect(links):
    """DuckDB reads an extension's entry point from its file name, which is another than the wheel's."""
    offline = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    connection = duckdb.connect(config=offline)
    for package, name in ((duckdb_extension_sqlite, "sqlite_scanner"), (duckdb_extension_ducklake, "ducklake")):
        source = next(pathlib.Path(package.__path__[0]).rglob("*.duckdb_extension"))
        link = pathlib.Path(links) / f"{name}.duckdb_extension"
        link.symlink_to(source)
        connection.execute(f"LOAD '{link}'")
    return connection


def cell(value):
    if isinstance(value, decimal.Decimal):
        return float(value)
    return value.hex() if isinstance(value, bytes) else str(value)


def main():
    with tempfile.TemporaryDirectory() as links:
        connection = connect(links)
        for line in sys.stdin:
            try:
                rows = connection.execute(json.loads(line)["sql"]).fetchall()
                answer = {"rows": rows}
            except duckdb.Error as error:
                answer = {"error": str(error)}
            print(json.dumps(answer, default=cell), flush=True)


main()
