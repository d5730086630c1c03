"""Marks that people set in other programs."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.image import imsave

from audioprior.damage.marks import read_marks
from audioprior.errors import SettingsError

RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\n"


@pytest.mark.parametrize(
    ("name", "text", "gaps", "regions"),
    [
        ("a.txt", "0.5\t0.6\tdropout\n1\t1.2\tring\n\\\t2000\t3000\n", ((0.5, 0.6),), ((1.0, 1.2, 2000.0, 3000.0),)),
        ("a.txt", "\ufeff0.5\t0.6\tfrom a program that begins its files with a mark\n", ((0.5, 0.6),), ()),
        ("a.csv", "start,end\n0.5,0.6\n", ((0.5, 0.6),), ()),
        ("a.csv", "0.5,0.6\n1,2,what\n", ((0.5, 0.6), (1.0, 2.0)), ()),
        ("a.csv", "low,high,start,end\n100,200,1,2\n,,3,4\n", ((3.0, 4.0),), ((1.0, 2.0, 100.0, 200.0),)),
        ("a.tsv", RAVEN + "1\tWaveform 1\t1\t1.5\t2.5\t300\t900\n1\tSpectrogram 1\t1\t1.5\t2.5\t300\t900\n", (),
         ((1.5, 2.5, 300.0, 900.0),)),
    ],
)  # fmt: skip
def test_files_of_marks(tmp_path: Path, name: str, text: str, gaps: object, regions: object) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_marks(tmp_path / name, "unused.wav") == (gaps, regions)


def test_a_painted_mask(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros(8000), 8000)  # one second, up to 4 kHz
    mask = np.zeros((40, 100))
    mask[:, 10:20] = 1  # all frequencies
    mask[0:10, 50:60] = 1  # the top quarter: 3 to 4 kHz
    imsave(tmp_path / "mask.png", mask, cmap="gray")
    gaps, regions = read_marks(tmp_path / "mask.png", str(tmp_path / "x.wav"))
    assert np.allclose(gaps, [(0.1, 0.2)])
    assert np.allclose(regions, [(0.5, 0.6, 3000.0, 4000.0)])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "", "marks nothing"),
        ("a.txt", "not a number\t2\n", "is no file of marks"),
        ("a.csv", "start,low\n1,2\n", "no column with the ends"),
        ("a.png", "no picture", "is no file of marks"),
        ("gone.txt", None, "cannot be read"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=message):
        read_marks(tmp_path / name, "unused.wav")
