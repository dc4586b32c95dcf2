"""Real footage, cut into fragments by ffmpeg: what another muxer writes is read, and the clip plays and holds."""

import re

import pytest
from tests.proof_lab import T0, Box, Lab, judged

from aigaq_verify import Verdict, fragment_times

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def fragments(ffmpeg, person_video, tmp_path_factory) -> tuple[bytes, list[bytes]]:
    """The initialisation segment and one fragment per second of a person in a room."""
    path = tmp_path_factory.mktemp("footage") / "fragments.mp4"
    flags = "frag_keyframe+empty_moov+default_base_moof+skip_trailer"
    ffmpeg("-i", person_video, "-c", "copy", "-movflags", flags, "-video_track_timescale", 90_000, "-f", "mp4", path)
    data = path.read_bytes()
    starts = [m.start() - 4 for m in re.finditer(b"moof", data) if data[m.start() + 8 : m.start() + 12] == b"mfhd"]
    return data[: starts[0]], [at_utc(data[a:b]) for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def at_utc(part: bytes) -> bytes:
    """The fragment with a clock that counts from 1970, as a station's does."""
    place = part.index(b"tfdt") + 8
    return (
        part[:place] + (int.from_bytes(part[place : place + 8], "big") + T0 * 90).to_bytes(8, "big") + part[place + 8 :]
    )


def recorded(init: bytes, parts: list[tuple[bytes, int, int]]) -> Box:
    """A box that recorded these parts, at the times of the footage itself."""
    box = Box(Lab(), init=init, begin=T0).enrol()
    for data, start, end in parts:
        box.segment(end - start, start=start, data=data)
    return box.seal()


def test_a_clip_of_real_footage_is_verified_and_plays(fragments, ffprobe, tmp_path):
    init, parts = fragments
    ticks = [fragment_times(part)[0] for part in parts]
    ends = [*ticks[1:], ticks[-1] + 90_000]
    box = recorded(init, [(p, a // 90, b // 90) for p, a, b in zip(parts, ticks, ends, strict=True)])
    files = box.files()
    assert judged(box).verdict is Verdict.VERIFIED
    played = tmp_path / "played.mp4"
    played.write_bytes(b"".join(files[name] for name in sorted(files) if name.startswith(("init/", "segments/"))))
    times = [float(t) for t in ffprobe("-show_entries", "packet=pts_time", "-of", "csv=p=0", played).split()]
    assert max(times) - min(times) == pytest.approx(8, abs=0.2)


def test_a_stolen_fragment_of_another_moment_fails(fragments):
    """The bytes are real and sealed, but their clock is not the row's: one moment shown as another."""
    init, parts = fragments
    box = recorded(init, [(parts[0], T0, T0 + 1_000), (parts[5], T0 + 1_000, T0 + 2_000)])
    assert judged(box).verdict is Verdict.FAILED
