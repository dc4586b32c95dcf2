"""From CSR to leaf: nobody enrols a box alone, nothing in a file is believed, and damage is named."""

import base64
import contextlib
import json
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.enrol_lab import ELECTION, Lab, make_ca

from aigaq.ledger import SigningKey
from aigaq.ledger.enrolment import (
    Approval,
    BadApprovalError,
    BadCertificateError,
    BadFactsError,
    BadRequestError,
    BadRolesError,
    CameraFacts,
    EnrolmentError,
    EnrolmentRequest,
    Facts,
    IdentityKey,
    IssuingAuthority,
    Roles,
    TooFewRolesError,
    load_authority,
    make_csr,
    read_approval,
    read_csr,
    read_request,
    write_approval,
)
from aigaq.ledger.enrolment.csr import FACTS_OID, MAX_CSR, station_name
from aigaq.ledger.enrolment.describe import describe
from aigaq.ledger.enrolment.roles import add_role
from aigaq_verify import Kind, VerifierKey, decode_leaf, signed_part

FACTS = Facts(
    (
        CameraFacts("box", "aa:bb:cc:dd:ee:01", b"\1" * 32, (((0, 0), (10_000, 0), (5_000, 5_000)),)),
        CameraFacts("desk", "aa:bb:cc:dd:ee:02", b"\2" * 32),
    ),
    b"\3" * 32,
)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab()


@pytest.fixture(scope="module")
def csr(lab) -> str:
    return make_csr(lab.box().identity, ELECTION, "s-101", FACTS)


@pytest.fixture(scope="module")
def request_(lab, csr) -> EnrolmentRequest:
    return lab.authority.request(csr)


cameras = st.builds(
    CameraFacts,
    st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True),
    st.from_regex(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", fullmatch=True),
    st.binary(min_size=32, max_size=32),
    st.lists(
        st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=3, max_size=6).map(tuple),
        max_size=3,
    ).map(tuple),
)
all_facts = st.builds(
    lambda found, image: Facts(tuple(sorted(found, key=lambda c: c.camera)), image),
    st.lists(cameras, max_size=4, unique_by=lambda c: c.camera),
    st.binary(min_size=32, max_size=32),
)


class TestFacts:
    @given(facts=all_facts)
    def test_they_come_back_from_bytes_and_from_json(self, facts):
        assert Facts.decode(facts.encode()) == facts
        assert Facts.from_json(json.dumps(facts.to_json())) == facts

    @given(data=st.binary(max_size=200))
    def test_rubbish_is_refused(self, data):
        with pytest.raises(BadFactsError):
            Facts.decode(data)

    @given(place=st.integers(0, len(FACTS.encode()) - 1), bit=st.integers(0, 7))
    def test_a_flipped_bit_is_refused_or_has_another_hash(self, place, bit):
        data = bytearray(FACTS.encode())
        data[place] ^= 1 << bit
        with contextlib.suppress(BadFactsError):
            assert Facts.decode(bytes(data)).hash != FACTS.hash

    @pytest.mark.parametrize(
        "text",
        [
            "", "[]", "{}", '{"cameras": 1}', '{"cameras": [], "more": 1}', "[" * 100_000,
            '{"cameras": [{"camera": "a"}]}', '{"cameras": [], "image_sha256": "00"}',
            '{"cameras": [{"camera": "A b", "mac": "aa:bb:cc:dd:ee:ff", "frame_sha256": "' + "00" * 32 + '"}]}',
            '{"cameras": [{"camera": "a", "mac": "aa-bb", "frame_sha256": "' + "00" * 32 + '"}]}',
            '{"cameras": [{"camera": "a", "mac": "aa:bb:cc:dd:ee:ff", "frame_sha256": "00"}]}',
            '{"cameras": [{"camera": "a", "mac": "aa:bb:cc:dd:ee:ff", "frame_sha256": "'
            + "00" * 32 + '", "masks": [[[0, 0], [1, 1]]]}]}',
            '{"cameras": [{"camera": "a", "mac": "aa:bb:cc:dd:ee:ff", "frame_sha256": "'
            + "00" * 32 + '", "masks": [[[0, 0], [1, 1], [true, 10001]]]}]}',
        ],
    )  # fmt: skip
    def test_wrong_files_are_refused(self, text):
        with pytest.raises(BadFactsError):
            Facts.from_json(text)

    def test_cameras_are_sorted_and_unique(self):
        one, two = FACTS.cameras
        for wrong in ((two, one), (one, one)):
            with pytest.raises(BadFactsError, match="sorted"):
                Facts(wrong)


class TestCsr:
    def test_it_says_what_was_put_in(self, lab):
        box = lab.box()
        found = read_csr(make_csr(box.identity, ELECTION, "s-7", FACTS))
        assert (found.election, found.station, found.identity, found.facts) == (
            ELECTION, "s-7", box.identity.point, FACTS,
        )  # fmt: skip

    def test_openssl_reads_it_and_its_signature(self, csr, tmp_path):
        (tmp_path / "station.csr").write_text(csr)
        words = ["openssl", "req", "-in", str(tmp_path / "station.csr"), "-verify", "-noout", "-subject"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert "OK" in done.stderr
        assert "s-101" in done.stdout

    def test_every_flipped_byte_is_refused(self, csr):
        body = base64.b64decode("".join(csr.splitlines()[1:-1]))
        for place in range(len(body)):
            changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
            lines = ("BEGIN", "END")
            head, foot = (f"-----{word} CERTIFICATE REQUEST-----\n" for word in lines)
            with pytest.raises(EnrolmentError):
                read_csr(head + base64.encodebytes(changed).decode() + foot)

    @pytest.mark.parametrize("text", ["", "x", "-----BEGIN CERTIFICATE REQUEST-----", "x" * (MAX_CSR + 1), "\ud800"])
    def test_rubbish_is_refused(self, text):
        with pytest.raises(BadRequestError):
            read_csr(text)

    @pytest.mark.parametrize("key", ["p384", "ed25519"])
    def test_another_kind_of_key_is_refused(self, key):
        private = generate_private_key(SECP384R1()) if key == "p384" else Ed25519PrivateKey.generate()
        builder = x509.CertificateSigningRequestBuilder(station_name(ELECTION, "s-1"))
        builder = builder.add_extension(x509.UnrecognizedExtension(FACTS_OID, FACTS.encode()), critical=False)
        csr = builder.sign(private, SHA256() if key == "p384" else None)
        with pytest.raises(BadRequestError, match="P-256"):
            read_csr(csr.public_bytes(Encoding.PEM).decode())

    @pytest.mark.parametrize("subject", ["no facts", "bad name", "more names"])
    def test_another_csr_is_refused(self, lab, subject):
        identity = lab.box().identity
        name = {
            "no facts": station_name(ELECTION, "s-1"),
            "bad name": station_name(ELECTION, "S 1"),
            "more names": x509.Name([*station_name(ELECTION, "s-1"), *station_name(ELECTION, "s-2")]),
        }[subject]
        builder = x509.CertificateSigningRequestBuilder(name)
        if subject != "no facts":
            builder = builder.add_extension(x509.UnrecognizedExtension(FACTS_OID, FACTS.encode()), critical=False)
        with pytest.raises(BadRequestError):
            read_csr(builder.sign(identity.private, SHA256()).public_bytes(Encoding.PEM).decode())

    def test_a_name_that_is_no_identifier_cannot_be_asked_for(self, lab):
        for election, station in (("vote 26", "s-1"), (ELECTION, "../s"), ("", "s"), (ELECTION, "s" * 33)):
            with pytest.raises(BadRequestError, match="identifier"):
                make_csr(lab.box().identity, election, station, FACTS)


class TestRequests:
    def test_a_request_survives_its_file(self, request_):
        assert read_request(request_.to_json()) == request_

    def test_what_people_read_in_it_counts_for_nothing(self, request_):
        text = request_.to_json().replace('"station": "s-101"', '"station": "s-999"')
        assert read_request(text).values["station"] == "s-101"

    def test_a_revocation_survives_its_file(self, lab):
        request = lab.authority.revocation(lab.box().enrolment(), "box lost")
        assert read_request(request.to_json()) == request

    def test_it_is_for_a_week_at_most_from_ten_minutes_ago(self, lab, csr, request_):
        assert request_.not_before_ms == lab.now - 600_000
        assert request_.not_after_ms - request_.not_before_ms == 7 * 86_400_000
        for start, end in ((0, 0), (1000, 0), (0, 7 * 86_400_000 + 1000), (1, 1001), (-1000, 1000), (0, 2**60)):
            with pytest.raises(BadRequestError):
                EnrolmentRequest.make(csr, not_before_ms=start, not_after_ms=end)

    @pytest.mark.parametrize(
        "text",
        [
            "", "{", "[]", "{}", '{"format": "aigaq/enrolment-request/1"}', "[" * 100_000, " " * 300_000,
            '{"format": "aigaq/enrolment-request/1", "csr": "", "not_before_ms": 0, "not_after_ms": 1000}',
            '{"format": "aigaq/enrolment-request/1", "csr": "", "not_before_ms": true, "not_after_ms": 1000}',
            ('{"format": "aigaq/revocation-request/1", "revoked": "zz", "election": "e", "station": "s", "at_ms": 0, '
            '"reason": "x"}'),
            ('{"format": "aigaq/revocation-request/1", "revoked": "00", "election": "e", "station": "s", "at_ms": 0, '
            '"reason": "x"}'),
            '{"format": "aigaq/revocation-request/1", "revoked": "' + "00" * 32 + '", "election": "e", "station": "s", '
            '"at_ms": 0, "reason": ""}',
        ],
    )  # fmt: skip
    def test_other_files_are_refused(self, text):
        with pytest.raises(BadRequestError):
            read_request(text)

    def test_another_election_s_box_is_refused(self, lab):
        with pytest.raises(BadRequestError, match="another election"):
            lab.authority.request(make_csr(lab.box().identity, "other", "s-1", FACTS))

    def test_only_enrolments_and_delegations_are_revoked(self, lab):
        box = lab.box()
        revocation = lab.revoke(box.enrolment())
        for leaf in (b"", b"rubbish", revocation):
            with pytest.raises(BadRequestError, match="can be revoked"):
                lab.authority.revocation(leaf, "x")


class TestApproval:
    def test_two_roles_make_a_leaf_and_a_certificate(self, lab, request_, tmp_path):
        certificate, leaf = lab.authority.complete(request_, lab.approvals(request_), lab.ca)
        found = decode_leaf(leaf)
        assert found.kind is Kind.ENROLMENT
        assert [name for name, _ in found["approvals"]] == ["commission/chair", "observers/north"]
        assert found["certificate"] == certificate
        assert found["facts_hash"] == FACTS.hash
        for name, signature in found["approvals"]:
            lab.roles.check(Approval(name, signature), signed_part(Kind.ENROLMENT, found.values))

    def test_openssl_follows_the_certificate_to_the_root(self, lab, request_, tmp_path):
        certificate, _ = lab.authority.complete(request_, lab.approvals(request_), lab.ca)
        (tmp_path / "box.pem").write_bytes(x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM))
        (tmp_path / "issuing.pem").write_bytes(lab.ca.certificate.public_bytes(Encoding.PEM))
        (tmp_path / "root.pem").write_bytes(lab.root.public_bytes(Encoding.PEM))
        at = str(request_.not_before_ms // 1000 + 1)
        words = ["openssl", "verify", "-x509_strict", "-attime", at, "-CAfile", "root.pem", "-untrusted", "issuing.pem"]
        done = subprocess.run([*words, "box.pem"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.stdout.strip() == "box.pem: OK", done.stderr

    @pytest.mark.parametrize("officers", [(), ("commission/chair",), ("commission/chair", "commission/secretary")])
    def test_one_role_is_not_enough(self, lab, request_, officers):
        with pytest.raises(TooFewRolesError):
            lab.authority.complete(request_, lab.approvals(request_, officers), lab.ca)

    def test_the_same_approval_twice_is_one(self, lab, request_):
        with pytest.raises(TooFewRolesError):
            lab.authority.complete(request_, lab.approvals(request_, ("commission/chair",) * 3), lab.ca)

    def test_more_approvals_than_needed_do_no_harm(self, lab, request_):
        leaf = lab.authority.complete(request_, lab.approvals(request_, tuple(lab.keys)), lab.ca)[1]
        assert [name for name, _ in decode_leaf(leaf)["approvals"]] == ["commission/chair", "observers/north"]

    def test_an_approval_of_another_request_is_no_approval(self, lab, request_):
        other = lab.authority.request(lab.box().csr())
        mixed = [*lab.approvals(request_, ("commission/chair",)), *lab.approvals(other, ("observers/north",))]
        with pytest.raises(BadApprovalError, match="not over this"):
            lab.authority.complete(request_, mixed, lab.ca)

    def test_one_officer_cannot_sign_under_another_s_name(self, lab, request_):
        mine = lab.authority.approve(request_, lab.keys["commission/chair"])
        with pytest.raises(BadApprovalError, match="not over this"):
            lab.authority.complete(request_, [mine, Approval("observers/north", mine.signature)], lab.ca)

    def test_a_stranger_cannot_approve(self, lab, request_, tmp_path):
        stranger = SigningKey.create(tmp_path / "key")
        with pytest.raises(BadApprovalError, match="not in the file"):
            lab.authority.approve(request_, stranger)
        with pytest.raises(BadApprovalError, match="nobody"):
            lab.authority.complete(request_, [Approval("observers/east", bytes(64))], lab.ca)

    def test_an_approval_survives_its_file(self, lab, request_):
        for approval in lab.approvals(request_):
            assert read_approval(write_approval(approval)) == approval

    @pytest.mark.parametrize("text", ["", "{}", '{"format": "aigaq/approval/1", "role": "a/b", "signature": "zz"}'])
    def test_other_files_are_no_approval(self, text):
        with pytest.raises(BadRequestError):
            read_approval(text)

    def test_an_approval_of_enrolment_does_not_revoke(self, lab, request_):
        revocation = lab.authority.revocation(lab.box().enrolment(), "x")
        with pytest.raises(BadApprovalError):
            lab.authority.revoke(revocation, lab.approvals(request_))


class TestRoles:
    def test_they_are_read_from_a_file_with_remarks(self, lab, tmp_path):
        lines = [str(lab.roles.key(name)) for name in lab.roles.names]
        (tmp_path / "roles.vkeys").write_text("# officers\n\n" + "\n".join(lines) + "\n")
        assert Roles.load(tmp_path / "roles.vkeys").names == lab.roles.names

    def test_an_officer_is_added_with_a_key_of_their_own(self, tmp_path):
        path = tmp_path / "roles.vkeys"
        first = add_role(path, "commission/chair", tmp_path / "chair.key")
        path.write_text(path.read_text().rstrip("\n"))  # an editor may drop the last line's end
        add_role(path, "observers/north", tmp_path / "north.key")
        assert Roles.load(path).names == ["commission/chair", "observers/north"]
        assert Roles.load(path).name_of(SigningKey.load(tmp_path / "chair.key")) == first.name

    @pytest.mark.parametrize("name", ["commission/chair", "chair", "a/b/c", "A/b", "a/", ""])
    def test_a_wrong_or_known_name_makes_no_key(self, tmp_path, name):
        add_role(tmp_path / "roles.vkeys", "commission/chair", tmp_path / "one.key")
        with pytest.raises(BadRolesError):
            add_role(tmp_path / "roles.vkeys", name, tmp_path / "two.key")
        assert not (tmp_path / "two.key").exists()

    def test_one_key_under_two_names_would_make_one_person_two(self, lab):
        public = lab.keys["commission/chair"].public
        with pytest.raises(BadRolesError, match="twice"):
            Roles([VerifierKey("commission/chair", public), VerifierKey("observers/north", public)])

    @pytest.mark.parametrize(
        "text", ["x\n", "a/b+00000000+AAAA\n", "a/b+bb2a7bfa+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"]
    )
    def test_a_wrong_line_is_named(self, tmp_path, text):
        (tmp_path / "roles.vkeys").write_text("# one\n" + text)
        with pytest.raises(BadRolesError) as caught:
            Roles.load(tmp_path / "roles.vkeys")
        assert caught.value.where.endswith("roles.vkeys:2")

    def test_a_missing_or_binary_file_is_named(self, tmp_path):
        (tmp_path / "binary").write_bytes(b"\xff\xfe")
        for name, reason in (("none", "no such"), ("binary", "text")):
            with pytest.raises(BadRolesError, match=reason):
                Roles.load(tmp_path / name)


class TestIssuing:
    def test_key_and_certificate_must_belong_together(self, lab, tmp_path):
        key = IdentityKey.create(tmp_path / "issuing.key")
        (tmp_path / "other.crt").write_bytes(lab.ca.certificate.public_bytes(Encoding.PEM))
        with pytest.raises(BadCertificateError, match="another key"):
            IssuingAuthority.load(tmp_path / "issuing.key", tmp_path / "other.crt")
        assert key

    def test_a_box_s_certificate_is_no_authority(self, lab, request_, tmp_path):
        der, _ = lab.authority.complete(request_, lab.approvals(request_), lab.ca)
        (tmp_path / "box.crt").write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
        (tmp_path / "rubbish").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        for name in ("box.crt", "rubbish", "none"):
            with pytest.raises(BadCertificateError):
                load_authority(tmp_path / name)

    def test_nothing_outlives_its_authority(self, request_):
        lab = Lab()
        old, _ = make_ca(lab.clock)
        lab.clock.advance(99 * 86_400)
        late = lab.authority.request(lab.box().csr())
        with pytest.raises(BadCertificateError, match="as long"):
            lab.authority.complete(late, lab.approvals(late), old)


def test_every_file_can_be_shown(lab, csr, request_):
    certificate, leaf = lab.authority.complete(request_, lab.approvals(request_), lab.ca)
    approval = write_approval(lab.approvals(request_)[0])
    revocation = lab.authority.revocation(leaf, "box lost").to_json()
    for data, wanted in (
        (csr.encode(), "CSR"), (request_.to_json().encode(), "request to enrol"), (approval.encode(), "approval"),
        (leaf, "leaf, enrolment"), (revocation.encode(), "request to revoke"),
    ):  # fmt: skip
        assert describe(data)["file"] == wanted
    for data in (b"", certificate, b"\xff\xff", b"-----BEGIN NOTHING", b"{"):
        with pytest.raises(BadRequestError):
            describe(data)
