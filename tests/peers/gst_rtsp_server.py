"""GStreamer's RTSP server as a peer: serves H.264 or H.265 mp4 files as they are. Runs under the system's Python.

gst_rtsp_server.py [--codec h264|h265] name=file.mp4 …   prints the port on one line, then serves until killed.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - versions are chosen first

words = sys.argv[1:]
codec = "h264"
if words[:1] == ["--codec"]:
    codec, words = words[1], words[2:]
Gst.init(None)
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service("0")
for word in words:
    name, _, path = word.partition("=")
    factory = GstRtspServer.RTSPMediaFactory.new()
    launch = (
        f'( filesrc location="{path}" ! qtdemux ! {codec}parse ! rtp{codec}pay name=pay0 pt=96 config-interval=-1 )'
    )
    factory.set_launch(launch)
    factory.set_shared(False)
    server.get_mount_points().add_factory("/" + name, factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
