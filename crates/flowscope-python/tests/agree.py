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
import pyarrow.compute as pc
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


def nothing(table):
    """The sums of no rows. Times are added up as seconds and nanoseconds, as whole ones
    would not fit into 64 bits."""
    numbers, times = columns_of(table)
    parts = [f"{name}_{unit}" for name in times for unit in ("s", "ns")]
    return dict.fromkeys(["n", *numbers, *parts], 0)


def by_json(command, path):
    found = {}
    for table in TABLES:
        goal = "all" if table == "anomalies" else table
        numbers, times = columns_of(table)
        sums = nothing(table)
        program = [command, goal, "--json", "-q", path]
        with subprocess.Popen(program, stdout=subprocess.PIPE) as process:
            for line in process.stdout:
                row = json.loads(line, parse_float=nanos)
                if table == "anomalies" and row["type"] != "anomaly":
                    continue
                sums["n"] += 1
                for name in numbers:
                    sums[name] += row.get(name, 0)
                for name in times:
                    seconds, rest = divmod(row.get(name, 0), SECOND)
                    sums[f"{name}_s"] += seconds
                    sums[f"{name}_ns"] += rest
        found[table] = sums
    return found


def nanos(text):
    return int(decimal.Decimal(text) * SECOND)


def add(sums, batch):
    """Adds what is in a batch of Arrow."""
    sums["n"] += batch.num_rows
    for name, column in zip(batch.schema.names, batch.columns):
        if pa.types.is_integer(column.type):
            sums[name] += pc.sum(column).as_py() or 0
            continue
        whole = column.cast(pa.int64())
        seconds = pc.divide(whole, SECOND)
        rest = pc.subtract(whole, pc.multiply(seconds, SECOND))
        sums[f"{name}_s"] += pc.sum(seconds).as_py() or 0
        sums[f"{name}_ns"] += pc.sum(rest).as_py() or 0


def by_python(path):
    found = {}
    for table in TABLES:
        numbers, times = columns_of(table)
        found[table] = nothing(table)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = getattr(flowscope.read(path), table)([*numbers, *times])
            for batch in pa.RecordBatchReader.from_stream(rows):
                add(found[table], batch)
    return found


def by_parquet(program, path):
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "-q", "-o", folder, path], check=False)
        for table in TABLES:
            numbers, times = columns_of(table)
            sums = nothing(table)
            files = f"{folder}/{table}/*.parquet"
            # DuckDB's times have microseconds.
            for file in glob.glob(files):
                for batch in pq.ParquetFile(file).iter_batches(columns=times):
                    add(sums, batch)
            for name, sql in sums_in_sql(numbers, [], {}).items():
                [(value,)] = duckdb.sql(f"SELECT {sql} FROM read_parquet('{files}')").fetchall()
                sums[name] = int(value or 0)
            found[table] = sums
    return found


def by_sql(program, path):
    found = {}
    for table in TABLES:
        numbers, times = columns_of(table)
        nanos = {name: f'CAST("{name}" AS BIGINT)' for name in times}
        sums = sums_in_sql(numbers, times, nanos)
        columns = ", ".join(f'{sql} AS "{name}"' for name, sql in sums.items())
        query = f"SELECT {columns} FROM {table}('{path}')"
        output = subprocess.run([program, "-q", "--json", query], capture_output=True, check=False)
        [row] = [json.loads(line) for line in output.stdout.splitlines()] or [{}]
        found[table] = {name: row.get(name) or 0 for name in sums}
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
