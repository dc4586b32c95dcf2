"""Time stamps: a real time-stamping authority by OpenSSL behind HTTP, and calendars of OpenTimestamps."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentimestamps.core.notary import BitcoinBlockHeaderAttestation, PendingAttestation
from opentimestamps.core.op import OpAppend, OpSHA256
from opentimestamps.core.serialize import BytesSerializationContext
from opentimestamps.core.timestamp import Timestamp
from tests.ledger.enrol_lab import LOG, signing_key
from typer.testing import CliRunner

from aigaq.ledger.anchors import (
    AnchorFileError,
    BadAnchorNoteError,
    BadTokenError,
    MissingExtraError,
    NoAnswerError,
    fetch_witnessed,
    load_roots,
    request_token,
    stamp_note,
    verify_token,
)
from aigaq.ledger.anchors import timestamp as module
from aigaq.ledger.anchors.cli import anchor_app
from aigaq.ledger.anchors.opentimestamps import attestations, stamp, time_of_block, upgrade
from aigaq_verify import Checkpoint

Answer = tuple[int, bytes]

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.crt
signer_key = {folder}/tsa.key
{certs}
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = {digests}
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """A TSA as OpenSSL makes one: a certificate for time stamping under a CA of its own."""

    def __init__(self, folder: Path, *, digests: str = "sha256", loose: bool = False) -> None:
        """With `loose`, the answer holds two certificates in the order of OpenSSL, which is not the one of DER."""
        self.folder = folder
        certs = f"certs = {folder}/ca.crt" if loose else ""
        folder.mkdir(parents=True)
        (folder / "serial").write_text("01\n")
        (folder / "config").write_text(CONFIG.format(folder=folder, digests=digests, certs=certs))
        (folder / "ext").write_text(
            "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n"
            "extendedKeyUsage=critical,timeStamping\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self.openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=CA", "-days", "9")
        self.openssl("req", *curve, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=TSA")
        signer = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext", "-days", "9"]
        self.openssl("x509", "-req", "-in", "tsa.csr", *signer, "-out", "tsa.crt")

    @property
    def roots(self):
        return load_roots(self.folder / "ca.crt")

    def openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, check=True)

    def answer(self, query: bytes) -> Answer:
        (self.folder / "query").write_bytes(query)
        self.openssl("ts", "-reply", "-config", "config", "-queryfile", "query", "-out", "reply")
        return 200, (self.folder / "reply").read_bytes()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[str, bytes], Answer]], str]]:
    """Serves a function of path and body on a free port; gives the address."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[str, bytes], Answer]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, body = answer(self.path, self.rfile.read(int(self.headers.get("content-length", 0))))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815 - the standard library's names

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def tsa(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "two")


@pytest.fixture(scope="module")
def loose(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "loose", loose=True)


@pytest.fixture
def url(tsa, serve) -> str:
    return serve(lambda _, query: tsa.answer(query))


@pytest.fixture(scope="module")
def note() -> bytes:
    return signing_key(7).sign_note(Checkpoint(LOG, 4242, bytes(range(32))).text(), LOG)


def asked(authority: Authority, note: bytes) -> bytes:
    """A token as OpenSSL's own client would ask for it."""
    (authority.folder / "note").write_bytes(note)
    authority.openssl("ts", "-query", "-data", "note", "-sha256", "-cert", "-out", "asked")
    return authority.answer((authority.folder / "asked").read_bytes())[1]


@pytest.fixture(scope="module")
def token(tsa, note) -> bytes:
    return asked(tsa, note)


class TestTimeStamps:
    def test_a_stamp_says_when(self, tsa, url, note):
        before = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the authority's clock is the machine's
        token = request_token(url, note)
        proven = verify_token(token, note, tsa.roots)
        assert before <= proven.time <= datetime.now(UTC)  # noqa: TID251
        assert proven.policy == "1.3.6.1.4.1.99999.1"

    def test_openssl_and_the_library_agree(self, tsa, token, note, monkeypatch):
        strict = verify_token(token, note, tsa.roots)
        monkeypatch.setattr(module, "_decode", lambda _: None)
        by_openssl = verify_token(token, note, tsa.roots)
        assert (by_openssl.time, by_openssl.policy, by_openssl.serial) == (strict.time, strict.policy, strict.serial)
        assert (strict.checked_by, by_openssl.checked_by) == ("rfc3161-client", "openssl")

    def test_an_answer_that_is_not_der_is_judged_by_openssl(self, loose, stranger, serve, note):
        token = request_token(serve(lambda _, query: loose.answer(query)), note)
        assert verify_token(token, note, loose.roots).checked_by == "openssl"
        for data, roots in ((note + b"\n", loose.roots), (note, stranger.roots)):
            with pytest.raises(BadTokenError):
                verify_token(token, data, roots)

    def test_other_bytes_or_another_authority_prove_nothing(self, tsa, stranger, token, note):
        for data, roots in ((note + b"\n", tsa.roots), (b"", tsa.roots), (note, stranger.roots), (note, [])):
            with pytest.raises(BadTokenError):
                verify_token(token, data, roots)

    def test_a_changed_token_proves_nothing_or_the_same(self, tsa, token, note):
        honest = verify_token(token, note, tsa.roots)
        for place in range(0, len(token), 37):
            damaged = token[:place] + bytes([token[place] ^ 1]) + token[place + 1 :]
            try:
                found = verify_token(damaged, note, tsa.roots)
            except BadTokenError:
                continue
            assert (found.time, found.serial) == (honest.time, honest.serial)

    @pytest.mark.parametrize("data", [b"", b"\0", b"no token at all", bytes(100_000)])
    def test_rubbish_is_refused(self, tsa, note, data):
        with pytest.raises(BadTokenError):
            verify_token(data, note, tsa.roots)

    def test_without_openssl_the_reason_is_said(self, tsa, note, monkeypatch):
        monkeypatch.setattr(module.shutil, "which", lambda _: None)
        with pytest.raises(BadTokenError, match="OpenSSL is not there"):
            verify_token(b"", note, tsa.roots)

    def test_a_refusal_is_no_stamp(self, tmp_path, serve, note):
        picky = Authority(tmp_path / "picky", digests="sha512")
        address = serve(lambda _, query: picky.answer(query))
        with pytest.raises(NoAnswerError, match="refused"):
            request_token(address, note)

    def test_an_old_answer_is_not_taken_for_a_new_one(self, serve, tsa, loose, note):
        for authority in (tsa, loose):
            old = asked(authority, note)
            address = serve(lambda *_, old=old: (200, old))
            with pytest.raises(BadTokenError, match="another request"):
                request_token(address, note)

    @pytest.mark.parametrize("answer", [(500, b""), (404, b"x"), (200, bytes(70_000))])
    def test_an_authority_that_fails_is_named(self, serve, answer, note):
        with pytest.raises(NoAnswerError, match="as it should"):
            request_token(serve(lambda *_: answer), note)

    def test_one_that_speaks_otherwise_or_not_at_all_is_named(self, serve, note):
        with pytest.raises(BadTokenError, match="not an answer"):
            request_token(serve(lambda *_: (200, b"<html>")), note)
        for address in ("http://127.0.0.1:1", "http://[", "nowhere"):
            with pytest.raises(NoAnswerError, match="does not answer"):
                request_token(address, note)

    def test_roots_must_be_certificates(self, tmp_path):
        (tmp_path / "rubbish").write_bytes(b"x")
        for name in ("none", "rubbish"):
            with pytest.raises(BadTokenError, match="certificate cannot be read"):
                load_roots(tmp_path / name)


class TestKeeping:
    def test_tokens_lie_beside_the_note_as_they_came(self, tsa, url, note, tmp_path):
        (result,) = stamp_note(note, tmp_path, {"nca": url})
        assert result.path == tmp_path / "4242-nca.tsr"
        assert (tmp_path / "4242.note").read_bytes() == note
        verify_token(result.path.read_bytes(), note, tsa.roots)

    def test_a_note_is_stamped_once_by_each(self, serve, tsa, note, tmp_path):
        asked: list[bytes] = []

        def answer(_: str, query: bytes) -> Answer:
            asked.append(query)
            return tsa.answer(query)

        address = serve(answer)
        first = stamp_note(note, tmp_path, {"one": address})[0].path.read_bytes()
        assert stamp_note(note, tmp_path, {"one": address})[0].path.read_bytes() == first
        assert len(asked) == 1

    def test_one_that_fails_does_not_hold_up_the_others(self, url, note, tmp_path):
        results = stamp_note(note, tmp_path, {"dead": "http://127.0.0.1:1", "live": url})
        assert [(r.authority, r.error and r.error.code) for r in results] == [
            ("dead", "anchor.no_answer"), ("live", None),
        ]  # fmt: skip
        assert sorted(p.name for p in tmp_path.iterdir()) == ["4242-live.tsr", "4242.note"]

    def test_another_note_of_the_same_size_is_an_alarm(self, url, note, tmp_path):
        stamp_note(note, tmp_path, {"one": url})
        other = signing_key(7).sign_note(Checkpoint(LOG, 4242, bytes(32)).text(), LOG)
        with pytest.raises(AnchorFileError, match="another note of this size"):
            stamp_note(other, tmp_path, {"one": url})

    @pytest.mark.parametrize("data", [b"", b"text\n\nno signature", signing_key(7).sign_note("no checkpoint\n", "x")])
    def test_only_checkpoints_are_stamped(self, data, tmp_path):
        with pytest.raises(BadAnchorNoteError):
            stamp_note(data, tmp_path, {})

    def test_the_newest_witnessed_note_is_fetched(self, serve, note):
        address = serve(lambda path, _: (200, note) if path == "/log/witnessed" else (404, b""))
        assert fetch_witnessed(f"{address}/log/") == note
        for wrong in (address, "http://127.0.0.1:1/log"):
            with pytest.raises(NoAnswerError):
                fetch_witnessed(wrong)


class Calendar:
    """What a calendar of OpenTimestamps does: promises at once, and knows a block later."""

    uri = "http://127.0.0.1:9"

    def __init__(self) -> None:
        self.height: int | None = None
        self.promised: dict[str, bytes] = {}

    def __call__(self, path: str, body: bytes) -> Answer:
        if path == "/digest":
            proof = Timestamp(body)
            commitment = proof.ops.add(OpAppend(b"salt")).ops.add(OpSHA256())
            commitment.attestations.add(PendingAttestation(self.uri))
            self.promised[commitment.msg.hex()] = commitment.msg
            return 200, self.bytes_of(proof)
        promise = self.promised.get(path.rpartition("/")[2])
        if promise is None or self.height is None:
            return 404, b"not yet"
        proof = Timestamp(promise)
        proof.ops.add(OpSHA256()).attestations.add(BitcoinBlockHeaderAttestation(self.height))
        return 200, self.bytes_of(proof)

    @staticmethod
    def bytes_of(proof: Timestamp) -> bytes:
        context = BytesSerializationContext()
        proof.serialize(context)
        return context.getbytes()

    def header(self, note: bytes, time: int) -> bytes:
        promise = hashlib.sha256(hashlib.sha256(note).digest() + b"salt").digest()
        return bytes(36) + hashlib.sha256(promise).digest() + time.to_bytes(4, "little") + bytes(8)


@pytest.fixture
def calendar(serve) -> Calendar:
    made = Calendar()
    made.uri = serve(made)
    return made


class TestOpenTimestamps:
    def test_a_promise_becomes_a_block(self, calendar, note):
        proof = stamp(note, [calendar.uri])
        (promise,) = attestations(proof, note)
        assert (promise.calendar, promise.height) == (calendar.uri, None)
        assert upgrade(proof, note, [calendar.uri]) == proof
        calendar.height = 900_000
        better = upgrade(proof, note, [calendar.uri])
        block = attestations(better, note)[0]
        assert block.height == 900_000
        header = calendar.header(note, 1_800_000_000)
        assert time_of_block(block, header) == datetime.fromtimestamp(1_800_000_000, UTC)
        for attested, wrong in ((block, header[:-1]), (block, bytes(80)), (promise, header)):
            with pytest.raises(BadTokenError, match="does not lead"):
                time_of_block(attested, wrong)

    def test_calendars_that_a_file_names_are_not_asked(self, calendar, note):
        proof = stamp(note, [calendar.uri])
        calendar.height = 900_000
        assert upgrade(proof, note, ["http://127.0.0.1:1"]) == proof

    def test_one_bad_calendar_spoils_nothing(self, calendar, serve, note):
        bad = [serve(lambda *_, answer=answer: answer) for answer in ((200, b"rubbish"), (500, b""))]
        assert len(attestations(stamp(note, [*bad, calendar.uri, "http://127.0.0.1:1"]), note)) == 1
        with pytest.raises(NoAnswerError, match="no calendar"):
            stamp(note, bad)

    def test_other_bytes_or_rubbish_prove_nothing(self, calendar, note):
        proof = stamp(note, [calendar.uri])
        with pytest.raises(BadTokenError, match="something else"):
            attestations(proof, note + b"x")
        for token in (b"", proof[:-3], proof + b"x", b"x" * 99):
            with pytest.raises(BadTokenError, match="not a proof"):
                attestations(token, note)

    def test_without_the_extra_a_person_is_told_what_to_install(self, note, monkeypatch):
        monkeypatch.setitem(sys.modules, "opentimestamps.core", None)
        with pytest.raises(MissingExtraError, match=r"aigaq\[opentimestamps\]"):
            stamp(note, [])


class TestCommands:
    @staticmethod
    def run(*words: object):
        return CliRunner().invoke(anchor_app, [str(word) for word in words])

    def test_stamp_and_verify(self, tsa, url, calendar, note, tmp_path):
        (tmp_path / "note").write_bytes(note)
        tokens = ["--folder", tmp_path / "tokens", "--tsa", f"nca={url}", "--ots", "--calendar", calendar.uri]
        result = self.run("stamp", "--note", tmp_path / "note", *tokens)
        assert result.exit_code == 0, result.output
        kept = tmp_path / "tokens/4242-nca.tsr"
        ca = ["--ca", tsa.folder / "ca.crt"]
        assert "not_after: 20" in self.run("verify", kept, "--note", tmp_path / "note", *ca).stdout
        wrong = self.run("verify", kept, "--note", tsa.folder / "config", *ca)
        assert isinstance(wrong.exception, BadTokenError)
        ots = self.run("verify", tmp_path / "tokens/4242-ots.ots", "--note", tmp_path / "note", "--json")
        assert calendar.uri in ots.stdout

    def test_an_authority_that_fails_gives_exit_code_1(self, note, tmp_path):
        (tmp_path / "note").write_bytes(note)
        words = ["--note", tmp_path / "note", "--folder", tmp_path / "tokens", "--tsa", "dead=http://127.0.0.1:1"]
        result = self.run("stamp", *words)
        assert result.exit_code == 1
        assert "anchor.no_answer" in result.stderr

    @pytest.mark.parametrize(
        "words", [[], ["--tsa", "x"], ["--tsa", "A=http://x"], ["--tsa", "ots=http://x"], ["--tsa", "a=ftp://x"]]
    )
    def test_wrong_usage(self, words, note, tmp_path):
        (tmp_path / "note").write_bytes(note)
        assert self.run("stamp", "--note", tmp_path / "note", *words).exit_code == 2
        assert self.run("stamp", *words).exit_code == 2
