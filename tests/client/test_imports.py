"""What comes along with `import client`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import client


def test_neither_torch_nor_bentoml_nor_anything_of_ours() -> None:
    code = "import client, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"httpx", "client"} <= set(loaded)
    assert not set(loaded) & {
        "torch",
        "numpy",
        "bentoml",
        "starlette",
        "pydantic",
        "models",
        "service",
        "training",
        "cli",
    }


def test_it_can_be_installed_alone(tmp_path: Path) -> None:
    there = Path(client.__file__).parent
    shutil.copytree(there, tmp_path / "client", ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(tmp_path / "client")], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info" not in name}
        (about,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("METADATA"))
    assert names == {
        f"client/{path.name}" for path in there.iterdir() if path.suffix == ".py" or path.name == "py.typed"
    }
    assert set(re.findall(r"^Requires-Dist: ([\w-]+)", about, re.M)) == {"httpx", "httpx-sse"}
