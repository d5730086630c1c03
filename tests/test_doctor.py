"""What tells of an installation, and what makes a shell complete the command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from audioprior.cli import doctor, main


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    return int(exit_.value.code or 0)


def test_a_healthy_installation(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("doctor") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    for part in (
        "audioprior",
        "libsndfile",
        "cpu",
        "FLAC",
        "temporary folder",
        "self-test",
        *(p.name for p in doctor.PARTS),
    ):
        assert part in printed.out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("doctor", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["problems"] == []
    assert facts["self_test"]["gain_db"] > 10
    assert {"WAV", "FLAC"} <= set(facts["formats"]["reads, writes"])
    assert all(part["cure"] for part in facts["parts"])


def test_what_is_missing_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "installed", lambda name: None if name == "ray" else "1.0")
    monkeypatch.setenv("PATH", "")
    assert call("doctor") == 0  # nothing optional makes an installation ill
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert 'not found     batch --engine ray: pip install "audioprior[cluster]"' in lines["ray"]
    assert "your system's packages" in lines["ffmpeg"]
    assert "not found" not in lines["pesq"]


@pytest.mark.parametrize("module", ["torch", "soundfile"])
def test_a_broken_part_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert call("doctor", "--json") == 1
    printed = capsys.readouterr()
    facts = json.loads(printed.out)
    assert facts["problems"]
    for problem in facts["problems"]:
        assert problem.endswith("install audioprior again.")
    assert module in printed.err
    assert "Traceback" not in printed.err


def test_a_bad_result_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "_LEAST_GAIN_DB", 200.0)
    assert call("doctor") == 1
    assert "less than 200; report this with its versions." in capsys.readouterr().err


def completed(script: Path, *words: str) -> set[str]:
    """What a real bash offers for the last word."""
    code = f"""
source {script}
complete -p audioprior >/dev/null || exit 9
COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_audioprior
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True, check=True)
    return {line.strip() for line in done.stdout.splitlines()}


def test_bash_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("completion", "bash") == 0
    script = tmp_path / "audioprior"
    script.write_text(capsys.readouterr().out)
    assert completed(script, "audioprior", "de") == {"denoise", "declip", "declick", "dequantise"}
    assert completed(script, "audioprior", "denoise", "--stre") == {"--strength"}
    assert completed(script, "audioprior", "inpaint", "--fill", "") == {"mean", "sample"}


@pytest.mark.parametrize(
    ("shell", "marks"), [("zsh", ("#compdef audioprior", "denoise")), ("fish", ("complete -c audioprior",))]
)
def test_other_shells_get_a_script(shell: str, marks: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("completion", shell) == 0
    script = capsys.readouterr().out
    assert all(mark in script for mark in marks)
    assert script.splitlines()[-1].startswith("# Save this as ")
    assert call("completion", "tcsh") == 2


def test_neither_waits_for_torch() -> None:
    code = """
import sys
from audioprior.cli import app
for arguments in (["completion", "bash"], ["doctor", "--help"]):
    app(arguments, result_action="return_value")
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
