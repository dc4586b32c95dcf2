"""Session descriptions as cameras write them."""

from hypothesis import given
from hypothesis import strategies as st

from aigaq.capture.sdp import MAX_MEDIA, parse_sdp

CAMERA = """v=0\r
o=- 1109162014219182 1109162014219192 IN IP4 0.0.0.0\r
s=Media Presentation\r
a=control:rtsp://10.0.0.2:554/Streaming/\r
t=0 0\r
m=audio 0 RTP/AVP 8\r
a=control:trackID=2\r
m=video 0 RTP/AVP 96\r
b=AS:5000\r
a=control:trackID=1\r
a=framerate:25.0\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 profile-level-id=420029; packetization-mode=1; Sprop-Parameter-Sets=Z0IAKeKQ,aM48gA==\r
m=application 0 RTP/AVP 107\r
a=rtpmap:107 vnd.onvif.metadata/90000\r
"""


def test_a_camera():
    description = parse_sdp(CAMERA)
    assert description.control == "rtsp://10.0.0.2:554/Streaming/"
    (video,) = description.videos()
    assert (video.encoding, video.clock_rate, video.payload_type) == ("H264", 90000, 96)
    assert video.control == "trackID=1"
    assert video.parameters["sprop-parameter-sets"] == "Z0IAKeKQ,aM48gA=="
    (audio,) = description.audios()
    assert (audio.encoding, audio.clock_rate) == ("PCMA", 8000)
    assert [m.kind for m in description.media] == ["audio", "video", "application"]


def test_attributes_of_another_payload_type_are_not_mixed_in():
    text = "m=video 0 RTP/AVP 97 96\na=rtpmap:96 H265/90000\na=rtpmap:97 H264/90000\na=fmtp:96 x=1\na=fmtp:97 x=2"
    (video,) = parse_sdp(text).videos()
    assert (video.encoding, video.parameters) == ("H264", {"x": "2"})


def test_what_lies_is_absent():
    text = "m=video\nm=video 0 RTP/AVP x\na=rtpmap:x H264/0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/0"
    first, second, third = parse_sdp(text).videos()
    assert first.payload_type == second.payload_type == -1
    assert third.clock_rate == 90000


def test_ten_thousand_media_sections_are_cut():
    assert len(parse_sdp("m=video 0 RTP/AVP 96\n" * 10_000).media) == MAX_MEDIA


def test_ten_thousand_attributes_are_read():
    text = "m=video 0 RTP/AVP 96\n" + "a=x:y\n" * 10_000 + "a=rtpmap:96 H264/90000\n"
    assert parse_sdp(text).videos()[0].encoding == "H264"


@given(st.text() | st.lists(st.sampled_from(CAMERA.splitlines()) | st.text(max_size=20)).map("\n".join))
def test_any_text_is_read(text):
    for media in parse_sdp(text).media:
        assert media.clock_rate > 0
