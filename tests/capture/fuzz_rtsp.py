"""Fuzzes what a hostile camera can reach: RTSP client, description, depacketizers, parameter sets, the pipeline behind.

Run by hand for long, or by `test_fuzz.py` for a few seconds: `python tests/capture/fuzz_rtsp.py -runs=20000 -seed=1`.
"""

import struct
import sys

import atheris

with atheris.instrument_imports(include=["aigaq.capture"]):
    from aigaq.capture.errors import CaptureError
    from aigaq.capture.pipeline import Pipeline
    from aigaq.capture.receiver import VideoReceiver
    from aigaq.capture.rtsp import RtspClient, State
    from aigaq.capture.wire import parse_address

SDP = {
    "H264": "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 sprop-parameter-sets=Z0LAH9oBQBbpUgAAAwACAAADAGEeKEpA,aM4yyA==\r\n",
    "H265": "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n",
}


class Nowhere:
    def init(self, init): ...
    def part(self, part):
        assert part.duration > 0
        assert len(part.data) < 40_000_000

    def segment_end(self, end):
        assert end.duration > 0

    def stopped(self, cause, detail): ...


def answer(cseq, body="", more=""):
    return f"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nSession: 1\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}".encode()


class Rig:
    """A client, either fresh or already playing, with everything behind it."""

    def __init__(self, codec):
        self.pipeline = Pipeline(Nowhere())
        self.receiver = VideoReceiver(self.pipeline)
        self.client = RtspClient(
            parse_address("rtsp://u:p@x/"), self.receiver, username="u", password="p", cnonce=lambda: "c"
        )
        self.ns, self.rest = 10**9, b""
        self.client.start(1.0)
        if codec:
            self.feed(answer(1) + answer(2, SDP[codec]) + answer(3) + answer(4))
            assert self.client.state is State.PLAYING

    def feed(self, data):
        self.ns += 40_000_000
        self.receiver.utc_ns, self.receiver.monotonic_ns = 10**18 + self.ns, self.ns
        data = self.rest + data
        used = self.client.feed(memoryview(data + b"RTSP/1.0 $" * 9), 0, len(data), self.ns / 1e9)
        assert 0 <= used <= len(data)
        self.rest = data[used:]
        assert len(self.rest) < 262_144
        self.client.on_time(self.ns / 1e9)
        self.client.output()


def rtp(provider, sequence):
    """A packet that is nearly right, or not."""
    head = struct.pack(
        ">BBHII",
        provider.PickValueInList([0x80, 0x80, 0x80, 0x90, 0xA0, 0xB3]),
        provider.PickValueInList([96, 96, 96 | 128]),
        (sequence + provider.PickValueInList([0, 0, 0, 1, 40_000])) & 0xFFFF,
        provider.PickValueInList([0, 3600, 7200, 2**32 - 1]),
        1,
    )
    start = provider.PickValueInList(
        [b"", b"\x67", b"\x68", b"\x65", b"\x7c\x85", b"\x7c\x05", b"\x7c\x45", b"\x78\0\4", b"\x62\1\x93"]
    )
    return head + start + provider.ConsumeBytes(provider.ConsumeIntInRange(0, 60))


def one(data):
    provider = atheris.FuzzedDataProvider(data)
    try:
        rig = Rig(provider.PickValueInList([None, "H264", "H265"]))
        for sequence in range(64):
            if not provider.remaining_bytes():
                break
            if provider.ConsumeBool():
                packet = rtp(provider, sequence)
                rig.feed(b"$\0" + struct.pack(">H", len(packet)) + packet)
            else:
                rig.feed(provider.ConsumeBytes(provider.ConsumeIntInRange(0, 200)))
        rig.pipeline.flush()
    except CaptureError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
