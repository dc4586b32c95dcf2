"""A plain mp4 of a clip: the same pictures in a container that every phone plays. Derived, and marked as such."""

import io
import tempfile
from pathlib import Path
from typing import Final

import av
from av import Packet
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from aigaq.archive.clip import Clip
from aigaq.archive.errors import CannotDecodeError, MixedCodecsError
from aigaq.archive.footage import Footage
from aigaq.archive.model import Row

COMMENT: Final = (
    "Derived copy without proof. The evidence is clip.zip of the same interval; check that with aigaq-verify."
)


def make_plain(clip: Clip, footage: Footage, folder: Path) -> Path:
    """Write the plain mp4 into a new file in `folder`; nothing is encoded anew.

    Raises:
        MixedCodecsError: the picture changed inside.
        CannotDecodeError: the footage cannot be read.
    """
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".mp4", delete=False) as file:
        path = Path(file.name)
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as out:
            out.metadata["comment"] = COMMENT
            out.metadata["title"] = clip.file_name
            _Copy(clip, footage, out).run()
    except FFmpegError as error:
        path.unlink()
        raise CannotDecodeError("/".join(clip.key), problem=str(error)) from error
    except BaseException:
        path.unlink()
        raise
    return path


class _Copy:
    """Copies packets segment by segment, so that an hour never stands in memory."""

    def __init__(self, clip: Clip, footage: Footage, out: OutputContainer) -> None:
        self._clip = clip
        self._footage = footage
        self._out = out
        self._stream: VideoStream | None = None
        self._shape: tuple[str, int, int] | None = None
        self._begin: int | None = None
        self._last = -1

    def run(self) -> None:
        for row in self._clip.segments:
            data = self._footage.init(row.init or b"") + self._footage.segment(row)
            with av.open(io.BytesIO(data), "r", format="mp4") as container:
                self._segment(row, container)

    def _segment(self, row: Row, container: InputContainer) -> None:
        source = container.streams.video[0]
        shape = (source.codec_context.name, source.width, source.height)
        if self._stream is None:
            self._stream = self._out.add_stream_from_template(source)
            self._shape, self._begin = shape, row.start_ticks
        elif shape != self._shape:
            raise MixedCodecsError("/".join(self._clip.key))
        for packet in container.demux(source):
            if packet.dts is None or packet.pts is None:
                continue
            self._mux(packet, self._begin or 0)

    def _mux(self, packet: "Packet[VideoStream]", begin: int) -> None:
        """Times relative to the first segment, so that a gap stays a gap; never backward, which no mp4 can hold."""
        offset = (packet.pts or 0) - (packet.dts or 0)
        packet.dts = max((packet.dts or 0) - begin, self._last + 1)
        packet.pts = packet.dts + offset
        self._last = packet.dts
        if self._stream is not None:
            packet.stream = self._stream
            self._out.mux(packet)
