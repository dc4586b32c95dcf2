"""Films as pictures and gaps: real encoders, real damage. What cannot be seen is told, and nothing else is."""

import io
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import pytest
from tests.conftest import encode

from aigaq.recount.errors import FilmEmptyError, FilmMissingError, FilmNoVideoError, FilmUnreadableError
from aigaq.recount.model import Gap, GapKind
from aigaq.recount.reading.film import Picture, Piece, film_facts, frames

Rounded = list[tuple[float, float, GapKind]]
VideoPacket: TypeAlias = "av.Packet[av.VideoStream]"
Edit = Callable[[int, VideoPacket], bytes | None]


def read(film: Path | Iterable[Piece], every_s: float = 0.0) -> tuple[list[Picture], list[Gap]]:
    told = list(frames(film, every_s=every_s))
    return [p for p in told if isinstance(p, Picture)], [g for g in told if isinstance(g, Gap)]


def rounded(gaps: list[Gap]) -> Rounded:
    return [(round(g.from_s, 2), round(g.to_s, 2), g.kind) for g in gaps]


def remux(source: Path, path: Path, edit: Edit, *, shift: Callable[[int], int] = lambda _: 0, times: int = 1) -> Path:
    """Copy packets by number; `edit` changes one or drops it, `shift` moves its time by so many tenths of a second."""
    with av.open(str(path), "w") as out:
        stream: av.VideoStream | None = None
        number = 0
        for _ in range(times):
            with av.open(str(source)) as container:
                stream = stream or out.add_stream_from_template(container.streams.video[0])
                for packet in container.demux(container.streams.video[0]):
                    if packet.dts is None:
                        continue
                    data = edit(number, packet)
                    if data is not None:
                        copy = av.Packet(data)
                        copy.time_base = Fraction(1, 10)
                        copy.pts = copy.dts = number + shift(number)
                        copy.is_keyframe = packet.is_keyframe
                        copy.stream = stream
                        out.mux(copy)
                    number += 1
    return path


def same(_: int, packet: VideoPacket) -> bytes:
    return bytes(packet)


def test_pictures_come_in_order_with_their_times(small_video: Path) -> None:
    pictures, gaps = read(small_video)
    assert [p.at_s for p in pictures] == pytest.approx([n / 10 for n in range(60)])
    assert gaps == []
    facts = film_facts(small_video)
    assert (facts.width, facts.height) == (640, 360)
    assert facts.seconds == pytest.approx(6, abs=0.2)


def test_only_some_pictures_are_taken(main_video: Path) -> None:
    pictures = [p for p in frames(main_video) if isinstance(p, Picture)]
    assert np.diff([p.at_s for p in pictures]) == pytest.approx(0.12)


def test_luma_is_the_films_own_and_colour_is_right(small_video: Path) -> None:
    pictures, _ = read(small_video)
    with av.open(str(small_video)) as container:
        wanted = [(f.to_ndarray(format="gray"), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    for picture, (luma, rgb) in list(zip(pictures, wanted, strict=True))[::15]:
        assert picture.grey.shape == luma.shape
        assert picture.small.shape == (270, 480, 3)
        half = picture.half(100, 60, 340, 260)
        assert half.shape == (100, 120, 3)
        full = rgb[60:260, 100:340].reshape(100, 2, 120, 2, 3).mean(axis=(1, 3))
        assert np.abs(half - full).mean() < 3


def test_a_hole_is_missing_and_never_bridged(small_video: Path, tmp_path: Path) -> None:
    film = remux(small_video, tmp_path / "hole.mp4", lambda n, p: None if 20 <= n < 40 else bytes(p))
    pictures, gaps = read(film)
    assert rounded(gaps) == [(1.9, 4.0, GapKind.MISSING)]
    assert not [p for p in pictures if 1.95 < p.at_s < 3.95]


def test_varying_frame_rates_are_no_gap(small_video: Path, tmp_path: Path) -> None:
    film = remux(small_video, tmp_path / "varying.mp4", same, shift=lambda n: n * 3 if n > 30 else 0)
    pictures, gaps = read(film)
    assert [g.kind for g in gaps] == [GapKind.MISSING]
    assert gaps[0].to_s - gaps[0].from_s > 5
    assert len(pictures) == 60
    film = remux(small_video, tmp_path / "slower.mp4", same, shift=lambda n: n // 2)
    pictures, gaps = read(film)
    assert gaps == []
    assert pictures[-1].at_s == pytest.approx(8.8)


def test_damage_lasts_until_the_next_key_frame(small_video: Path, tmp_path: Path) -> None:
    def broken(number: int, packet: VideoPacket) -> bytes:
        data = bytearray(packet)
        if number == 23:
            data[len(data) // 3 :] = bytes(len(data) - len(data) // 3)
        return bytes(data)

    pictures, gaps = read(remux(small_video, tmp_path / "damaged.mp4", broken))
    assert rounded(gaps) == [(2.2, 3.0, GapKind.DAMAGED)]
    assert not [p for p in pictures if 2.25 < p.at_s < 2.95]
    assert len(pictures) == 53


def test_a_looped_stretch_is_told_and_not_shown_again(small_video: Path, tmp_path: Path) -> None:
    pictures, gaps = read(remux(small_video, tmp_path / "looped.mp4", same, times=2))
    assert rounded(gaps) == [(6.0, 12.0, GapKind.LOOPED)]
    assert len(pictures) == 60


def test_a_cut_film_tells_what_its_head_promised(small_video: Path, tmp_path: Path, ffmpeg: Callable[..., str]) -> None:
    whole = tmp_path / "whole.mp4"
    ffmpeg("-i", small_video, "-c", "copy", "-movflags", "faststart", whole)
    data = whole.read_bytes()
    film = tmp_path / "cut.mp4"
    film.write_bytes(data[: len(data) // 2])
    pictures, gaps = read(film)
    assert 20 < len(pictures) < 40
    assert gaps[-1].to_s == pytest.approx(6, abs=0.2)
    assert gaps[-1].from_s == pytest.approx(pictures[-1].at_s, abs=0.11)


def pieces(film: Path) -> list[Piece]:
    """Fragments of a second each with one init, as sealed segments are (ISO 14496-12: boxes of size and name)."""
    file = io.BytesIO()
    with (
        av.open(str(film)) as container,
        av.open(file, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}) as out,
    ):
        stream = out.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(container.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    data, at, init, media = file.getvalue(), 0, b"", list[bytes]()
    while at < len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        box = data[at : at + size]
        at += size
        if name in (b"ftyp", b"moov"):
            init += box
        elif name == b"moof":
            media.append(box)
        elif name == b"mdat":
            media[-1] += box
    return [Piece(init, one) for one in media]


def test_pieces_are_one_film(small_video: Path, tmp_path: Path) -> None:
    parts = pieces(small_video)
    pictures, gaps = read(parts)
    assert [p.at_s for p in pictures] == pytest.approx([n / 10 for n in range(60)])
    assert gaps == []
    (tmp_path / "init").write_bytes(parts[0].init)  # type: ignore[arg-type]
    (tmp_path / "media").write_bytes(parts[0].media)  # type: ignore[arg-type]
    assert len(read([Piece(tmp_path / "init", tmp_path / "media"), *parts[1:]])[0]) == 60


def test_a_lost_and_a_broken_piece_are_gaps(small_video: Path) -> None:
    parts = pieces(small_video)
    _, gaps = read([*parts[:2], *parts[3:]])
    assert rounded(gaps) == [(1.9, 3.0, GapKind.MISSING)]
    _, gaps = read([*parts[:2], Piece(parts[2].init, b"\0" * 500), *parts[3:]])
    assert rounded(gaps) == [(1.9, 3.0, GapKind.DAMAGED)]
    _, gaps = read([*parts[:4], parts[1], parts[2], *parts[4:]])
    assert {g.kind for g in gaps} <= {GapKind.DAMAGED, GapKind.LOOPED}


def test_a_film_that_is_to_be_turned_is_turned(small_video: Path, tmp_path: Path, ffmpeg: Callable[..., str]) -> None:
    turned = tmp_path / "turned.mp4"
    ffmpeg("-i", small_video, "-c", "copy", "-metadata:s:v", "rotate=90", turned)
    (picture, *_), _ = read(turned)
    upright = tmp_path / "upright.mp4"
    ffmpeg("-i", turned, "-frames:v", "1", "-c:v", "libx264", "-qp", "1", upright)
    (wanted, *_), _ = read(upright)
    assert picture.grey.shape == wanted.grey.shape == (640, 360)
    assert np.abs(picture.grey.astype(int) - wanted.grey).mean() < 2


def test_what_is_no_film_is_refused(tmp_path: Path, small_video: Path) -> None:
    empty, text, cut = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "cut.mp4"
    empty.write_bytes(b"")
    text.write_text("no film at all\n" * 100)
    cut.write_bytes(small_video.read_bytes()[:3000])
    for path in (empty, text, cut):
        with pytest.raises(FilmUnreadableError):
            read(path)
    with pytest.raises(FilmMissingError):
        read(tmp_path / "nothing.mp4")
    with pytest.raises(FilmMissingError):
        read(tmp_path)
    with pytest.raises(FilmEmptyError):
        read([])


def test_sound_alone_and_postage_stamps_are_refused(tmp_path: Path) -> None:
    sound, tiny = tmp_path / "sound.wav", tmp_path / "tiny.mp4"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    encode(tiny, size=(32, 32), seconds=1)
    for path in (sound, tiny):
        with pytest.raises(FilmNoVideoError):
            read(path)


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bytes_never_do_more_than_leave_gaps(small_video: Path, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = bytearray(small_video.read_bytes())
    for at in rng.integers(0, len(data), 20):
        data[at] = rng.integers(256)
    film = tmp_path / "flipped.mp4"
    film.write_bytes(data)
    try:
        told = list(frames(film, every_s=0))
    except (FilmUnreadableError, FilmNoVideoError, FilmEmptyError):
        return
    times = [t.at_s if isinstance(t, Picture) else t.from_s for t in told]
    assert all(0 <= t < 1e6 for t in times)
    pictures = [t.at_s for t in told if isinstance(t, Picture)]
    assert pictures == sorted(pictures)
    for gap in (t for t in told if isinstance(t, Gap)):
        assert gap.from_s < gap.to_s
        assert not [p for p in pictures if gap.from_s < p < gap.to_s]
