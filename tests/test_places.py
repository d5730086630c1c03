"""Where results go: never over what is read, by whatever name; and names that begin with a dash."""

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from torch import Tensor

from audioprior.cli import main


def test_a_name_that_begins_with_a_dash_follows_two_dashes(
    tmp_path: Path, tone: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("-dash.wav", tone(440, 0.2)[0].numpy(), 16000)
    for arguments in (["declip", "--", "-dash.wav"], ["repair", "--step", "declip", "-o", "two.wav", "--", "-dash.wav"]):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert not exit_.value.code, capsys.readouterr().err
    assert (tmp_path / "-dash.declip.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()
    with pytest.raises(SystemExit):
        main(["declip", "-dash.wav"])
    assert "there is no option -dash.wav" in capsys.readouterr().err


@pytest.mark.parametrize("link", ["", "symbolic", "hard", "roundabout"])
@pytest.mark.parametrize("option", ["-o", "--removed", "--report"])
def test_the_input_is_never_the_output(
    option: str, link: str, tmp_path: Path, tone: Callable[..., Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    path, named = tmp_path / "x.wav", tmp_path / "x.wav"
    soundfile.write(path, tone(440, 0.2)[0].numpy(), 16000)
    before = path.read_bytes()
    if link == "symbolic":
        named = tmp_path / "link.wav"
        named.symlink_to(path)
    elif link == "hard":
        named = tmp_path / "link.wav"
        named.hardlink_to(path)
    elif link == "roundabout":
        (tmp_path / "in").mkdir()
        named = tmp_path / "in" / ".." / "x.wav"
    with pytest.raises(SystemExit) as exit_:
        main(["declip", str(path), option, str(named), "--force"])
    assert exit_.value.code == 2
    assert "which is never written over" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.declip.*"))


def test_nor_is_the_sidecar_the_snapshots_or_a_file_of_floats_the_input(
    tmp_path: Path, tone: Callable[..., Tensor], noise: Callable[..., Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    samples = (tone(440, 1.0) + noise(1.0))[0].numpy()
    soundfile.write(tmp_path / "x.wav", samples, 16000)
    soundfile.write(tmp_path / "y.wav.json", samples, 16000, format="WAV")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    x, json_ = str(tmp_path / "x.wav"), str(tmp_path / "y.wav.json")
    for arguments, message in (
        (["declip", json_, "-o", str(tmp_path / "y.wav")], "y.wav.json is the input itself"),
        (["denoise", x, "-m", "free", "--steps", "2", "--snapshots", x], "x.wav is the input itself"),
        (["declip", x, "-o", str(tmp_path / "x.flac")], "x.wav is the input itself"),  # where peaks would go
        (["declip", x, "-o", str(tmp_path / "z.wav"), "--removed", str(tmp_path / "z.wav")], "would be written twice"),
        (["denoise", x, "--noise", json_, "-o", str(tmp_path / "y.wav")], ""),  # refused, for whichever reason
    ):
        with pytest.raises(SystemExit) as exit_:
            main([*arguments, "--force"])
        assert exit_.value.code == 2
        assert message in capsys.readouterr().err
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
