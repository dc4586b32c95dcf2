"""Evidence packages: a clip of each stream in one BagIt 1.0 folder (RFC 8493), each judged on its own.

The package's trust file, lists and certificates are for reading; nothing is believed because they say so.
"""

import re
from typing import BinaryIO, Final

from aigaq_verify.clip import verify_clip
from aigaq_verify.container import ContainerError, StoredZip
from aigaq_verify.judge import Files, judge
from aigaq_verify.manifest import MANIFEST, MAX_MANIFEST, Manifest, ManifestError
from aigaq_verify.policy import Policy
from aigaq_verify.report import Findings, PackageReport, Report, Verdict

_BAGIT: Final = "bagit.txt"
_PAYLOAD: Final = "manifest-sha256.txt"
_TAGS: Final = "tagmanifest-sha256.txt"
_DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_CLIP: Final = re.compile(r"(data/clips/[a-z0-9-]{1,38}/)clip\.json")
_LINE: Final = re.compile(rb"([0-9a-f]{64})  ([\x21-\x7e]+)")


class NotEvidenceError(ValueError):
    """A file that cannot be judged, because it is neither a clip nor an evidence package; with the reason."""


def verify(stream: BinaryIO, policy: Policy | None = None) -> Report | PackageReport:
    """Judge a clip or an evidence package against the keys that the reader trusts.

    Raises:
        NotEvidenceError: neither of them.
    """
    try:
        package = StoredZip(stream)
        if MANIFEST in package.sizes:
            return _judge_clip(package, "", policy, {})
        if _BAGIT in package.sizes:
            return _judge_package(package, policy)
    except (ContainerError, ManifestError) as error:
        raise NotEvidenceError(str(error)) from error
    raise NotEvidenceError(f"it has neither {MANIFEST} nor {_BAGIT}")


def _judge_clip(package: StoredZip, folder: str, policy: Policy | None, digests: dict[str, bytes]) -> Report:
    files = Files(package, folder)
    data = files.read(MANIFEST, MAX_MANIFEST)
    if data is None:
        raise ManifestError(f"{MANIFEST} is longer than {MAX_MANIFEST} bytes")
    manifest = Manifest.parse(data)
    if not manifest.log and not folder:
        return verify_clip(package.stream, policy)
    report = judge(manifest, files, policy)
    digests.update((folder + name, digest) for name, digest in files.digests.items())
    return report


def _judge_package(package: StoredZip, policy: Policy | None) -> PackageReport:
    found, digests, clips = Findings(), dict[str, bytes](), list[Report]()
    for folder in (match[1] for name in package.sizes if (match := _CLIP.fullmatch(name))):
        try:
            clips.append(_judge_clip(package, folder, policy, digests))
        except ManifestError as error:
            found.bad("clips", Verdict.FAILED, f"{folder}: {error}")
    if not clips:
        found.bad("clips", Verdict.FAILED, "it holds no clip that can be read")
    found.good("clips", f"{len(clips)}, each judged below")
    _check_bag(package, digests, found)
    return PackageReport((found.line("package"), found.line("clips")), tuple(clips))


def _check_bag(package: StoredZip, digests: dict[str, bytes], found: Findings) -> None:
    names = package.sizes.keys()
    payload = {name for name in names if name.startswith("data/")}
    if package.sizes[_BAGIT] != len(_DECLARATION) or package.read(_BAGIT) != _DECLARATION:
        found.bad("package", Verdict.FAILED, f"{_BAGIT} does not declare BagIt 1.0 in UTF-8")
    for manifest, expected in ((_PAYLOAD, payload), (_TAGS, names - payload - {_TAGS})):
        said = _read_manifest(package, manifest, found)
        for name in sorted(expected ^ said.keys()):
            found.bad("package", Verdict.FAILED, f"{name!r} is not both in {manifest} and here")
        for name in sorted(expected & said.keys()):
            digest = digests.get(name) or package.sha256(name)
            if digest != said[name]:
                found.bad("package", Verdict.FAILED, f"{name!r} is not the file that was packed")
    found.good("package", f"{len(payload)} files, each with the SHA-256 of {_PAYLOAD}; none missing, none added")


def _read_manifest(package: StoredZip, name: str, found: Findings) -> dict[str, bytes]:
    if package.sizes.get(name, MAX_MANIFEST + 1) > MAX_MANIFEST:
        found.bad("package", Verdict.FAILED, f"{name} is missing or too long")
        return {}
    lines = [_LINE.fullmatch(line) for line in package.read(name).removesuffix(b"\n").split(b"\n")]
    said = {line[2].decode(): bytes.fromhex(line[1].decode()) for line in lines if line}
    if len(said) != len(lines):
        found.bad("package", Verdict.FAILED, f"{name} has a line that is not a hash and a file, or a file twice")
    return said
