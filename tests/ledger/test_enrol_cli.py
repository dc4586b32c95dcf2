"""`aigaq enrol` as officers use it: files from hand to hand, and a leaf that the centre takes or refuses."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.ledger.enrol_lab import ELECTION, LOG, Lab
from typer.testing import CliRunner

from aigaq.ledger.ceremony import Ceremony, Scheme
from aigaq.ledger.enrolment import (
    BadApprovalError,
    BadRequestError,
    CenterRefusedError,
    IdentityKey,
    OutputError,
    TooFewRolesError,
    make_csr,
    post_leaf,
)
from aigaq.ledger.enrolment.cli import enrol_app
from aigaq_verify import Kind, decode_leaf, leaf_hash


def run(*words: object, typed: str | None = None):
    return CliRunner().invoke(enrol_app, [str(word) for word in words], input=typed)


def done(*words: object, typed: str | None = None) -> str:
    result = run(*words, typed=typed)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """A folder with a ceremony, two officers' keys, and the CSR of a box."""
    from aigaq.base import SystemClock  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("office")
    Ceremony(folder / "c", SystemClock(), log_origin=LOG, scheme=Scheme(2, 3), rehearsal=False).hold()
    for name in ("commission/chair", "commission/secretary", "observers/north"):
        done("roles", folder / "roles.vkeys", "--add", name, "--key", folder / f"{name.replace('/', '-')}.key")
    facts = Lab().box().facts
    (folder / "station.csr").write_text(make_csr(IdentityKey.create(folder / "identity.key"), ELECTION, "s-101", facts))
    return folder


class Office:
    def __init__(self, folder, place):
        self.folder, self.place = folder, place
        self.roles = ("--roles", folder / "roles.vkeys")
        self.ca = ("--ca-key", folder / "c/private/issuing.key", "--ca-cert", folder / "c/public/issuing.crt")

    def approve(self, request, officer: str):
        out = self.place / f"{request.stem}-{officer}.json"
        done("approve", request, "--key", self.folder / f"{officer}.key", *self.roles, "--out", out, "--yes")
        return out

    def enrol(self):
        request = self.place / "request.json"
        done("request", self.folder / "station.csr", "--out", request)
        approvals = [self.approve(request, officer) for officer in ("commission-chair", "observers-north")]
        return done("complete", request, *approvals, *self.roles, *self.ca, "--out", self.place / "enrolment.cbor")


@pytest.fixture
def desk(office, tmp_path) -> Office:
    return Office(office, tmp_path)


@pytest.fixture
def center() -> Iterator[tuple[str, list[bytes], list[tuple[int, bytes]]]]:
    """Takes what is posted; answers what it is told to, else the number of the leaf."""
    posted: list[bytes] = []
    answers: list[tuple[int, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/ingest/v1/leaf"
            posted.append(self.rfile.read(int(self.headers["content-length"])))
            status, body = answers.pop() if answers else (200, json.dumps({"index": len(posted) - 1}).encode())
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", posted, answers
    server.shutdown()
    server.server_close()


def test_from_csr_to_leaf_and_back_by_revocation(desk, center):
    url, posted, _ = center
    assert "leaf, enrolment" in desk.enrol()
    leaf = (desk.place / "enrolment.cbor").read_bytes()
    assert (desk.place / "enrolment.der").read_bytes() == decode_leaf(leaf)["certificate"]
    assert json.loads(done("post", desk.place / "enrolment.cbor", "--to", f"{url}/", "--json")) == {"index": 0}
    revocation = desk.place / "revocation.json"
    done("revoke", desk.place / "enrolment.cbor", "--reason", "box lost", "--out", revocation)
    approvals = [desk.approve(revocation, officer) for officer in ("commission-secretary", "observers-north")]
    out = desk.place / "revocation.cbor"
    told = json.loads(done("complete", revocation, *approvals, *desk.roles, "--out", out, "--post", url, "--json"))
    assert told["index"] == 1
    assert told["reason"] == "box lost"
    assert posted == [leaf, out.read_bytes()]
    found = decode_leaf(posted[1])
    assert (found.kind, found["revoked"]) == (Kind.REVOCATION, leaf_hash(leaf))


def test_an_officer_sees_what_they_approve_and_may_say_no(desk):
    request = desk.place / "request.json"
    done("request", desk.folder / "station.csr", "--out", request, "--days", 2)
    key = desk.folder / "observers-north.key"
    words = ("approve", request, "--key", key, *desk.roles, "--out", desk.place / "approval.json")
    refused = run(*words, typed="n\n")
    assert refused.exit_code == 1
    assert "station: s-101" in refused.stdout
    assert "fingerprint: " in refused.stdout
    assert not (desk.place / "approval.json").exists()
    assert "Approved as observers/north" in run(*words, typed="y\n").stderr


def test_one_role_makes_no_leaf(desk):
    request = desk.place / "request.json"
    done("request", desk.folder / "station.csr", "--out", request)
    approvals = [desk.approve(request, officer) for officer in ("commission-chair", "commission-secretary")]
    result = run("complete", request, *approvals, *desk.roles, *desk.ca, "--out", desk.place / "leaf")
    assert isinstance(result.exception, TooFewRolesError)
    assert not (desk.place / "leaf").exists()


def test_an_approval_does_not_fit_a_changed_request(desk):
    request = desk.place / "request.json"
    done("request", desk.folder / "station.csr", "--out", request)
    approvals = [desk.approve(request, officer) for officer in ("commission-chair", "observers-north")]
    found = json.loads(request.read_text())
    request.write_text(json.dumps({**found, "not_after_ms": found["not_after_ms"] - 1000}))
    result = run("complete", request, *approvals, *desk.roles, *desk.ca, "--out", desk.place / "leaf")
    assert isinstance(result.exception, BadApprovalError)


def test_nothing_is_overwritten(desk):
    (desk.place / "request.json").write_text("mine")
    result = run("request", desk.folder / "station.csr", "--out", desk.place / "request.json")
    assert isinstance(result.exception, OutputError)
    assert (desk.place / "request.json").read_text() == "mine"
    assert isinstance(run("request", desk.folder / "station.csr", "--out", "/proc/none/x").exception, OutputError)


def test_show_and_roles(desk):
    assert json.loads(done("show", desk.folder / "station.csr", "--json"))["station"] == "s-101"
    assert done("roles", desk.folder / "roles.vkeys").split() == [
        "commission/chair", "commission/secretary", "observers/north",
    ]  # fmt: skip
    (desk.place / "binary").write_bytes(b"\xff\xfe")
    assert isinstance(run("show", desk.place / "binary").exception, BadRequestError)
    assert isinstance(run("request", desk.place / "binary", "--out", desk.place / "x").exception, BadRequestError)


def test_wrong_usage(desk):
    request = desk.place / "request.json"
    done("request", desk.folder / "station.csr", "--out", request)
    approval = desk.approve(request, "commission-chair")
    for words in (
        ("roles", desk.folder / "roles.vkeys", "--add", "a/b"),
        ("request", desk.place / "none", "--out", desk.place / "x"),
        ("request", desk.folder / "station.csr", "--out", desk.place / "x", "--days", 8),
        ("complete", request, approval, *desk.roles, "--out", desk.place / "x"),
    ):
        assert run(*words).exit_code == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (409, b'{"code": "enrol.equal_keys", "why": "Station s-101 brings a key."}'),
            "409 Station s-101 brings a key",
        ),
        ((500, b"<html>"), "500"),
        ((200, b"{}"), "200"),
        ((200, b'{"index": true}'), "200"),
        ((200, b"[1]"), "200"),
    ],
)
def test_a_refusal_says_what_the_centre_said(center, answer, said):
    url, _, answers = center
    answers.append(answer)
    with pytest.raises(CenterRefusedError, match=said):
        post_leaf(url, b"leaf")


def test_a_centre_that_does_not_answer_is_named():
    for url in ("http://127.0.0.1:1", "nowhere", "http://["):
        with pytest.raises(CenterRefusedError):
            post_leaf(url, b"leaf")
