"""What belongs to a recording stays in what is made of it, whole, or is told of: the inputs' bytes are written by hand."""

import json
import struct
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.aiff import AIFF
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, COMM, ID3, TIT2, TPE1, TXXX
from mutagen.wave import WAVE

from audioprior.cli import main
from audioprior.sound.chunks import MOST_BYTES, append, info, layout
from audioprior.sound.encoding import Encoding
from audioprior.sound.metadata import carry, valid_bits
from audioprior.sound.source import open_source
from audioprior.tasks import Denoise, Run
from audioprior.web.copies import draw
from audioprior.web.worker import restore

RATE = 16000
NOISE = np.random.default_rng(0).normal(0, 0.05, (3200, 4)) + 0.3 * np.sin(np.arange(3200) / 5)[:, None]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


def denoise(path: Path, *options: str | Path) -> dict[str, Any]:
    """Restore a file, and return its sidecar."""
    with pytest.raises(SystemExit) as exit_:
        main(["denoise", str(path), "-m", "free", "--steps", "2", "-q", *map(str, options)])
    assert not exit_.value.code
    out = Path(options[options.index("-o") + 1]) if "-o" in options else path.with_suffix(f".denoise{path.suffix}")
    content: dict[str, Any] = json.loads(out.with_name(f"{out.name}.json").read_text())
    return content


def chunk(kind: bytes, content: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}4sI", kind, len(content)) + content + b"\0" * (len(content) % 2)


def wave(path: Path, *chunks: bytes, fmt: bytes = b"", samples: bytes = b"") -> Path:
    """Write a mono 16-bit WAV file with further chunks, some before its samples."""
    fmt = fmt or struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    samples = samples or (NOISE[:, 0] * 32768).astype("<i2").tobytes()
    half = len(chunks) // 2
    body = b"WAVE" + chunk(b"fmt ", fmt) + b"".join(chunks[:half]) + chunk(b"data", samples) + b"".join(chunks[half:])
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def contents(path: Path) -> dict[bytes, list[bytes]]:
    """Return the contents of a file's chunks, and see that the file ends where its header says."""
    held, raw = layout(path), path.read_bytes()
    assert held is not None
    assert struct.unpack_from(">I" if held.aiff else "<I", raw, 4)[0] == len(raw) - 8
    found: dict[bytes, list[bytes]] = {}
    for one in held.chunks:
        found.setdefault(one.kind, []).append(held.read(one))
    return found


def bext(version: int = 1, since: int = 48000, history: bytes = b"A=ANALOGUE,T=reel\r\n") -> bytes:
    head = b"Interview".ljust(256, b"\0") + b"Archive".ljust(32, b"\0") + b"X1".ljust(32, b"\0") + b"2001-02-0310:11:12"
    return (head + struct.pack("<QH", since, version) + bytes(64) + struct.pack("<5h", 1, 2, 3, 4, 5)).ljust(
        602, b"\0"
    ) + history


CUE = struct.pack("<I", 1) + struct.pack("<II4sIII", 1, 1000, b"data", 0, 0, 1000)
ADTL = b"adtl" + chunk(b"labl", struct.pack("<I", 1) + b"chorus\0")
ADTL += chunk(b"ltxt", struct.pack("<II4sHHHH", 1, 500, b"rgn ", 0, 0, 0, 0))
SMPL = struct.pack("<9I", 0, 0, 62500, 60, 0, 0, 0, 1, 0) + struct.pack("<6I", 0, 0, 100, 900, 0, 0)
INFO = b"INFO" + chunk(b"INAM", b"Caf\xc3\xa9\0") + chunk(b"IENG", b"The engineer\0") + chunk(b"ISFT", b"Recorder 1\0")


def test_the_chunks_of_a_wav_file_stay(tmp_path: Path) -> None:
    tag = ID3()
    tag.add(TPE1(encoding=3, text=["One", "Two"]))
    tag.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=PNG))
    tag.add(TXXX(encoding=3, desc="replaygain_track_gain", text="-3 dB"))
    tag.save(tmp_path / "id3")
    ixml = b"<BWFXML><SCENE>1</SCENE></BWFXML>!"
    kept = {b"iXML": ixml, b"cue ": CUE, b"smpl": SMPL, b"axml": b"<x/>"}
    path = wave(
        tmp_path / "x.wav",
        chunk(b"bext", bext()),
        *(chunk(kind, content) for kind, content in kept.items()),
        chunk(b"LIST", INFO),
        chunk(b"LIST", ADTL),
        chunk(b"id3 ", (tmp_path / "id3").read_bytes()),
    )
    told = denoise(path, "--removed", tmp_path / "removed.wav")
    assert told["notes"] == ["ReplayGain is left out: it is of the old sound."]
    for out in (tmp_path / "x.denoise.wav", tmp_path / "removed.wav"):
        found = contents(out)
        assert {kind: found[kind] for kind in kept} == {kind: [content] for kind, content in kept.items()}
        assert sorted(found[b"LIST"]) == sorted([INFO, ADTL])  # one list of texts, as it was
        (broadcast,) = found[b"bext"]
        assert broadcast.startswith(bext()[:602] + b"A=ANALOGUE,T=reel\r\nA=PCM,F=16000,W=16,M=mono,T=audioprior ")
        assert broadcast.endswith(b"\r\n")
        tags: Any = WAVE(out).tags
        assert tags["TPE1"].text == ["One", "Two"]
        assert tags["APIC:"].data == PNG
        assert not [key for key in tags if "replaygain" in key.lower()]
        assert soundfile.info(out).frames == 3200
        assert soundfile.SoundFile(out).title == "Café"


def test_the_loudness_in_bext_is_left_out_and_a_history_begins(tmp_path: Path) -> None:
    told = denoise(wave(tmp_path / "x.wav", chunk(b"bext", bext(2, history=b"")), chunk(b"levl", bytes(40))))
    (broadcast,) = contents(tmp_path / "x.denoise.wav")[b"bext"]
    assert broadcast[412:422] == b"\xff\x7f" * 5
    assert broadcast[602:].startswith(b"A=PCM,F=16000,")
    assert told["notes"][0] == "the loudness in bext is left out: it is of the old sound."
    assert "levl (peaks of the old sound)" in told["notes"][1]


def test_what_counts_samples_counts_those_of_the_new_rate(tmp_path: Path) -> None:
    chunks = (chunk(b"cue ", CUE), chunk(b"LIST", ADTL), chunk(b"smpl", SMPL), chunk(b"bext", bext()))
    path, out = wave(tmp_path / "x.wav", *chunks), tmp_path / "y.wav"
    soundfile.write(out, NOISE[:, 0], 48000, "PCM_16")
    assert carry(path, out, Encoding("WAV", "PCM_16")) == ()
    found = contents(out)
    assert struct.unpack("<7I", found[b"cue "][0][:16] + found[b"cue "][0][16:])[2] == 3000
    assert struct.unpack_from("<I", found[b"cue "][0], 24)[0] == 3000
    assert struct.unpack_from("<2I", found[b"smpl"][0], 44) == (300, 2700)
    assert struct.unpack_from("<I", info(found[b"LIST"][0])[1][1], 4)[0] == 1500
    assert struct.unpack_from("<Q", found[b"bext"][0], 338)[0] == 3 * 48000


@pytest.mark.parametrize("ending", ["flac", "ogg", "mp3", "aiff", "w64"])
def test_what_another_format_does_not_hold_is_named(ending: str, tmp_path: Path) -> None:
    path = wave(tmp_path / "x.wav", chunk(b"bext", bext()), chunk(b"cue ", CUE), chunk(b"LIST", ADTL), chunk(b"LIST", INFO))
    out = tmp_path / f"y.{ending}"
    (note,) = denoise(path, "-o", out)["notes"]
    for what in ("bext", "cue", "LIST/adtl", *(("ENGINEER", "TITLE") if ending == "w64" else ())):
        assert what in note
    assert ending == "w64" or "ENGINEER" not in note
    tags = mutagen.File(out)
    if ending in ("flac", "ogg"):
        assert (tags["engineer"], tags["title"], tags["software"]) == (["The engineer"], ["Café"], ["Recorder 1"])
    elif ending != "w64":
        assert (tags["TIT2"].text, tags["TXXX:ENGINEER"].text) == (["Café"], ["The engineer"])


def tagged(path: Path) -> Path:
    """Write a FLAC file with all that one can hold."""
    soundfile.write(path, NOISE[:, 0], RATE, "PCM_16")
    file, picture = FLAC(path), Picture()
    picture.type, picture.mime, picture.desc, picture.data = 3, "image/png", "front", PNG
    file.add_picture(picture)
    file["title"], file["artist"], file["catalognumber"] = ["Seite Ä"], ["First", "Second"], ["ABC-1"]
    file["replaygain_album_gain"] = ["-7 dB"]
    file.save()
    return path


@pytest.mark.parametrize("ending", ["flac", "ogg", "opus", "mp3", "aiff", "wav"])
def test_all_values_and_pictures_stay_whatever_the_format(ending: str, tmp_path: Path) -> None:
    out = tmp_path / f"y.{ending}"
    assert denoise(tagged(tmp_path / "x.flac"), "-o", out)["notes"] == ["ReplayGain is left out: it is of the old sound."]
    tags = mutagen.File(out)
    if ending in ("flac", "ogg", "opus"):
        assert {key.lower(): value for key, value in tags.items() if key != "metadata_block_picture"} == {
            "title": ["Seite Ä"], "artist": ["First", "Second"], "catalognumber": ["ABC-1"],
        }  # fmt: skip
        import base64

        pictures = tags.pictures if ending == "flac" else [Picture(base64.b64decode(tags["metadata_block_picture"][0]))]
        assert [(one.data, one.desc, one.type) for one in pictures] == [(PNG, "front", 3)]
    else:
        assert tags["TIT2"].text == ["Seite Ä"]
        assert tags["TPE1"].text == ["First", "Second"]
        assert tags["TXXX:CATALOGNUMBER"].text == ["ABC-1"]
        assert tags["APIC:front"].data == PNG
    # And back again.
    again = tmp_path / "z.flac"
    denoise(out, "-o", again)
    back = FLAC(again)
    assert (back["title"], back["artist"], back["catalognumber"]) == (["Seite Ä"], ["First", "Second"], ["ABC-1"])
    assert [one.data for one in back.pictures] == [PNG]


def test_an_mp3_gives_its_frames_to_flac(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    soundfile.write(path, NOISE[:, 0], RATE, format="MP3")
    tag = ID3()
    for frame in (
        TIT2(encoding=1, text=["Ω"]),
        COMM(encoding=3, lang="deu", desc="", text=["gut"]),
        TXXX(desc="Mic", text="U 47"),
    ):
        tag.add(frame)
    tag.save(path)
    denoise(path, "-o", tmp_path / "y.flac")
    held = FLAC(tmp_path / "y.flac")
    assert (held["title"], held["comment"], held["mic"]) == (["Ω"], ["gut"], ["U 47"])


def test_aiff_keeps_its_texts_marks_and_id3(tmp_path: Path) -> None:
    path = tmp_path / "x.aiff"
    soundfile.write(path, NOISE[:, 0], RATE, "PCM_16")
    marks = struct.pack(">HHI", 1, 1, 1000) + b"\x05verse"
    texts = [(b"ANNO", b"one"), (b"ANNO", b"two"), (b"(c) ", b"\xc3\xa9 2001")]
    assert append(path, [*texts, (b"MARK", marks)])
    file: Any = AIFF(path)
    file.add_tags()
    file.tags.add(TPE1(encoding=3, text=["A", "B"]))
    file.save()
    assert denoise(path)["notes"] == []
    found = contents(tmp_path / "x.denoise.aiff")
    assert (found[b"ANNO"], found[b"(c) "], found[b"MARK"]) == ([b"one", b"two"], [b"\xc3\xa9 2001"], [marks])
    assert mutagen.File(tmp_path / "x.denoise.aiff").tags["TPE1"].text == ["A", "B"]


def extensible(channels: int, stored: int, valid: int, mask: int, guid: bytes) -> bytes:
    block = channels * stored // 8
    return struct.pack("<HHIIHHHHI", 0xFFFE, channels, RATE, RATE * block, block, stored, 22, valid, mask) + guid


PCM = bytes.fromhex("0100000000001000800000aa00389b71")
AMBISONIC = bytes.fromhex("010000002107d3118644c8c1ca000000")


@pytest.mark.parametrize(("mask", "guid"), [(0, PCM), (0, AMBISONIC), (0x107, PCM)])
def test_the_channel_mask_stays(mask: int, guid: bytes, tmp_path: Path) -> None:
    samples = (NOISE * 32768).astype("<i2").tobytes()
    path = wave(tmp_path / "x.wav", fmt=extensible(4, 16, 16, mask, guid), samples=samples)
    assert denoise(path)["notes"] == []
    (fmt,) = contents(tmp_path / "x.denoise.wav")[b"fmt "]
    assert struct.unpack_from("<I", fmt, 20)[0] == mask
    assert fmt[24:40] == guid
    denoise(path, "-o", tmp_path / "y.flac")
    assert FLAC(tmp_path / "y.flac")["waveformatextensible_channel_mask"] == [f"{mask:#x}"]
    (note,) = denoise(path, "-o", tmp_path / "y.aiff")["notes"]
    assert "the channel mask" in note


def test_24_valid_bits_of_32_stay_with_a_low_byte_of_zero(tmp_path: Path) -> None:
    integers = (NOISE[:, :1] * 2**23).astype("<i4") << 8
    path = wave(tmp_path / "x.wav", fmt=extensible(1, 32, 24, 4, PCM), samples=integers.tobytes())
    assert valid_bits(path) == 24
    denoise(path, "--removed", tmp_path / "removed.wav")
    held = {}
    for name in ("x.denoise.wav", "removed.wav"):
        (fmt,) = contents(tmp_path / name)[b"fmt "]
        assert struct.unpack_from("<H", fmt, 18)[0] == 24
        held[name] = np.frombuffer(contents(tmp_path / name)[b"data"][0], "<i4")
        assert not (held[name] & 255).any()
        assert held[name].any()
    assert np.array_equal(sum(held.values()), integers[:, 0])
    # A header that says less than there is is not believed.
    path = wave(tmp_path / "y.wav", fmt=extensible(1, 32, 16, 4, PCM), samples=integers.tobytes())
    denoise(path)
    samples = np.frombuffer(contents(tmp_path / "y.denoise.wav")[b"data"][0], "<i4")
    assert (samples & 0xFFFF).any()


@pytest.mark.parametrize("hostile", ["size", "id3", "info", "many", "picture"])
def test_no_size_in_a_header_is_believed(hostile: str, tmp_path: Path) -> None:
    broken: dict[str, Sequence[bytes]] = {
        "size": [b"", b"iXML" + struct.pack("<I", 2**32 - 1) + b"<short/>"],
        "id3": [chunk(b"id3 ", b"ID3\4\0\0\x7f\x7f\x7f\x7f" + b"APIC\x7f\x7f\x7f\x7f\0\0")],
        "info": [chunk(b"LIST", b"INFOINAM" + struct.pack("<I", 2**32 - 1) + b"cut")],
        "many": [b"", *([chunk(b"abcd", b"")] * 10000)],
        "picture": [b"", chunk(b"huge", bytes(MOST_BYTES + 1))],
    }
    path = wave(tmp_path / "x.wav", *broken[hostile][1:] or broken[hostile])
    out = tmp_path / "y.wav"
    soundfile.write(out, NOISE[:, 0], RATE, "PCM_16")
    tracemalloc.start()
    notes = carry(path, out, Encoding("WAV", "PCM_16"))
    assert tracemalloc.get_traced_memory()[1] < 4 * MOST_BYTES
    tracemalloc.stop()
    assert soundfile.info(out).frames == 3200
    contents(out)
    assert ("huge" in "".join(notes)) == (hostile == "picture")


def test_a_page_a_pipe_and_a_batch_carry_the_same(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = tagged(tmp_path / "x.flac")
    with pytest.raises(SystemExit) as exit_:
        main(["batch", str(path), "-o", str(tmp_path / "out"), "-m", "nmf", "--set", "device=cpu", "-q"])
    assert not exit_.value.code
    job = tmp_path / "recording" / "jobs" / "1"
    job.mkdir(parents=True)
    with open_source(path) as source:
        draw(tmp_path / "recording" / "before.wav", source)
    summary = restore(job, path, Run.of(Denoise(), "nmf"), 0.0, lambda _: None)
    assert summary["notes"] == ["ReplayGain is left out: it is of the old sound."]
    capfdbinary.readouterr()
    with pytest.raises(SystemExit):
        main(["denoise", str(path), "-m", "nmf", "-q", "-o", "-"])
    (tmp_path / "piped.flac").write_bytes(capfdbinary.readouterr().out)
    for out in (tmp_path / "out" / "x.denoise.flac", job / "out" / "x.denoise.flac", tmp_path / "piped.flac"):
        held = FLAC(out)
        assert held["artist"] == ["First", "Second"]
        assert [one.data for one in held.pictures] == [PNG]
