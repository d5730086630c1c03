"""What a recording seems to lack: which tasks could help it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from audioprior.damage.clicks import find_clicks
from audioprior.damage.clipping import find_clipping
from audioprior.damage.cutoff import find_cutoff
from audioprior.damage.gaps import find_gaps
from audioprior.damage.steps import find_step
from audioprior.noise.floor import noise_power
from audioprior.noise.kinds import WINDOW_MS, kinds_of_noise
from audioprior.sound.recording import Recording
from audioprior.sound.source import Source, excerpt
from audioprior.sound.spectrum import Transform

_CLICKS_S = 15.0
_INAUDIBLE_DB = 38.0  # a noise this far below the sound is no reason to do anything
_CLICKS_A_S = 1.0  # fewer are as likely to belong to the sound
_CUTOFF_SHARE = 0.8  # of half the sample rate; a higher cutoff is the usual end of a recorder's range


@dataclass(frozen=True)
class Suggestion:
    """A task that could help a recording.

    Attributes:
        task: which.
        reason: what was found, in a sentence.
    """

    task: str
    reason: str


def suggest(source: Source) -> list[Suggestion]:
    """Return what could help a recording, the most certain first; looked for in a minute of it."""
    recording, _ = excerpt(source)
    if not recording.samples.any():
        return []
    return list(_suggestions(recording))


def _suggestions(recording: Recording) -> Iterator[Suggestion]:
    clipped = find_clipping(recording).findings
    if clipped:
        yield Suggestion("declip", f"{len(clipped)} peaks are cut off at one level: the recording is clipped.")
    gaps = find_gaps(recording).findings
    if gaps:
        longest = max(one.end_s - one.start_s for one in gaps)
        number = "1 gap" if len(gaps) == 1 else f"{len(gaps)} gaps"
        yield Suggestion("inpaint", f"{number} found, the longest {1000 * longest:.0f} ms.")
    if find_step(recording):
        yield Suggestion("dequantise", "The samples use few of their possible values: it was once stored in few bits.")
    short, _ = excerpt(recording, _CLICKS_S)
    clicks = find_clicks(short).findings
    if len(clicks) > _CLICKS_A_S * short.duration_s:
        yield Suggestion("declick", f"About {60 * len(clicks) / short.duration_s:.0f} clicks a minute.")
    noise = _noise(recording)
    if noise:
        yield noise
    cutoff = find_cutoff(recording)
    if cutoff and cutoff < _CUTOFF_SHARE * recording.sample_rate / 2:
        yield Suggestion("extend", f"Nothing lies above {cutoff:.0f} Hz; a higher band could be invented.")


def _noise(recording: Recording) -> Suggestion | None:
    transform = Transform.of(recording.sample_rate, WINDOW_MS)
    power = transform.analyse(recording.samples.float()).abs().square()
    noise = noise_power(power, transform)
    below_db = 10 * math.log10(float(power.mean() / noise.mean()) + 1e-20)
    if below_db > _INAUDIBLE_DB:
        return None
    names = " and ".join(one.name for one in kinds_of_noise(noise.mean(0), transform)) or "a noise"
    return Suggestion("denoise", f"{names[0].upper()}{names[1:]}, {below_db:.0f} dB below the sound.")
