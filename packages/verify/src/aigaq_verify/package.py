"""Evidence packages: a clip of each stream in one BagIt 1.0 folder (RFC 8493), each judged on its own.

The package's trust file, lists and certificates are for reading; nothing is believed because they say so.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from aigaq_verify.container import NotEvidenceError, StoredZip
from aigaq_verify.judge import Files, Judge
from aigaq_verify.manifest import MANIFEST, MAX_MANIFEST, Manifest
from aigaq_verify.policy import Policy
from aigaq_verify.report import Findings, Report, Verdict

_DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_BAGIT, _PAYLOAD, _TAGS = "bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"
_CLIP: Final = re.compile(r"(data/clips/[a-z0-9-]{1,40}/)clip\.json")
_LINE: Final = re.compile(rb"([0-9a-f]{64})  ([\x21-\x7e]+)")


def verify(stream: BinaryIO, policy: Policy | None = None) -> Report:
    """Judge a clip or an evidence package; NotEvidenceError where it is neither."""
    package = StoredZip(stream)
    if MANIFEST in package.sizes:
        return _judge(Files(package), policy)
    if _BAGIT not in package.sizes:
        raise NotEvidenceError(f"it has neither {MANIFEST} nor {_BAGIT}")
    found, clips, sha256 = Findings(), list[Report](), dict[str, bytes]()
    for folder in (match[1] for name in package.sizes if (match := _CLIP.fullmatch(name))):
        files = Files(package, folder)
        with found.reading("clips", folder):
            clips.append(_judge(files, policy))
        sha256 |= {folder + name: digest for name, digest in files.sha256.items()}
    if not clips:
        found.bad("clips", Verdict.FAILED, "it holds no clip that can be read")
    payload = {name for name in package.sizes if name.startswith("data/")}
    found.good["clips"] = f"{len(clips)}, each judged below"
    for problem in _broken_bag(package, sha256, payload):
        found.bad("package", Verdict.FAILED, problem)
    found.good["package"] = f"{len(payload)} files, each with the SHA-256 of {_PAYLOAD}; none missing, none added"
    return Report((found.line("package"), found.line("clips")), clips=tuple(clips))


def _judge(files: Files, policy: Policy | None) -> Report:
    return Judge(Manifest.parse(files.read(MANIFEST, MAX_MANIFEST) or b""), files, policy).report()


def _broken_bag(package: StoredZip, sha256: dict[str, bytes], payload: set[str]) -> Iterator[str]:
    if package.sizes[_BAGIT] != len(_DECLARATION) or package.read(_BAGIT) != _DECLARATION:
        yield f"{_BAGIT} does not declare BagIt 1.0 in UTF-8"
    for listing, expected in ((_PAYLOAD, payload), (_TAGS, package.sizes.keys() - payload - {_TAGS})):
        data = package.read(listing) if package.sizes.get(listing, MAX_MANIFEST + 1) <= MAX_MANIFEST else b""
        lines = [_LINE.fullmatch(line) for line in data.removesuffix(b"\n").split(b"\n")]
        said = {line[2].decode(): bytes.fromhex(line[1].decode()) for line in lines if line}
        if len(said) != len(lines):
            yield f"{listing} is missing, or has a line that is no hash and file, or one twice"
        for name in sorted(expected ^ said.keys()):
            yield f"{name!r} is not both in {listing} and here"
        for name in sorted(expected & said.keys()):
            if (sha256.get(name) or package.sha256(name)) != said[name]:
                yield f"{name!r} is not the file that was packed"
