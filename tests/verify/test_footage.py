"""Real footage, cut into fragments by ffmpeg: what another muxer writes is read, and the clip plays and holds."""

import re

import pytest

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
    return data[: starts[0]], [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def test_a_clip_of_real_footage_is_verified_and_plays(kit, fragments, ffprobe, tmp_path):
    init, parts = fragments
    ticks = [fragment_times(part)[0] for part in parts]
    maker = kit.Maker(init=init)
    for part, start, end in zip(parts, ticks, [*ticks[1:], ticks[-1] + 90_000], strict=True):
        maker.segment((end - start) // 90, start=start // 90, data=part)
    files = maker.files(start=0)
    assert maker.judge(files).verdict is Verdict.VERIFIED
    played = tmp_path / "played.mp4"
    played.write_bytes(b"".join(files[name] for name in sorted(files) if name.startswith(("init/", "segments/"))))
    assert float(ffprobe("-show_entries", "format=duration", "-of", "csv=p=0", played)) == pytest.approx(8, abs=0.2)


def test_a_stolen_fragment_of_another_moment_fails(kit, fragments):
    """The bytes are real and sealed, but their clock is not the row's: one moment shown as another."""
    init, parts = fragments
    maker = kit.Maker(init=init).segment(1_000, start=0, data=parts[0]).segment(1_000, start=1_000, data=parts[5])
    assert maker.judge(maker.files(start=0)).verdict is Verdict.FAILED
