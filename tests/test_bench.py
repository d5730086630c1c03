"""What the benches promise: nothing is measured twice, nothing is kept that has changed, and each says how it measures."""

import importlib
import json
import re
from pathlib import Path

import pytest
import torch
from bench import cache, damages, results, seat

from audioprior.settings.presets import METHODS

BENCHES = ("clicks", "denoise", "extend", "guard", "priors", "regions", "repair", "same", "speed", "stopping")
ROOT = Path(__file__).parent.parent


def names(module: str | Path) -> set[str]:
    return {path.relative_to(cache.ROOT / "src" / "audioprior").as_posix() for path in cache.reached(module)}


def test_a_prior_is_decided_by_its_own_file_and_by_what_that_imports() -> None:
    modules, _ = cache.method_code(METHODS["consensus"])
    reached = set().union(*(names(module) for module in modules))
    assert {"priors/consensus.py", "priors/blindspot.py", "priors/nmf.py", "model/evidence.py"} <= reached
    assert not {"priors/dcgan.py", "priors/temporal.py", "settings/presets.py", "report/page.py"} & reached


def test_a_restoration_is_decided_by_the_way_to_it_and_not_by_the_page_or_the_scores() -> None:
    rooms = {name.split("/")[0] for name in names("restore")}
    assert {"restore.py", "restoring", "observations", "noise", "model", "sound", "damage"} <= rooms
    assert not {"web", "cli", "batch", "report", "compare"} & rooms


def test_measuring_is_decided_by_all_that_it_names_and_by_no_more() -> None:
    texts = "\n".join(cache.definitions(damages.gap_scores))
    assert "def gap_scores(" in texts
    assert "def snr(" in texts  # beside it
    assert "def mean(" in texts  # in another file of the benches, by way of distance_in
    assert "def column_scores(" not in texts


def test_another_sample_setting_or_version_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = torch.zeros(1, 100)
    first = cache.key(material=[sound], settings={"seed": 0})
    assert first == cache.key(material=[sound.clone()], settings={"seed": 0})
    other = sound.clone()
    other[0, 50] = 1e-7
    monkeypatch.setattr(cache, "_version", lambda name: "0.0" if name == "soxr" else "1.0")
    keys = {first, cache.key(material=[other], settings={"seed": 0}), cache.key(material=[sound], settings={"seed": 1})}
    assert len(keys | {cache.key(material=[sound], settings={"seed": 0})}) == 4


def test_what_is_finished_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "CACHE", tmp_path)
    done: list[int] = []

    def work() -> dict[str, float]:
        done.append(1)
        return {"gain": 1.5, "before": float("nan")}

    first = cache.kept("x", "lj + white 5 dB", "a", work)
    assert json.dumps(first) == json.dumps(cache.kept("x", "lj + white 5 dB", "a", work))
    assert len(done) == 1
    cache.kept("x", "lj + white 5 dB", "b", work)
    assert len(done) == 2


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    for mark, text in (("a", "old"), ("b", "kept"), ("a", "new")):
        results.replace_section(path, mark, text)
    assert re.findall(r"<!-- (\w) -->\n(\w+)\n<!-- /\1 -->", path.read_text()) == [("a", "new"), ("b", "kept")]


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_says_its_protocol_and_can_be_called(name: str) -> None:
    head = importlib.import_module(f"bench.{name}").__doc__ or ""
    for word in ("Material", "Split", "Conditions", "Measures", "Fairness"):
        assert f"\n{word}: " in head
    target = re.search(rf"^bench-{name}: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert target is not None
    assert f"-m bench.{name} " in target[1]


def test_files_do_one_thing() -> None:
    for path in (ROOT / "bench").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


def test_a_stranger_s_prior_is_decided_by_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    text = (
        "from dataclasses import dataclass\n"
        "from typing import Literal\n"
        "from audioprior.settings.priors import PriorSettings\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Mine(PriorSettings):\n"
        "    kind: Literal['mine'] = 'mine'\n"
        "    def build(self, *, planned_steps, generators, start=None):\n"
        "        from audioprior.priors.free import FreePrior\n"
        "        return FreePrior()\n"
    )
    keys = set()
    for version in (text, text + "# changed\n"):
        path.write_text(version)
        code, settings = cache.method_code(seat.method(f"{path}:Mine"))
        assert path in code
        keys.add(cache.key(code=code, settings=settings))
    assert len(keys) == 2
