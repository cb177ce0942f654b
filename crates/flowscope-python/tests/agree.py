"""The same counts and sums from JSON, Parquet, SQL and Python.

Usage: agree.py CAPTURE_OR_FOLDER...

FLOWSCOPE_COMMAND, FLOWSCOPE_PARQUET and FLOWSCOPE_SQL name the three programs; of
the last two each may be missing, and then it is left out and said so. Parquet is
read by DuckDB, and its times by pyarrow. Every column of whole numbers and of times is added up.
"""

import decimal
import glob
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import flowscope

TABLES = ("flows", "http", "tls", "dns", "streams", "anomalies")
SECOND = 10**9


def main(names):
    captures = []
    for name in map(pathlib.Path, names):
        captures += sorted(name.iterdir()) if name.is_dir() else [name]
    captures = [path for path in captures if is_capture(path)]
    command = os.environ["FLOWSCOPE_COMMAND"]
    others = {"Python": by_python}
    for name, variable, way in (
        ("Parquet", "FLOWSCOPE_PARQUET", by_parquet),
        ("SQL", "FLOWSCOPE_SQL", by_sql),
    ):
        program = os.environ.get(variable)
        if program:
            others[name] = lambda path, way=way, program=program: way(program, path)
        else:
            print(f"SKIPPED {name}: no {variable}", file=sys.stderr)
    rows = 0
    for path in captures:
        expected = by_json(command, path)
        for name, way in others.items():
            found = way(path)
            if found != expected:
                tell(path, name, expected, found)
                sys.exit(1)
        rows += sum(sums["n"] for sums in expected.values())
    ways = ", ".join(["JSON", *others])
    print(f"{len(captures)} captures, {rows} rows: {ways} agree")
    if not rows:
        sys.exit("there were no rows to compare")


def is_capture(path):
    suffixes = [suffix for suffix in path.suffixes if suffix not in (".gz", ".zst")]
    return path.is_file() and bool(suffixes) and suffixes[-1] in (".pcap", ".pcapng", ".cap")


def tell(path, name, expected, found):
    print(f"{path}: {name} does not agree", file=sys.stderr)
    for table in TABLES:
        for column in expected[table]:
            there = found.get(table, {}).get(column)
            if there != expected[table][column]:
                print(f"  {table}.{column}: {expected[table][column]} in JSON, {there}", file=sys.stderr)


def columns_of(table):
    """The columns that are added up, and which of them are nanoseconds."""
    schema = pa.schema(getattr(flowscope.read(b""), table)())
    numbers = [field.name for field in schema if pa.types.is_integer(field.type)]
    times = [
        field.name
        for field in schema
        if pa.types.is_timestamp(field.type) or pa.types.is_duration(field.type)
    ]
    return numbers, times


def summed(table, rows):
    """The sums of rows. Times are added up as seconds and nanoseconds, as whole ones
    would not fit into 64 bits."""
    numbers, times = columns_of(table)
    sums = {"n": len(rows)}
    for name in numbers:
        sums[name] = sum(row[name] for row in rows if row.get(name) is not None)
    for name in times:
        values = [row[name] for row in rows if row.get(name) is not None]
        sums[f"{name}_s"] = sum(value // SECOND for value in values)
        sums[f"{name}_ns"] = sum(value % SECOND for value in values)
    return sums


def by_json(command, path):
    found = {}
    for table in TABLES:
        goal = "all" if table == "anomalies" else table
        output = subprocess.run([command, goal, "--json", "-q", path], capture_output=True)
        rows = [
            json.loads(line, parse_float=lambda text: int(decimal.Decimal(text) * SECOND))
            for line in output.stdout.decode().splitlines()
        ]
        if table == "anomalies":
            rows = [row for row in rows if row["type"] == "anomaly"]
        found[table] = summed(table, rows)
    return found


def by_python(path):
    found = {}
    for table in TABLES:
        numbers, times = columns_of(table)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            arrow = getattr(flowscope.read(path), table)([*numbers, *times]).to_arrow()
        for at, field in enumerate(arrow.schema):
            if field.name in times:
                arrow = arrow.set_column(at, field.name, arrow.column(at).cast(pa.int64()))
        found[table] = summed(table, arrow.to_pylist())
    return found


def by_parquet(program, path):
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "-q", "-o", folder, path], check=False)
        for table in TABLES:
            numbers, times = columns_of(table)
            files = f"{folder}/{table}/*.parquet"
            source = f"read_parquet('{files}')"
            # Its times have microseconds.
            sums = summed(table, times_of(glob.glob(files), times))
            for name, sql in sums_in_sql(numbers, [], {}).items():
                [(value,)] = duckdb.sql(f"SELECT {sql} FROM {source}").fetchall()
                sums[name] = int(value or 0)
            found[table] = sums
    return found


def times_of(files, times):
    read = pq.read_table(files, columns=times)
    columns = [read.column(name).cast(pa.int64()) for name in times]
    return pa.table(columns, names=times).to_pylist()


def by_sql(program, path):
    parts = []
    for table in TABLES:
        numbers, times = columns_of(table)
        nanos = {name: f'CAST("{name}" AS BIGINT)' for name in times}
        for name, sql in sums_in_sql(numbers, times, nanos).items():
            parts.append((table, name, sql))
    found = {table: {} for table in TABLES}
    for table in TABLES:
        sums = [f"{sql} AS \"{name}\"" for of, name, sql in parts if of == table]
        query = f"SELECT {', '.join(sums)} FROM {table}('{path}')"
        output = subprocess.run([program, "-q", "--json", query], capture_output=True, check=False)
        [row] = [json.loads(line) for line in output.stdout.splitlines()] or [{}]
        for of, name, _ in parts:
            if of == table:
                found[table][name] = row.get(name) or 0
    return found


def sums_in_sql(numbers, times, nanos):
    sums = {"n": "count(*)"}
    for name in numbers:
        sums[name] = f'sum("{name}")'
    for name in times:
        sums[f"{name}_s"] = f"sum({nanos[name]} / {SECOND})"
        sums[f"{name}_ns"] = f"sum({nanos[name]} % {SECOND})"
    return sums


if __name__ == "__main__":
    main(sys.argv[1:])
