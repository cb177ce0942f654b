import datetime
import os
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import IO, Any, Literal

import pandas
import polars
import pyarrow

__version__: str
SCHEMA_VERSION: str

Path = str | os.PathLike[str]
Moment = datetime.datetime | str | int

class CaptureError(OSError):
    file: str
    offset: int
    reason: str

class CaptureWarning(UserWarning): ...

class Time(datetime.datetime):
    @property
    def nanos(self) -> int: ...

class Record(SimpleNamespace):
    def __getattr__(self, name: str) -> Any: ...
    def asdict(self) -> dict[str, Any]: ...

def read(
    source: Path | Sequence[Path] | bytes | bytearray | memoryview | IO[bytes],
    *,
    each: bool = False,
    strict: bool = False,
    key: Literal["five-tuple", "ip-pair", "mac-pair"] = "five-tuple",
    encap: Literal["auto", "none"] = "auto",
    idle_timeout: dict[str, float] | None = None,
    max_flows: int | None = None,
    addresses: Literal["text", "binary"] = "text",
    progress: bool | Callable[[int, int | None], object] = False,
) -> Capture: ...

class Capture:
    def flows(
        self,
        columns: Sequence[str] | None = None,
        *,
        src: str | None = None,
        dst: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> Table: ...
    http = flows
    tls = flows
    dns = flows
    streams = flows
    anomalies = flows

class Table:
    name: str
    @property
    def columns(self) -> list[str]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...
    def to_arrow(self) -> pyarrow.Table: ...
    def to_pandas(self, **options: Any) -> pandas.DataFrame: ...
    def to_polars(self) -> polars.DataFrame: ...
    def __iter__(self) -> Iterator[Record]: ...
