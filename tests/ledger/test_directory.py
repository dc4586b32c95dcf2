"""The directory: only what two roles approved, only while it lasts, one key for one station, restart or not."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from tests.ledger.enrol_lab import LOG, Lab, make_ca, signing_key
from tests.proof_lab import P256_ORDER, flipped

from aigaq.base import ManualClock
from aigaq.ledger.enrolment import (
    BadApprovalError,
    BadCertificateError,
    BadLeafError,
    Directory,
    EnrolmentError,
    EqualKeysError,
    RevokedError,
    Roles,
    TooFewRolesError,
    UnknownTargetError,
)
from aigaq.ledger.enrolment.session_keys import delegate
from aigaq_verify import Kind, Leaf, decode_leaf, encode_leaf, leaf_hash, signed_part

HOUR = 3_600_000


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab()


@pytest.fixture(scope="module")
def unit(lab):
    return lab.box()


@pytest.fixture(scope="module")
def enrolment(unit):
    return unit.enrolment()


@pytest.fixture(scope="module")
def delegation(unit, enrolment):
    return unit.delegation(enrolment)


@pytest.fixture
def directory(lab) -> Directory:
    return lab.directory()


@pytest.fixture
def full(directory, enrolment, delegation) -> Directory:
    for index, leaf in enumerate((enrolment, delegation)):
        directory.check(leaf)
        assert directory.add(index, leaf)
    return directory


def changed(leaf: bytes, **values: object) -> bytes:
    found = decode_leaf(leaf)
    return encode_leaf(Leaf(found.kind, {**found.values, **values}))


def approved(lab: Lab, leaf: bytes, **values: object) -> bytes:
    """A leaf with other values that the officers approved all the same."""
    found = decode_leaf(leaf)
    new = {**found.values, **values}
    payload = signed_part(found.kind, new).partition(b"\n")[2]
    verb = "enrolment" if found.kind is Kind.ENROLMENT else "revocation"
    pairs = [[name, lab.keys[name].sign(verb, payload)] for name in ("commission/chair", "observers/north")]
    return encode_leaf(Leaf(found.kind, {**new, "approvals": pairs}))


class TestWhatItSays:
    def test_an_enrolled_station_has_the_key_of_the_day(self, full, delegation):
        (key,) = full.keys("s-101")
        assert key.public == decode_leaf(delegation)["session_key"]
        assert key.name == full.origin("s-101") == f"{LOG}/s/s-101"
        assert "s-101" in full
        assert list(full) == ["s-101"]

    def test_of_others_it_says_nothing(self, full):
        assert "s-102" not in full
        assert 7 not in full
        for ask in (full.keys, full.enrolments, full.delegations, full.revocations):
            assert ask("s-102") == []
        assert list(full) == ["s-101"]

    def test_entries_name_their_place(self, full, enrolment, delegation):
        (first,), (second,) = full.enrolments("s-101"), full.delegations("s-101")
        assert (first.index, first.hash, second.index, second.hash) == (
            0, leaf_hash(enrolment), 1, leaf_hash(delegation),
        )  # fmt: skip

    def test_a_key_counts_within_its_time_and_ten_minutes(self, full, delegation):
        found = decode_leaf(delegation)
        start, end = found["not_before_ms"], found["not_after_ms"]
        ten = 600_000
        first = max(start, full.enrolments("s-101")[0].leaf["not_before_ms"]) - ten
        for at, number in ((first - 1, 0), (first, 1), (end + ten, 1), (end + ten + 1, 0)):
            assert len(full.keys("s-101", at)) == number

    def test_the_newest_key_comes_first(self, lab, full, unit, enrolment, delegation):
        start = decode_leaf(delegation)["not_before_ms"]
        full.add(2, delegate(unit.identity, signing_key(99).public, enrolment, start_ms=start + 24 * HOUR))
        both = full.keys("s-101", start + 30 * HOUR)
        assert [key.public for key in both] == [signing_key(99).public, decode_leaf(delegation)["session_key"]]

    def test_the_same_leaf_again_changes_nothing(self, full, enrolment, delegation):
        for index, leaf in ((7, enrolment), (8, delegation)):
            full.check(leaf)
            assert full.add(index, leaf)
        assert [entry.index for entry in full.enrolments("s-101") + full.delegations("s-101")] == [0, 1]
        assert len(full.keys("s-101")) == 1


class TestEnrolment:
    def test_one_role_or_a_stranger_does_not_count(self, lab, directory, unit, enrolment):
        found = decode_leaf(enrolment)
        chair, _ = found["approvals"]
        stranger = ["observers/west", chair[1]]
        with pytest.raises(BadApprovalError, match="nobody"):
            directory.check(changed(enrolment, approvals=[chair, stranger]))
        with pytest.raises(BadLeafError):  # the format itself refuses two of one role
            directory.check(encode_like(enrolment, [chair, ["commission/secretary", chair[1]]]))

    def test_approvals_are_over_every_item(self, lab, directory, enrolment):
        other = lab.box().identity.point
        for name, value in (
            ("station", "s-102"), ("identity", other), ("not_before_ms", 0), ("not_after_ms", 2**46),
            ("facts_hash", bytes(32)),
        ):  # fmt: skip
            if decode_leaf(enrolment)[name] != value:
                with pytest.raises(EnrolmentError):
                    directory.check(changed(enrolment, **{name: value}))

    def test_the_certificate_must_say_the_same(self, lab, directory, enrolment):
        strange, _ = make_ca(lab.clock)
        assert strange.certificate != lab.ca.certificate
        other = lab.box("s-102").enrolment()
        request = lab.authority.request(lab.box().csr())
        cases = (b"\0", decode_leaf(enrolment)["certificate"][:-1], decode_leaf(other)["certificate"])
        for certificate in cases:
            with pytest.raises(BadCertificateError):
                directory.check(changed(enrolment, certificate=certificate))
        leaf = lab.authority.complete(request, lab.approvals(request), strange)[1]
        with pytest.raises(BadCertificateError, match="issuing authority"):
            directory.check(leaf)
        Directory(LOG, lab.roles, clock=lab.clock).check(leaf)  # who knows no authority cannot judge that

    @pytest.mark.filterwarnings("ignore:Parsed a serial number")
    def test_every_flipped_bit_is_refused(self, directory, enrolment):
        for place in range(len(enrolment)):
            for bit in range(8):
                data = bytearray(enrolment)
                data[place] ^= 1 << bit
                with pytest.raises(EnrolmentError):
                    directory.check(bytes(data))

    @given(cut=st.integers(0, 800), rest=st.binary(max_size=50))
    def test_a_leaf_that_is_cut_or_longer_is_refused(self, lab, enrolment, cut, rest):
        data = enrolment[:cut] + rest
        if data != enrolment:
            with pytest.raises(EnrolmentError):
                lab.directory().check(data)

    def test_it_lasts_a_week_at_most(self, lab, directory, enrolment):
        start = decode_leaf(enrolment)["not_before_ms"]
        with pytest.raises(BadLeafError, match="7 days"):
            directory.check(approved(lab, enrolment, not_after_ms=start + 8 * 24 * HOUR))

    def test_one_identity_on_two_stations_is_a_copied_box(self, lab, full, unit):
        twin = lab.box("s-102", unit.identity)
        with pytest.raises(EqualKeysError) as caught:
            full.check(twin.enrolment())
        assert caught.value.facts == {"station": "s-102", "other": "s-101"}
        assert not full.add(5, twin.enrolment())
        assert "s-102" not in full

    def test_one_approval_makes_one_leaf(self, lab, directory, unit):
        request = lab.authority.request(unit.csr())
        first, twin = (lab.authority.complete(request, lab.approvals(request), lab.ca)[1] for _ in range(2))
        assert first != twin  # certificates have random numbers
        assert directory.add(0, first)
        with pytest.raises(BadLeafError, match="another certificate"):
            directory.check(twin)
        assert not directory.add(1, twin)
        directory.check(first)

    @pytest.mark.parametrize("authority", [True, False], ids=["authority known", "authority unknown"])
    def test_another_copy_of_the_certificate_makes_no_other_leaf(self, lab, enrolment, authority):
        """Who knows no authority cannot judge its signature; and an ECDSA signature has a twin that holds as well."""
        directory = lab.directory() if authority else Directory(LOG, lab.roles, clock=lab.clock)
        assert directory.add(0, enrolment)
        certificate = decode_leaf(enrolment)["certificate"]
        for copy in (flipped(certificate), flipped(certificate, -9), twin_signature(certificate)):
            other = changed(enrolment, certificate=copy)
            with pytest.raises(EnrolmentError):
                directory.check(other)
            assert not directory.add(1, other)
        assert len(directory.enrolments("s-101")) == 1

    def test_another_box_may_take_over_a_station(self, lab, full, unit):
        lab.clock.advance(1)
        second = lab.box("s-101")
        leaf = second.enrolment()
        full.check(leaf)
        assert full.add(2, leaf)
        full.add(3, second.delegation(leaf))
        assert len(full.keys("s-101")) == 2

    def test_another_election_s_leaf_is_refused(self, lab, enrolment):
        with pytest.raises(BadLeafError, match="another election"):
            Directory("log.example/other", lab.roles, clock=lab.clock).check(enrolment)

    @pytest.mark.parametrize("data", [b"", b"\xff", b"\x80", b"\x83\x02", bytes(9000)])
    def test_rubbish_is_refused(self, directory, data):
        with pytest.raises(BadLeafError, match="form"):
            directory.check(data)
        assert not directory.add(0, data)

    def test_other_kinds_have_no_authority_of_their_own(self, directory):
        leaf = Leaf(Kind.CLOSE, {"election": "vote-26", "station": "s-101", "at_ms": 0, "size": 0, "root": bytes(32)})
        with pytest.raises(BadLeafError, match="may be brought"):
            directory.check(encode_leaf(leaf))


class TestDelegation:
    def test_it_needs_its_enrolment_first(self, directory, enrolment, delegation):
        with pytest.raises(UnknownTargetError):
            directory.check(delegation)
        assert not directory.add(0, delegation)

    def test_it_must_be_signed_by_the_enrolled_identity(self, lab, full, enrolment, delegation):
        stranger = lab.box().identity
        leaf = delegate(stranger, signing_key(50).public, enrolment, start_ms=lab.now)
        for wrong in (
            leaf,
            changed(delegation, session_key=signing_key(51).public),
            changed(delegation, not_before_ms=5),
        ):
            with pytest.raises(BadLeafError):
                full.check(wrong)

    def test_a_key_of_small_order_is_refused(self, full, delegation):
        good = decode_leaf(delegation)["session_key"]
        for point in (b"\1" + bytes(31), bytes(32), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xee" + b"\xff" * 30 + b"\x7f"):
            assert delegation.count(good) == 1
            with pytest.raises(BadLeafError, match="form"):
                full.check(delegation.replace(good, point))

    def test_it_lasts_36_hours_at_most(self, unit, full, enrolment, lab):
        found = decode_leaf(delegate(unit.identity, signing_key(52).public, enrolment, start_ms=lab.now))
        values = {**found.values, "not_after_ms": found["not_after_ms"] + 1}
        values["signature"] = unit.identity.sign(signed_part(Kind.DELEGATION, values))
        with pytest.raises(BadLeafError, match="36 hours"):
            full.check(encode_leaf(Leaf(Kind.DELEGATION, values)))

    def test_one_session_key_on_two_stations_is_a_copied_box(self, lab, full, delegation):
        other = lab.box("s-103")
        leaf = other.enrolment()
        full.add(2, leaf)
        stolen = delegate(other.identity, decode_leaf(delegation)["session_key"], leaf, start_ms=lab.now)
        with pytest.raises(EqualKeysError):
            full.check(stolen)
        assert not full.add(3, stolen)
        assert full.keys("s-103") == []

    def test_it_counts_no_longer_than_its_enrolment(self, lab, full, unit, enrolment):
        end = decode_leaf(enrolment)["not_after_ms"]
        late = delegate(unit.identity, signing_key(53).public, enrolment, start_ms=end - HOUR)
        assert full.add(2, late)
        assert signing_key(53).public in {key.public for key in full.keys("s-101", end)}
        assert full.keys("s-101", end + 11 * 60_000) == []


class TestRevocation:
    def test_a_revoked_enrolment_ends_all_that_rests_on_it(self, lab, full, unit, enrolment):
        leaf = lab.revoke(enrolment, at_ms=lab.now + HOUR)
        full.check(leaf)
        assert full.add(2, leaf)
        assert "s-101" not in full
        assert len(full.keys("s-101", lab.now + HOUR - 1)) == 1
        assert full.keys("s-101", lab.now + HOUR) == []
        late = delegate(unit.identity, signing_key(60).public, enrolment, start_ms=lab.now)
        with pytest.raises(RevokedError):
            full.check(late)
        assert [entry.index for entry in full.revocations("s-101")] == [2]

    def test_a_revoked_session_key_leaves_the_others(self, lab, full, unit, enrolment, delegation):
        full.add(2, delegate(unit.identity, signing_key(61).public, enrolment, start_ms=lab.now))
        full.add(3, lab.revoke(delegation, at_ms=lab.now))
        assert [key.public for key in full.keys("s-101")] == [signing_key(61).public]
        assert "s-101" in full

    def test_a_revoked_key_does_not_come_back(self, lab, full, unit, enrolment, delegation):
        full.add(2, lab.revoke(delegation, at_ms=lab.now))
        again = delegate(unit.identity, decode_leaf(delegation)["session_key"], enrolment, start_ms=lab.now)
        with pytest.raises(RevokedError):
            full.check(again)
        full.add(3, lab.revoke(enrolment, at_ms=lab.now))
        lab.clock.advance(1)
        with pytest.raises(RevokedError):
            full.check(unit.enrolment())

    def test_another_enrolment_of_the_same_box_does_not_outlive_the_revocation(self, lab, full, unit, enrolment):
        lab.clock.advance(3600)
        renewed = unit.enrolment()
        full.add(2, renewed)
        full.add(3, delegate(unit.identity, signing_key(62).public, enrolment, start_ms=lab.now))
        assert signing_key(62).public in {key.public for key in full.keys("s-101")}
        full.add(4, lab.revoke(renewed, at_ms=lab.now))
        assert full.keys("s-101") == []

    def test_the_earliest_of_several_counts(self, lab, full, enrolment):
        for index, offset in ((2, 5 * HOUR), (3, HOUR), (4, 9 * HOUR)):
            assert full.add(index, lab.revoke(enrolment, at_ms=lab.now + offset))
        assert len(full.keys("s-101", lab.now + HOUR - 1)) == 1
        assert full.keys("s-101", lab.now + HOUR) == []

    def test_what_is_not_there_cannot_be_revoked(self, lab, full):
        other = lab.box("s-102").enrolment()
        with pytest.raises(UnknownTargetError):
            full.check(lab.revoke(other))

    def test_another_station_s_leaf_cannot_be_revoked_under_this_name(self, lab, full, enrolment):
        leaf = lab.revoke(enrolment)
        with pytest.raises(UnknownTargetError):
            full.check(approved(lab, leaf, station="s-102"))

    def test_one_role_cannot_revoke(self, lab, full, enrolment):
        request = lab.authority.revocation(enrolment, "grudge")
        with pytest.raises(TooFewRolesError):
            lab.authority.revoke(request, lab.approvals(request, ("commission/chair", "commission/secretary")))
        leaf = lab.revoke(enrolment)
        pairs = [[name, bytes(64)] for name, _ in decode_leaf(leaf)["approvals"]]
        with pytest.raises(BadApprovalError):
            full.check(changed(leaf, approvals=pairs))


def test_an_officer_who_has_left_undoes_nothing(lab, enrolment, delegation):
    later = Directory(LOG, Roles(()), clock=lab.clock, authority=make_ca(lab.clock)[0].certificate)
    assert later.add(0, enrolment)
    assert later.add(1, delegation)
    assert len(later.keys("s-101")) == 1
    with pytest.raises(BadApprovalError):
        later.check(enrolment)


def encode_like(leaf: bytes, approvals: list[list[object]]) -> bytes:
    """The leaf with approvals that the format would not let anyone encode."""
    import cbor2  # noqa: PLC0415

    items = cbor2.loads(leaf)
    items[7] = approvals
    return cbor2.dumps(items, canonical=True)


class DirectoryMachine(RuleBasedStateMachine):
    """Leaves brought in any order, by copied boxes too: no key ever speaks for two stations, no revoked key speaks."""

    enrolments = Bundle("enrolments")
    delegations = Bundle("delegations")
    brought = Bundle("brought")

    @initialize()
    def begin(self) -> None:
        self.lab = Lab(ManualClock())
        self.live = self.lab.directory()
        self.log: list[bytes] = []
        self.identities = [self.lab.box().identity for _ in range(3)]
        self.revoked: dict[bytes, int] = {}
        """Identity or session key, and from when on."""

    def bring(self, leaf: bytes) -> bool:
        try:
            self.live.check(leaf)
        except EnrolmentError:
            return False
        self.log.append(leaf)
        return self.live.add(len(self.log) - 1, leaf)

    @rule(target=enrolments, station=st.sampled_from(["s-1", "s-2"]), identity=st.integers(0, 2))
    def enrol(self, station, identity):
        leaf = self.lab.box(station, self.identities[identity]).enrolment()
        self.bring(leaf)
        return leaf, identity

    @rule(target=delegations, enrolled=enrolments, session=st.integers(100, 103), signer=st.integers(0, 2))
    def delegate(self, enrolled, session, signer):
        leaf = delegate(self.identities[signer], signing_key(session).public, enrolled[0], start_ms=self.lab.now)
        accepted = self.bring(leaf)
        assert not accepted or signer == enrolled[1]
        return leaf

    @rule(which=st.one_of(enrolments.map(lambda e: e[0]), delegations), later=st.integers(0, 7_200))
    def revoke(self, which, later):
        at = self.lab.now + later * 1000
        if self.bring(self.lab.revoke(which, at_ms=at)):
            found = decode_leaf(which)
            key = found["identity" if found.kind is Kind.ENROLMENT else "session_key"]
            self.revoked[key] = min(at, self.revoked.get(key, at))

    @rule(seconds=st.integers(0, 90_000))
    def wait(self, seconds):
        self.lab.clock.advance(seconds)

    @rule()
    def restart(self):
        self.live = self.lab.directory()
        for index, leaf in enumerate(self.log):
            assert self.live.add(index, leaf)

    @invariant()
    def no_key_speaks_for_two(self):
        said = [key.public for station in ("s-1", "s-2") for key in self.live.keys(station)]
        assert len(said) == len(set(said))

    @invariant()
    def no_revoked_key_speaks(self):
        now = self.lab.now
        for station in ("s-1", "s-2"):
            enrolled = {entry.hash: entry.leaf["identity"] for entry in self.live.enrolments(station)}
            alive = {
                entry.leaf["session_key"]
                for entry in self.live.delegations(station)
                if all(
                    self.revoked.get(key, now + 1) > now
                    for key in (entry.leaf["session_key"], enrolled[entry.leaf["enrolment"]])
                )
            }
            assert {key.public for key in self.live.keys(station)} <= alive


TestDirectoryMachine = DirectoryMachine.TestCase
TestDirectoryMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def twin_signature(certificate: bytes) -> bytes:
    """The same certificate with n - s in the place of s."""
    read = x509.load_der_x509_certificate(certificate)
    r, s = decode_dss_signature(read.signature)
    signature = b"\0" + encode_dss_signature(r, P256_ORDER - s)
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
    body = read.tbs_certificate_bytes + algorithm + bytes([3, len(signature)]) + signature
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body
