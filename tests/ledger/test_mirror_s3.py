"""The mirror against a real S3: a Ceph cluster of one, with its RADOS gateway, all in memory."""

import asyncio
import base64
import hashlib
import hmac
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import obstore
import pytest
from obstore.store import from_url

from aigaq.base import SystemClock, from_ms, utc_ms
from aigaq.ledger import LastSigned, LogKey, Mirror, MirrorError, NationalLog
from aigaq.ledger.tiles import Tiles
from aigaq_verify import Checkpoint

pytestmark = pytest.mark.peer
ORIGIN = "log.example/vote-26"
ACCESS, SECRET, REGION = "AKIAMIRROR", "a secret of this test", "us-east-1"
CONFIG = """
[global]
fsid = {fsid}
mon_host = [v1:127.0.0.1:{port}]
public_addr = 127.0.0.1
ms_bind_msgr2 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_objectstore = memstore
memstore_device_bytes = 1073741824
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1
run_dir = {folder}
log_file = {folder}/$name.log
pid_file =
admin_socket =
mon_data = {folder}/mon
osd_data = {folder}/osd
rgw_data = {folder}/rgw
"""


@dataclass
class Ceph:
    """Its programs, in the foreground, each ended by its own handle."""

    folder: Path
    port: int
    programs: list[subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *words: object) -> None:
        command = [needed(str(words[0])), "-c", self.folder / "ceph.conf", *words[1:]]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    def start(self, *words: object) -> None:
        command = [needed(str(words[0])), "-c", self.folder / "ceph.conf", *words[1:], "-f"]
        with (self.folder / f"{words[0]}.out").open("wb") as out:
            self.programs.append(subprocess.Popen([*map(str, command)], stdout=out, stderr=out))

    def bucket(self, name: str) -> None:
        """`PUT /name`, signed as S3 wants it (AWS Signature Version 4)."""
        now = f"{from_ms(utc_ms(SystemClock())):%Y%m%dT%H%M%SZ}"
        nothing, scope = hashlib.sha256(b"").hexdigest(), f"{now[:8]}/{REGION}/s3/aws4_request"
        names = "host;x-amz-content-sha256;x-amz-date"
        host = self.url.removeprefix("http://")
        asked = f"PUT\n/{name}\n\nhost:{host}\nx-amz-content-sha256:{nothing}\nx-amz-date:{now}\n\n{names}\n{nothing}"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
        key = f"AWS4{SECRET}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        signed = f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, Signature={signature}"
        headers = {"x-amz-date": now, "x-amz-content-sha256": nothing, "Authorization": signed}
        answer = httpx2.put(f"{self.url}/{name}", headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text

    def stop(self) -> None:
        for program in reversed(self.programs):
            program.send_signal(signal.SIGKILL)
            program.wait()


def needed(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: apt-get install -y ceph-mon ceph-osd radosgw", pytrace=False)
    return found


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


@pytest.fixture(scope="module")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceph]:
    folder = tmp_path_factory.mktemp("ceph")
    monitor, gateway = free_ports()
    fsid = str(uuid.uuid4())
    (folder / "ceph.conf").write_text(CONFIG.format(fsid=fsid, port=monitor, folder=folder))
    for name in ("mon", "osd", "rgw"):
        (folder / name).mkdir()
    made = Ceph(folder, gateway, [])
    at = f"[v1:127.0.0.1:{monitor}]"
    try:
        made.run("monmaptool", "--create", "--addv", "a", at, "--fsid", fsid, folder / "monmap")
        made.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", folder / "monmap")
        made.start("ceph-mon", "-i", "a")
        made.run("ceph", "osd", "create")
        made.run("ceph-osd", "-i", "0", "--mkfs")
        made.start("ceph-osd", "-i", "0")
        made.start("radosgw", "-n", "client.rgw", f"--rgw_frontends=beast endpoint=127.0.0.1:{gateway}")
        made.run(
            "radosgw-admin", "user", "create", "--uid=mirror", "--display-name=mirror",
            f"--access-key={ACCESS}", f"--secret-key={SECRET}",
        )  # fmt: skip
        until = time.monotonic() + 60
        while not answers(made.url):
            assert time.monotonic() < until, (folder / "radosgw.out").read_text()
            time.sleep(0.1)
        made.bucket("log")
        yield made
    finally:
        made.stop()


def answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.fixture
def place(ceph: Ceph, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a mirror of this test's own, as an operator writes it, with the keys in the environment."""
    keys = {"ACCESS_KEY_ID": ACCESS, "SECRET_ACCESS_KEY": SECRET, "ENDPOINT_URL": ceph.url, "REGION": REGION}
    for name, value in {**keys, "ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return f"s3://log/{base64.b32encode(os.urandom(5)).decode()}"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[NationalLog]:
    last = LastSigned.open(tmp_path / "last-signed.sqlite")
    opened = NationalLog.open(tmp_path / "log", ORIGIN, LogKey.create(tmp_path / "log.key"), last)
    yield opened
    opened.close()
    last.close()


async def bring(mirror: Mirror, log: NationalLog) -> None:
    head = log.head
    await mirror.copy(head.size, head.note, lambda tile: log.tiles.data(*tile))


def check(place: str, log: NationalLog, folder: Path) -> None:
    """What lies there is the log, and nothing but it."""
    store = from_url(place)
    for some in obstore.list(store):
        for found in some:
            path = folder / found["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(obstore.get(store, found["path"]).bytes()))
    assert (folder / "checkpoint").read_bytes() == log.head.note
    assert Checkpoint.parse(log.head.note.decode().partition("\n\n")[0] + "\n").size == log.size
    tiles = Tiles(folder, log.size)
    assert tiles.root() == log.root
    assert list(tiles.check(log.root)) == []
    assert list(tiles.entries()) == [b"leaf %d" % n for n in range(log.size)]
    assert sum(path.is_file() for path in folder.rglob("*.p/*")) <= 3


async def test_a_log_grows_there_and_goes_on_after_a_restart(place, log, tmp_path):
    mirror = Mirror.open(place)
    for step, count in enumerate((3, 253, 1, 300, 700)):
        log.commit([b"leaf %d" % n for n in range(log.size, log.size + count)])
        if step == 3:
            mirror = Mirror.open(place)  # a program that starts knows nothing of what is there
        await bring(mirror, log)
        check(place, log, tmp_path / f"copy-{step}")


async def test_what_is_lost_there_is_brought_again(place, log, tmp_path):
    log.commit([b"leaf %d" % n for n in range(600)])
    await bring(Mirror.open(place), log)
    store = from_url(place)
    obstore.delete(store, ["tile/0/000", "tile/entries/001", "checkpoint"])
    obstore.put(store, "tile/0/002.p/3", b"of an older tree")
    await bring(Mirror.open(place), log)
    check(place, log, tmp_path / "copy")


@pytest.mark.parametrize(
    ("name", "value"),
    [("AWS_SECRET_ACCESS_KEY", "another"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9")],
    ids=["wrong key", "nobody there"],
)
async def test_a_store_that_refuses_is_told_and_the_next_copy_goes_on(place, log, tmp_path, monkeypatch, name, value):
    log.commit([b"leaf 0"])
    with monkeypatch.context() as wrong:
        wrong.setenv(name, value)
        with pytest.raises(MirrorError):
            await bring(Mirror.open(place), log)
    with pytest.raises(MirrorError):
        await bring(Mirror.open(place.replace("s3://log/", "s3://another/")), log)
    await bring(Mirror.open(place), log)
    check(place, log, tmp_path / "copy")


async def test_a_program_whose_store_is_away_still_ends_in_order(place, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    program = (
        "import asyncio, contextlib\nfrom aigaq.ledger import Mirror, MirrorError\n"
        f"with contextlib.suppress(MirrorError): asyncio.run(Mirror.open({place!r}).copy(1, b'', lambda tile: b''))\n"
    )
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await ended.wait() == 0
