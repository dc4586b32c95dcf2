"""What an operator could try. Each attack uses the keys and files that its attacker would have, and nothing else."""

import asyncio
import base64
import hashlib
import io
import json
import shutil
import sqlite3
import sys
import time
import zipfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import httpx2

from aigaq.app.demo_files import HOST, booth_camera, log_key, patch_camera
from aigaq.app.drill_election import Lab, until
from aigaq.base import utc_ms
from aigaq.election import Camera
from aigaq.ledger import ForkError, LastSigned, NationalLog, SigningKey, StationLog
from aigaq.ledger.monitor import ForkProof
from aigaq.ledger.witness import origin_hash
from aigaq_verify import Checkpoint, Note, SegmentRecord, decode_record

OUTAGE_S: Final = 75.0
"""Longer than the 60 s after which a recording that arrives is LATE."""
BEACON_MS: Final = 15_000
"""By then each box holds a beacon of a log that has just begun."""
EARLIER_MS: Final = 30 * 60_000
LOOP_S: Final = 200.0
"""A whole minute must be filmed, sealed and read, in which the screen shows what it showed before."""
_TICKS: Final = 90


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attack."""

    name: str
    what: str
    alarm: str
    verdict: str
    noticed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack: what is done, which alarm must ring, which verdict must be given."""

    name: str
    what: str
    alarm: str
    verdict: str
    act: Callable[[Lab], Awaitable[tuple[str, str]]]
    """Does it; returns the alarm that rang and the verdict that was given, empty where there was none."""

    async def play(self, lab: Lab, began: float) -> Outcome:
        """Do it, and see who noticed; an alarm that rang before does not count."""
        before = await lab.alarms()
        alarm, verdict = await self.act(lab)
        noticed = (alarm, verdict) == (self.alarm, self.verdict) and alarm not in before
        return Outcome(self.name, self.what, alarm, verdict, noticed, time.monotonic() - began)


# ---- the log


async def fork(lab: Lab) -> tuple[str, str]:
    """Sign a second history, and ask a witness to cosign it."""
    origin = lab.policy.logs[0].name
    witness = f"http://{HOST}:{lab.ports.witnesses[0]}"
    async with httpx2.AsyncClient() as http:
        held = Note.parse((await http.get(f"{witness}/{origin_hash(origin)}/checkpoint")).content)
        size = Checkpoint.parse(held.text).size
        forged = log_key(lab.files.trust.parent).sign(
            Checkpoint(origin, size, hashlib.sha256(b"another history").digest())
        )
        await http.post(f"{witness}/add-checkpoint", content=f"old {size}\n\n".encode() + forged)
    alarm = await lab.rings("monitor.fork", 30)
    proofs = sorted(lab.files.trust.parent.glob("fork-*.json"))
    if not proofs:
        return alarm, ""
    ForkProof.parse(await asyncio.to_thread(proofs[0].read_bytes)).verify(lab.policy.logs)
    return alarm, "FORK PROVEN"


async def rollback(lab: Lab) -> tuple[str, str]:
    """Put back a copy of the log's folder, and go on signing from there."""
    folder, copy = lab.files.center.parent / "archive" / "log" / "national", lab.files.trust.with_name("copy")
    before = (await lab.get("/log/checkpoint")).content
    await asyncio.to_thread(shutil.copytree, folder, copy)

    async def has_grown() -> bool:
        return (await lab.get("/log/checkpoint")).content != before

    await until(has_grown, 30)
    (copy / "lock").unlink(missing_ok=True)
    last = LastSigned.open(lab.files.center.parent / "last-signed" / "last-signed.sqlite")
    try:
        NationalLog.open(copy, lab.policy.logs[0].name, log_key(lab.files.trust.parent), last).close()
    except ForkError as error:
        return error.code, "REFUSED"
    finally:
        last.close()
    return "", ""


# ---- a box


async def key_clone(lab: Lab) -> tuple[str, str]:
    """Take the key out of a box, and sign another history of its station elsewhere."""
    held = Checkpoint.parse(Note.parse((await lab.get(f"/log/s/{lab.second.id}/checkpoint")).content).text)
    forged = Checkpoint(held.origin, held.size, hashlib.sha256(b"another recording").digest())
    note = _session_key(lab).sign_note(forged.text(), forged.origin)
    async with httpx2.AsyncClient() as http:
        answer = await http.post(f"{lab.ports.center_url}/ingest/v1/checkpoint", content=note)
    return await lab.rings("ledger.root_mismatch", 20), "REFUSED" if answer.status_code == 409 else ""


async def selective_outage(lab: Lab) -> tuple[str, str]:
    """Cut one station off, and let it deliver later what it may have thought over."""
    camera, start = booth_camera(lab.second), utc_ms(lab.clock)
    lab.uplink = False
    alarm = await lab.rings("monitor.absence", OUTAGE_S)
    await asyncio.sleep(max(0.0, OUTAGE_S - (utc_ms(lab.clock) - start) / 1000))
    lab.uplink = True
    return alarm, await lab.judged(camera, start + 2000, start + 8000)


async def back_date(lab: Lab) -> tuple[str, str]:
    """With the keys of a box that was stopped, seal a film of now as one of half an hour ago."""
    camera = booth_camera(lab.second)
    box = next(part for part in lab.parts if part.name.endswith(lab.second.id))
    await box.stop()
    record, segment = await asyncio.to_thread(_forge, lab, camera)
    key = _session_key(lab)
    headers = {"Aigaq-Station": lab.second.id, "Aigaq-Signature": _text(key.sign("segment", record.encode()))}
    url = f"{lab.ports.center_url}/ingest/v1"
    async with httpx2.AsyncClient() as http:
        held = (await http.get(f"{url}/checkpoint", headers=headers)).json()["size"]
        await http.put(f"{url}/segment", content=segment, headers=headers | {"Aigaq-Record": _text(record.encode())})
        await http.post(f"{url}/checkpoint", content=await asyncio.to_thread(_seal, lab, key, record, held))
    alarm = await lab.rings("archive.back_dated", 20)
    return alarm, await lab.judged(camera, record.start_ms, record.end_ms)


def _forge(lab: Lab, camera: Camera) -> tuple[SegmentRecord, bytes]:
    """The newest segment of the box again, with earlier times in bytes and record; its beacon is of now."""
    data = _data(lab)
    query = "SELECT record, leaf FROM rows WHERE camera = ? AND stream = 'sub' ORDER BY seq DESC"
    with closing(sqlite3.connect(data / "journal.sqlite")) as journal:
        rows = [(decode_record(record), leaf) for record, leaf in journal.execute(query, (camera.id,))]
    genuine = next(record for record, _ in rows if isinstance(record, SegmentRecord))
    path = next(data.rglob(genuine.file_name))
    forged = _shifted(path.read_bytes(), -EARLIER_MS * _TICKS)
    start, digest = genuine.start_ms - EARLIER_MS, hashlib.sha256(forged).digest()
    return replace(genuine, seq=rows[0][0].seq + 1, prev=rows[0][1], start_ms=start, sha256=digest), forged


def _shifted(segment: bytes, ticks: int) -> bytes:
    """Each decode time (`tfdt` version 1) moved by so many ticks."""
    data, at = bytearray(segment), segment.find(b"tfdt")
    while at >= 0:
        data[at + 8 : at + 16] = (int.from_bytes(data[at + 8 : at + 16]) + ticks).to_bytes(8)
        at = segment.find(b"tfdt", at + 4)
    return bytes(data)


def _seal(lab: Lab, key: SigningKey, record: SegmentRecord, held: int) -> bytes:
    log = StationLog.open(_data(lab) / "log", f"{lab.policy.logs[0].name}/s/{lab.second.id}", key)
    log.append([record.encode()])
    note = log.checkpoint()
    return note + b"".join(log.leaf_hashes(held, log.size))


# ---- what is seen


async def loop(lab: Lab) -> tuple[str, str]:
    """Show a camera's film of some minutes ago again."""
    where = f"/api/v1/stations/{lab.first.id}"
    minute = utc_ms(lab.clock) // 60_000

    async def answered() -> bool:
        screens = (await lab.get(where)).json()["screens"]
        return patch_camera(lab.register).id in screens and screens[patch_camera(lab.register).id]["matched"]

    if not await until(answered, LOOP_S):
        return "", "never answered"
    lab.replayed = minute
    return await lab.rings("archive.patch_wrong", LOOP_S), "WRONG BITS"


async def mask_removal(lab: Lab) -> tuple[str, str]:
    """Take the mask away from the camera at the booths."""
    lab.unmasked = True
    alarm = await lab.rings("archive.mask_removed", 60)
    lab.unmasked = False
    return alarm, "VIEW NOT AS APPROVED" if alarm else ""


# ---- the archive


async def delete(lab: Lab) -> tuple[str, str]:
    """Take a segment out of the archive, and give out a clip that looks as if there had never been one."""
    camera, start = patch_camera(lab.register), utc_ms(lab.clock) + BEACON_MS
    whole = await lab.judged(camera, start, start + 10_000)
    if whole != "VERIFIED":
        return "", f"{whole} before anything was deleted"
    clip = await lab.clip(camera, start, start + 10_000) or b""
    record, cut = _cut(clip)
    objects = lab.files.center.parent / "archive" / "objects"
    for path in await asyncio.to_thread(list, objects.rglob(f"*{record.file_name}")):
        await asyncio.to_thread(path.unlink)
    check = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aigaq", "fsck", "--level", "presence", "--json", "--config", str(lab.files.center),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    said, _ = await check.communicate()
    kinds = {problem["kind"] for problem in json.loads(said)["problems"]}
    return "fsck.missing" if "missing" in kinds else "", lab.verdict(cut)


def _cut(clip: bytes) -> tuple[SegmentRecord, bytes]:
    """The clip without one segment in its middle, its row and its proof, and its list of files made to fit."""
    with zipfile.ZipFile(io.BytesIO(clip)) as package:
        files = {name: package.read(name) for name in package.namelist()}
    rows = {name: decode_record(data) for name, data in files.items() if name.startswith("records/")}
    segments = sorted((r.seq, name) for name, r in rows.items() if isinstance(r, SegmentRecord))
    chosen = segments[len(segments) // 2][1]
    record = rows[chosen]
    if not isinstance(record, SegmentRecord):
        raise TypeError(chosen)
    index = Path(chosen).stem
    for gone in (chosen, f"proofs/{index}.tlog-proof", f"segments/{record.file_name}"):
        del files[gone]
    manifest = json.loads(files["clip.json"])
    manifest["files"] = [name for name in manifest["files"] if name in files]
    files["clip.json"] = json.dumps(manifest, indent=1).encode() + b"\n"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as package:
        for name, data in files.items():
            package.writestr(zipfile.ZipInfo(name), data)
    return record, made.getvalue()


# ---- keys and files of the second station's box


def _data(lab: Lab) -> Path:
    return lab.files.stations[lab.second.id].parent / "data"


def _session_key(lab: Lab) -> SigningKey:
    return SigningKey.load(max((_data(lab) / "session").glob("????????.key")))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


ATTACKS: Final = (
    Attack("fork", "a second history was signed and shown to a witness", "monitor.fork", "FORK PROVEN", fork),
    Attack("rollback", "an old copy of the log was put back", "ledger.fork", "REFUSED", rollback),
    Attack("key-clone", "a box's key signed another recording", "ledger.root_mismatch", "REFUSED", key_clone),
    Attack("delete", "a segment was taken out of archive and clip", "fsck.missing", "FAILED", delete),
    Attack(
        "mask-removal", "the mask at the booths was taken away", "archive.mask_removed", "VIEW NOT AS APPROVED",
        mask_removal,
    ),
    Attack("loop", "a camera showed an old film again", "archive.patch_wrong", "WRONG BITS", loop),
    Attack("outage", "one station was cut off and delivered later", "monitor.absence", "LATE", selective_outage),
    Attack("back-date", "a film was sealed as one of half an hour before", "archive.back_dated", "FAILED", back_date),
)  # fmt: skip
"""In this order: the last two change what the second station recorded."""
