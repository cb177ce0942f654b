"""The package as a user meets it."""

import datetime
import io
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import warnings

import duckdb
import polars
import pyarrow as pa
import pytest

import flowscope

ROOT = pathlib.Path(__file__).parents[3]
FIXTURES = ROOT / "fixtures" / "pcap"
HTTP = FIXTURES / "recorded" / "http-1-0.pcap"


def captures():
    found = [*FIXTURES.iterdir(), *(FIXTURES / "recorded").iterdir()]
    return sorted(path for path in found if path.is_file() and path.suffix != ".md")


def table(capture, name, **options):
    return getattr(capture, name)(**options)


def test_everybody_takes_a_table():
    flows = flowscope.read(HTTP).flows()
    rows = flows.to_arrow().num_rows
    assert rows > 0
    assert len(flows.to_pandas()) == rows
    assert flows.to_polars().height == rows
    assert polars.DataFrame(flows).height == rows
    assert pa.table(flows).num_rows == rows
    assert pa.RecordBatchReader.from_stream(flows).read_all().num_rows == rows
    assert len(list(flows)) == rows
    reader = pa.RecordBatchReader.from_stream(flows)
    assert duckdb.sql("SELECT count(*) FROM reader").fetchall() == [(rows,)]
    assert pa.schema(flows).names == flows.columns


def test_a_table_is_the_same_from_a_path_bytes_and_a_file():
    expected = flowscope.read(HTTP).http().to_arrow().drop_columns("capture")
    for source in (str(HTTP), [HTTP], HTTP.read_bytes(), io.BytesIO(HTTP.read_bytes())):
        found = flowscope.read(source).http().to_arrow().drop_columns("capture")
        assert found.equals(expected)


def test_a_file_object_is_read_once():
    http = flowscope.read(HTTP.open("rb")).http()
    assert http.to_arrow().num_rows == 4
    with pytest.raises(RuntimeError, match="read already"):
        http.to_arrow()


def test_records_are_plain_objects():
    request, response, *_ = flowscope.read(HTTP).http()
    assert (request.type, response.type) == ("http_request", "http_response")
    assert request.method == "GET" and request.status is None
    assert response.status == 200
    assert isinstance(request.headers, list) and isinstance(request.headers[0], tuple)
    assert request.ts.tzinfo is datetime.timezone.utc
    assert request.ts.nanos // 1000 * 1000 == int(request.ts.timestamp() * 1e6 + 0.5) * 1000
    assert isinstance(response.latency, datetime.timedelta)
    assert "status" not in request.asdict()


def test_columns_and_bounds_choose_what_is_made():
    capture = flowscope.read(HTTP)
    assert capture.flows(["src", "dst_port"]).to_arrow().column_names == ["src", "dst_port"]
    flows = capture.flows().to_arrow().to_pylist()
    src = flows[0]["src"]
    expected = sum(flow["src"] == src for flow in flows)
    assert capture.flows(src=src).to_arrow().num_rows == expected
    assert capture.flows(src="192.0.2.77").to_arrow().num_rows == 0
    first = next(iter(capture.flows())).ts
    assert capture.flows(until=first).to_arrow().num_rows >= 1
    assert capture.flows(since=first + datetime.timedelta(days=1)).to_arrow().num_rows == 0


def test_addresses_may_be_bytes():
    flow = next(iter(flowscope.read(HTTP, addresses="binary").flows()))
    assert isinstance(flow.src, bytes) and len(flow.src) in (4, 16)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: flowscope.read("nowhere.pcap"), "nowhere.pcap"),
        (lambda: flowscope.read(7), "not int"),
        (lambda: flowscope.read(HTTP, key="port"), "five-tuple"),
        (lambda: flowscope.read(HTTP, idle_timeout={"tpc": 3}), "handshake"),
        (lambda: flowscope.read(HTTP).flows(["source"]), "one of type, ts, flow"),
        (lambda: flowscope.read(HTTP).flows(src="x"), "such as 10.0.0.1"),
        (lambda: flowscope.read(HTTP).flows(sport=1), "sport"),
    ],
)
def test_what_is_wrong_is_said_at_once(wrong, said):
    with pytest.raises((ValueError, TypeError, OSError), match=said):
        wrong()


def test_damage_is_told_with_file_and_offset(tmp_path):
    damaged = tmp_path / "damaged.pcap"
    damaged.write_bytes(HTTP.read_bytes()[:-10])
    with pytest.warns(flowscope.CaptureWarning, match="damaged.pcap"):
        readable = flowscope.read([damaged]).flows().to_arrow().num_rows
    assert readable > 0
    with pytest.raises(flowscope.CaptureError) as caught:
        flowscope.read(damaged, strict=True).flows().to_arrow()
    assert caught.value.file == str(damaged)
    assert 0 < caught.value.offset < damaged.stat().st_size


def test_others_run_while_captures_are_read():
    ticks = 0
    is_over = threading.Event()

    def tick():
        nonlocal ticks
        while not is_over.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        paths = captures() * 3
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            flowscope.read(paths, each=True).flows(["src"]).to_arrow()
    finally:
        is_over.set()
        thread.join()
    assert ticks > 3


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_control_c_ends_what_is_read(tmp_path):
    # A pipe that gives no more, and does not end.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = f"import flowscope; flowscope.read([{str(pipe)!r}]).flows().to_arrow()"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as process:
        with pipe.open("wb") as end:
            end.write(HTTP.read_bytes()[:400])
            end.flush()
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in said


def test_progress_says_how_much_was_read():
    seen = []
    flowscope.read(HTTP, progress=lambda read, size: seen.append((read, size))).flows().to_arrow()
    size = HTTP.stat().st_size
    assert seen[-1] == (size, size)
