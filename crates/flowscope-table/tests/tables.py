"""Reads tables of Parquet with DuckDB and pyarrow, beside the same records as JSON.

Usage: tables.py FOLDER, in which NAME.parquet has the records of NAME.json

Every number, flag and list is added up or counted on both sides, exactly.
"""

import decimal
import json
import pathlib
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def main(folder):
    total = 0
    tables = sorted(pathlib.Path(folder).glob("*.parquet"))
    for table in tables:
        with open(table.with_suffix(".json"), encoding="utf-8") as lines:
            rows = [json.loads(line, parse_float=decimal.Decimal) for line in lines]
        try:
            by_pyarrow(table, rows)
            by_duckdb(table, rows)
        except AssertionError as error:
            sys.exit(f"{table.stem}: {error}")
        total += len(rows)
    print(f"{len(tables)} tables, {total} rows agree")


def nanos(value):
    return int(value * 1_000_000_000)


def by_pyarrow(table, rows):
    read = pq.read_table(table)
    assert read.num_rows == len(rows), (read.num_rows, len(rows))
    assert read.schema.metadata[b"flowscope.schema"] == b"1"
    known = {name for row in rows for name in row}
    missing = known - set(read.column_names)
    assert not missing, missing
    for field in read.schema:
        column = read.column(field.name)
        values = [row[field.name] for row in rows if field.name in row]
        if field.name == "capture":
            continue
        assert len(column) - column.null_count == len(values), field.name
        if pa.types.is_integer(field.type):
            found = sum(value for value in column.to_pylist() if value is not None)
            assert found == sum(values), (field.name, found, sum(values))
        elif pa.types.is_timestamp(field.type) or pa.types.is_duration(field.type):
            assert field.type.unit == "ns"
            found = column.cast(pa.int64()).to_pylist()
            found = sum(value for value in found if value is not None)
            assert found == sum(map(nanos, values)), field.name
        elif pa.types.is_dictionary(field.type) or pa.types.is_string(field.type):
            assert sorted(filter_none(column)) == sorted(map(str, values)), field.name
        elif pa.types.is_list(field.type):
            found = sum(map(len, filter_none(column)))
            # One value is a list of one.
            expected = sum(len(it) if isinstance(it, list) else 1 for it in values)
            assert found == expected, field.name


def filter_none(column):
    return [value for value in column.to_pylist() if value is not None]


def by_duckdb(table, rows):
    duck = duckdb.connect()
    source = f"read_parquet('{table}')"
    (count,) = duck.execute(f"SELECT count(*) FROM {source}").fetchone()
    assert count == len(rows), (count, len(rows))
    for name, kind, *_ in duck.execute(f"DESCRIBE SELECT * FROM {source}").fetchall():
        values = [row[name] for row in rows if name in row]
        if kind in ("BIGINT", "INTEGER"):
            (found,) = duck.execute(f'SELECT sum("{name}") FROM {source}').fetchone()
            is_time = any(isinstance(value, decimal.Decimal) for value in values)
            expected = sum(map(nanos, values)) if is_time else sum(values)
            assert (found or 0) == expected, (name, found, expected)
        elif kind == "BOOLEAN":
            (found,) = duck.execute(f'SELECT count("{name}") FROM {source}').fetchone()
            assert found == len(values), name
        elif kind.startswith("TIMESTAMP") and values:
            query = f'SELECT min(epoch_ns("{name}")), max(epoch_ns("{name}")) FROM {source}'
            found = duck.execute(query).fetchone()
            expected = [nanos(min(values)), nanos(max(values))]
            # Its TIMESTAMP WITH TIME ZONE has microseconds.
            assert [it // 1000 for it in found] == [it // 1000 for it in expected], name


if __name__ == "__main__":
    main(sys.argv[1])
