"""Captures as tables and records: flows, HTTP, TLS and DNS.

>>> import flowscope
>>> capture = flowscope.read("trace.pcap")          # doctest: +SKIP
>>> capture.flows().to_pandas()                     # doctest: +SKIP
>>> for request in capture.http():                  # doctest: +SKIP
...     print(request.src, request.host, request.target)

A table is read when somebody wants its rows, and anew each time. It has the C
stream interface of Arrow, so that polars, pandas, pyarrow, DuckDB and DataFusion
take it without a copy.
"""

from __future__ import annotations

import datetime
import glob
import os
import sys
import warnings
from types import SimpleNamespace

from . import _native
from ._native import SCHEMA_VERSION, __version__

__all__ = [
    "Capture",
    "CaptureError",
    "CaptureWarning",
    "Record",
    "SCHEMA_VERSION",
    "Table",
    "__version__",
    "read",
]


class CaptureError(OSError):
    """A capture cannot be read to its end.

    ``file`` is its name, ``offset`` the byte at which the damage begins.
    """

    def __init__(self, file, offset, reason):
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.offset = offset
        self.reason = reason


class CaptureWarning(UserWarning):
    """A capture was read in part: what is readable of it is there."""


class Record(SimpleNamespace):
    """A record: its fields are attributes, which are ``None`` where absent.

    ``ts`` and other times are of :class:`Time`; spans of time, such as
    ``duration`` and ``latency``, are of :class:`datetime.timedelta`.
    """

    def asdict(self):
        """The fields that are not absent, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


class Time(datetime.datetime):
    """A moment in UTC, with its exact nanoseconds since 1970 in ``nanos``."""

    _exact = None

    @property
    def nanos(self):
        """Nanoseconds since 1970; whole microseconds of what was made of another."""
        if self._exact is not None:
            return self._exact
        since = self - _EPOCH.replace(tzinfo=datetime.timezone.utc)
        return since // datetime.timedelta(microseconds=1) * 1000

    @classmethod
    def of(cls, nanos):
        micros = nanos // 1000
        whole = _EPOCH + datetime.timedelta(microseconds=micros)
        moment = cls(
            whole.year, whole.month, whole.day, whole.hour, whole.minute, whole.second,
            whole.microsecond, tzinfo=datetime.timezone.utc,
        )
        moment._exact = nanos
        return moment


_EPOCH = datetime.datetime(1970, 1, 1)
_TIMES = ("ts", "start", "end", "asked")
_SPANS = ("duration", "latency")


def _record(fields):
    for name in _TIMES:
        nanos = fields.get(name)
        if nanos is not None:
            fields[name] = Time.of(nanos)
    for name in _SPANS:
        nanos = fields.get(name)
        if nanos is not None:
            fields[name] = datetime.timedelta(microseconds=nanos / 1000)
    return Record(**fields)


def read(
    source,
    *,
    each=False,
    strict=False,
    key="five-tuple",
    encap="auto",
    idle_timeout=None,
    max_flows=None,
    addresses="text",
    progress=False,
):
    """Captures to be read: a path, a pattern such as ``"captures/*.pcap"``, several
    of these, the bytes of a capture, or a file object.

    Several captures are read as one, in order, unless ``each`` is true. A damaged
    one gives what is readable of it and a :class:`CaptureWarning`; with ``strict``
    it is a :class:`CaptureError`.
    """
    if isinstance(source, (bytearray, memoryview)):
        source = bytes(source)
    elif isinstance(source, (str, os.PathLike)):
        source = _paths([source])
    elif isinstance(source, (list, tuple)):
        source = _paths(source)
    elif not isinstance(source, bytes) and not hasattr(source, "read"):
        raise TypeError(
            "a capture is a path, several of them, bytes, or a file object, not "
            + type(source).__name__
        )
    options = {
        "each": each,
        "key": key,
        "encap": encap,
        "idle_timeout": idle_timeout or {},
        "max_flows": max_flows,
        "addresses": addresses,
    }
    return Capture(source, strict, progress, options)


def _paths(names):
    paths = []
    for name in names:
        name = os.fspath(name)
        if os.path.exists(name):
            paths.append(name)
            continue
        found = sorted(glob.glob(name, recursive=True)) if glob.has_magic(name) else []
        if not found:
            raise FileNotFoundError(f"no capture is called {name!r}")
        paths.extend(found)
    return paths


class Capture:
    """Captures, of which tables can be made."""

    def __init__(self, source, strict, progress, options):
        self._source = source
        self._strict = strict
        self._progress = progress
        self._options = options
        # Wrong options are told at once.
        self.flows()

    def flows(self, columns=None, **bounds):
        """One row per flow, when it ends. No payload is read."""
        return self._table("flows", columns, bounds)

    def http(self, columns=None, **bounds):
        """One row per request and response of HTTP/1, on any port."""
        return self._table("http", columns, bounds)

    def tls(self, columns=None, **bounds):
        """One row per hello, certificate message and alert of TLS, QUIC and DTLS."""
        return self._table("tls", columns, bounds)

    def dns(self, columns=None, **bounds):
        """One row per message of DNS, and per question without an answer."""
        return self._table("dns", columns, bounds)

    def streams(self, columns=None, **bounds):
        """One row per direction of a TCP connection that carried data."""
        return self._table("streams", columns, bounds)

    def anomalies(self, columns=None, **bounds):
        """One row for each thing that was odd."""
        return self._table("anomalies", columns, bounds)

    def _table(self, name, columns, bounds):
        return Table(self, name, columns, **bounds)

    def __repr__(self):
        source = self._source
        if isinstance(source, bytes):
            source = f"{len(source)} bytes"
        return f"flowscope.Capture({source!r})"


class Table:
    """The rows of one table, which are read when they are wanted."""

    def __init__(self, capture, name, columns, *, src=None, dst=None, since=None, until=None):
        self.name = name
        self._capture = capture
        progress = capture._progress
        self._reader = _native.Reader(
            capture._source,
            name,
            _raise if capture._strict else _warn,
            columns=None if columns is None else list(columns),
            src=None if src is None else str(src),
            dst=None if dst is None else str(dst),
            since=_nanos(since),
            until=_nanos(until),
            progress=_Progress(progress) if progress else None,
            **capture._options,
        )

    @property
    def columns(self):
        """The names of its columns."""
        return self._reader.columns

    def __arrow_c_stream__(self, requested_schema=None):
        return self._reader.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self):
        return self._reader.__arrow_c_schema__()

    def to_arrow(self):
        """All rows as a ``pyarrow.Table``."""
        import pyarrow

        return pyarrow.table(self._reader.read())

    def to_pandas(self, **options):
        """All rows as a ``pandas.DataFrame``; options are those of pyarrow."""
        return self.to_arrow().to_pandas(**options)

    def to_polars(self):
        """All rows as a ``polars.DataFrame``."""
        import polars

        return polars.DataFrame(self._reader.read())

    def __iter__(self):
        """The rows as :class:`Record`, one after the other."""
        return self._reader.records(_record)

    def __repr__(self):
        return f"<{self.name} of {self._capture!r}>"


def _nanos(moment):
    if moment is None or isinstance(moment, int):
        return moment
    if isinstance(moment, Time):
        return moment.nanos
    if isinstance(moment, str):
        moment = datetime.datetime.fromisoformat(moment)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    since = moment - _EPOCH.replace(tzinfo=datetime.timezone.utc)
    return max(0, (since // datetime.timedelta(microseconds=1)) * 1000)


def _warn(file, offset, reason):
    warnings.warn(f"{file}: {reason}", CaptureWarning, stacklevel=3)


def _raise(file, offset, reason):
    raise CaptureError(file, offset, reason)


class _Progress:
    """A bar of tqdm where that is installed, else a line on standard error; or
    whatever the user calls with bytes read and bytes there are."""

    def __init__(self, wanted):
        self._call = wanted if callable(wanted) else None
        self._bar = None

    def __call__(self, read, size):
        if self._call:
            self._call(read, size)
            return
        if self._bar is None:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                self._bar = False
            else:
                self._bar = tqdm(total=size, unit="B", unit_scale=True)
        if self._bar:
            self._bar.update(read - self._bar.n)
        else:
            of = f" of {size / 1e6:.1f}" if size else ""
            print(f"\rflowscope: {read / 1e6:.1f}{of} MB", end="", file=sys.stderr)
