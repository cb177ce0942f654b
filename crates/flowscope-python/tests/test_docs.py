"""What docs/PYTHON.md shows runs as it is written."""

import pathlib
import re
import shutil

ROOT = pathlib.Path(__file__).parents[3]


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    recorded = ROOT / "fixtures" / "pcap" / "recorded"
    (tmp_path / "captures").mkdir()
    for name in ("trace.pcap", "big.pcap", "captures/one.pcap.zst"):
        shutil.copy(recorded / "http-1-0.pcap", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "PYTHON.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 5
    names = {}
    for block in blocks:
        lines = block.split("\n\n")
        # Those of other packages are there to be compared with.
        ours = [part for part in lines if not re.search(r"import pyshark|from nfstream", part)]
        exec("import flowscope\n" + "\n".join(ours), names)
    assert "GET" not in capsys.readouterr().err
