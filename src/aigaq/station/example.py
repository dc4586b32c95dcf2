"""The settings file that `aigaq station init` writes: every key, explained, ready to be filled in."""

from string import Template
from typing import Final

_TOML: Final = Template("""\
# Settings of one box. Relative paths are relative to this file. `aigaq station check` tries everything out.

[station]
election = "$election"
id = "$station"
data = "data"                    # journal, footage, log; on the disk that is meant for footage
log_domain = "$log_domain"       # the electoral authority's domain; with election and id it names the station's log
# identity = "data/identity.key" # made by `aigaq station init`; keep it secret, never copy it to a second box

# The centre that receives footage. Without this section the box only records.
$center

$optical

# When footage is owed, with UTC offset. Without this section: always.
# [duty]
# start = 2027-03-14T06:30:00+05:00
# end = 2027-03-15T06:00:00+05:00

[limits]
min_free_hours = 2               # duty does not begin with room for less footage
main_mbps = 4.0                  # expected bit rate of one camera, to reckon hours
sub_mbps = 0.3
# uplink_mbps = 10               # whole uplink; live goes first, the main streams take what is left
# reserve_mb = 64                # kept free for the journal: with less, footage becomes a signed gap
# backlog_mb = 64                # footage that may wait in memory for a slow disk
# sync_parts = true              # a power cut then costs half a second instead of a segment; more disk work

# One section for each camera. zone: issuing_desk, ballot_box, booth_entrance, observer_area, counting_table.
# main is recorded for the count, sub (640x360, about 0.3 Mb/s) is what the public watches live.
[[cameras]]
id = "ballot-box"
zone = "ballot_box"
main = "rtsp://192.168.1.11:554/main"
sub = "rtsp://192.168.1.11:554/sub"
username = "viewer"
password_file = "camera-password.txt"   # one line, readable by the owner alone; or password = "..."
""")
_CENTER: Final = Template("""\
[center]
url = "$url"
vkey = "$vkey"     # the centre's public key: only its receipts count
$trust                           # trust file: the national log and its witnesses, as published""")
_NO_CENTER: Final = """\
# [center]
# url = "https://center.example"
# vkey = "..."                   # the centre's public key, as `aigaq center init` printed it
# trust = "policy.txt"           # trust file: the national log and its witnesses, as published"""
_OPTICAL: Final = """\
# A page with a blinking patch for a phone, tablet or LED screen in view of a camera: it exposes a recording that is
# played in place of the camera. 0.0.0.0 lets a phone in the box's own network open it.
# [optical]
# listen = "0.0.0.0:8090\""""


def example_toml(
    *, election: str, station: str, log_domain: str, center_url: str = "", center_vkey: str = "",
    trust: str = "",
) -> str:  # fmt: skip
    """A settings file to start from."""
    line = f'trust = "{trust}"' if trust else '# trust = "policy.txt"'
    center = _CENTER.substitute(url=center_url, vkey=center_vkey, trust=line) if center_url else _NO_CENTER
    return _TOML.substitute(election=election, station=station, log_domain=log_domain, center=center, optical=_OPTICAL)
