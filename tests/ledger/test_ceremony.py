"""The ceremony: enough shares restore the root, one fewer do nothing, and nothing secret is told."""

import itertools
import json
import re
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic.wordlist import WORDLIST
from typer.testing import CliRunner

from aigaq.base import LANGUAGES, ManualClock
from aigaq.ledger import SigningKey
from aigaq.ledger.ceremony import (
    BadNumbersError,
    BadShareError,
    Ceremony,
    CeremonyError,
    CheckFailedError,
    FolderError,
    Scheme,
    TooFewSharesError,
    WrongRootError,
    check_in_memory,
    combine,
    commitment,
    read_words,
    reissue,
    script,
    split,
)
from aigaq.ledger.ceremony.authority import root_key
from aigaq.ledger.ceremony.cli import ceremony_app
from aigaq.ledger.enrolment import IssuingAuthority
from aigaq.ledger.key_files import read_private_key
from aigaq_verify import VerifierKey

ORIGIN = "log.example/vote-26"
SECRET = bytes(range(32))


def hold(folder: Path, *, rehearsal: bool = False, scheme: Scheme | None = None):
    ceremony = Ceremony(folder, ManualClock(), log_origin=ORIGIN, scheme=scheme or Scheme(3, 5), rehearsal=rehearsal)
    return ceremony.hold()


@pytest.fixture(scope="module")
def held(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ceremony") / "held"
    hold(folder)
    return folder


@pytest.fixture(scope="module")
def shares(held) -> list[str]:
    return [read_words(path.read_text()) for path in sorted((held / "shares").glob("*.txt"))]


class TestShares:
    @given(secret=st.binary(min_size=32, max_size=32), data=st.data())
    @settings(max_examples=10, deadline=None)
    def test_any_enough_restore_and_any_fewer_do_not(self, secret, data):
        made = data.draw(st.integers(2, 7))
        needed = data.draw(st.integers(made // 2 + 1, made))
        shares = split(secret, Scheme(max(needed, 2), made))
        some = data.draw(st.permutations(shares))
        assert combine(some[: max(needed, 2)]) == secret
        assert combine(some) == secret
        with pytest.raises(TooFewSharesError):
            combine(some[: max(needed, 2) - 1])

    def test_five_of_nine_in_every_combination(self):
        shares = split(SECRET, Scheme(5, 9))
        assert {len(share.split()) for share in shares} == {33}
        assert {combine(some) for some in itertools.combinations(shares, 5)} == {SECRET}

    def test_the_same_share_twice_counts_once(self):
        shares = split(SECRET, Scheme(2, 3))
        with pytest.raises(TooFewSharesError) as caught:
            combine([shares[0], shares[0]])
        assert caught.value.facts == {"given": 1, "needed": 2}
        with pytest.raises(TooFewSharesError):
            combine([])

    def test_shares_of_two_ceremonies_do_not_mix(self):
        one, two = split(SECRET, Scheme(2, 3)), split(SECRET, Scheme(2, 3))
        with pytest.raises(BadShareError, match="another ceremony"):
            combine([one[0], two[1]])

    def test_every_share_beyond_the_needed_is_used_too(self):
        """A forged share that only the surplus would touch must not pass for a good one."""
        shares = split(SECRET, Scheme(2, 3))
        other = split(bytes(32), Scheme(2, 3))
        from shamir_mnemonic.share import Share  # noqa: PLC0415

        real, false = Share.from_mnemonic(shares[2]), Share.from_mnemonic(other[2])
        forged = Share(
            real.identifier, real.extendable, real.iteration_exponent, real.group_index, real.group_threshold,
            real.group_count, real.index, real.member_threshold, false.value,
        ).mnemonic()  # fmt: skip
        with pytest.raises(BadShareError, match="do not fit"):
            combine([shares[0], shares[1], forged])

    @given(place=st.integers(0, 32), word=st.sampled_from(WORDLIST))
    def test_a_wrong_word_is_noticed(self, shares, place, word):
        words = shares[0].split()
        if words[place] != word:
            words[place] = word
            with pytest.raises(BadShareError):
                read_words(" ".join(words))

    @pytest.mark.parametrize("text", ["", "academic", "academic " * 33, "not a share at all", "#" * 40, "1 2 3"])
    def test_other_words_are_no_share(self, text):
        with pytest.raises(BadShareError):
            read_words(text)

    def test_a_share_is_read_however_it_is_typed(self, shares):
        words = shares[1].split()
        for text in (
            "\n".join(f"{n}. {word.upper()}" for n, word in enumerate(words, 1)),
            "# remark, academic\n" + ", ".join(words),
            "  ".join(f"{n:02}{word}" for n, word in enumerate(words, 1)),
        ):
            assert read_words(text) == shares[1]

    def test_no_error_tells_a_word(self, shares):
        words = shares[0].split()
        words[7], words[8] = words[8], words[7]
        for attempt in (lambda: read_words(" ".join(words)), lambda: combine([" ".join(words), *shares[1:3]])):
            with pytest.raises(BadShareError) as caught:
                attempt()
            chain, error = "", caught.value
            while error is not None:
                chain += repr(error)
                error = error.__cause__
            assert not any(re.search(rf"\b{word}\b", chain + str(caught.value)) for word in words if len(word) > 4)
            assert caught.value.__suppress_context__

    @pytest.mark.parametrize(("needed", "made"), [(1, 1), (1, 3), (2, 4), (5, 10), (3, 2), (9, 17), (0, 0), (-1, 3)])
    def test_numbers_that_protect_nothing_are_refused(self, needed, made):
        with pytest.raises(BadNumbersError):
            Scheme(needed, made)


class TestCeremony:
    def test_it_makes_what_the_election_needs(self, held):
        IssuingAuthority.load(held / "private/issuing.key", held / "public/issuing.crt")
        log = SigningKey.load(held / "private/log.key")
        lines = (held / "public/log.vkeys").read_text().splitlines()
        assert VerifierKey.parse(lines[0]).public == log.public
        assert VerifierKey.parse(lines[1]).kind == 6
        assert all(line.startswith(f"{ORIGIN}+") for line in lines)
        for path in (held / "private").iterdir():
            assert path.stat().st_mode & 0o777 == 0o600
        for name in ("private", "shares"):
            assert (held / name).stat().st_mode & 0o777 == 0o700

    def test_openssl_follows_the_chain(self, held):
        words = ["openssl", "verify", "-x509_strict", "-attime", "1800000000", "-CAfile", "root.crt", "issuing.crt"]
        done = subprocess.run(words, cwd=held / "public", capture_output=True, text=True, check=False)
        assert done.stdout.strip() == "issuing.crt: OK", done.stderr

    def test_the_shares_give_the_root_s_key(self, held, shares):
        root = x509.load_pem_x509_certificate((held / "public/root.crt").read_bytes())
        assert root_key(combine(shares[2:])).public_key() == root.public_key()

    def test_the_root_s_key_is_in_no_file(self, held, shares):
        secret = combine(shares)
        for path in held.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                assert secret not in data
                assert secret.hex().encode() not in data.lower()

    def test_the_transcript_speaks_three_languages_and_tells_no_secret(self, held, shares):
        text = (held / "public/transcript.html").read_text()
        for language in LANGUAGES:
            assert f'<section id="{language}" lang="{language}">' in text
        for share in shares:
            assert commitment(share) in text
            assert " ".join(share.split()[3:6]) not in text
        certificate = x509.load_pem_x509_certificate((held / "public/root.crt").read_bytes())
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

        assert certificate.fingerprint(SHA256()).hex() in text
        assert "REHEARSAL" not in text

    def test_each_sheet_holds_its_own_share_only(self, held, shares):
        for number, share in enumerate(shares, 1):
            page = (held / f"shares/share-{number:02}.html").read_text()
            words = re.findall(r"<code>([a-z]+)</code>", page)
            assert " ".join(words) == share
            assert "<svg" in page
            assert page.count('lang="') >= len(LANGUAGES)

    def test_a_rehearsal_leaves_no_key_and_says_what_it_was(self, tmp_path):
        transcript = hold(tmp_path / "r", rehearsal=True)
        assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["public"]
        assert "REHEARSAL" in (tmp_path / "r/public/transcript.html").read_text()
        certificate = x509.load_pem_x509_certificate((tmp_path / "r/public/root.crt").read_bytes())
        assert "REHEARSAL" in certificate.subject.rfc4514_string()
        assert "destroyed" in transcript.steps[-1][0]

    def test_a_folder_that_holds_something_is_never_touched(self, held, tmp_path):
        before = sorted(held.rglob("*"))
        for rehearsal in (True, False):
            with pytest.raises(FolderError, match="holds something"):
                hold(held, rehearsal=rehearsal)
        assert sorted(held.rglob("*")) == before

    def test_all_shares_needed_is_possible_too(self, tmp_path):
        steps = [text for text, _ in hold(tmp_path / "all", scheme=Scheme(3, 3)).steps]
        assert not any("the rest restored" in text for text in steps)

    def test_a_share_that_was_written_wrong_stops_the_ceremony(self, tmp_path, monkeypatch):
        whole = script.Ceremony._write_sheet

        def bad(self, number, share):
            whole(self, number, split(bytes(32), self._scheme)[number - 1] if number == 3 else share)

        monkeypatch.setattr(script.Ceremony, "_write_sheet", bad)
        with pytest.raises(CeremonyError):
            hold(tmp_path / "bad")

    def test_shares_of_another_key_stop_the_ceremony(self, tmp_path, monkeypatch):
        monkeypatch.setattr(script, "secret_of", lambda _: SECRET)
        with pytest.raises(CheckFailedError, match="another key"):
            hold(tmp_path / "bad")

    def test_a_machine_that_accepts_too_few_stops_the_ceremony(self, tmp_path, monkeypatch):
        whole = script.combine
        secret: list[bytes] = []

        def lax(shares):
            if len(shares) >= 3:
                secret.append(whole(shares))
            return secret[-1]

        monkeypatch.setattr(script, "combine", lax)
        with pytest.raises(CheckFailedError, match="must be refused"):
            hold(tmp_path / "bad")


class TestReissue:
    def test_shares_make_a_new_issuing_authority(self, held, shares, tmp_path):
        root = (held / "public/root.crt").read_bytes()
        issued = reissue(shares[:3], root, tmp_path, ManualClock())
        issued.verify_directly_issued_by(x509.load_pem_x509_certificate(root))
        IssuingAuthority.load(tmp_path / "issuing.key", tmp_path / "issuing.crt")
        assert read_private_key(tmp_path / "issuing.key")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["issuing.crt", "issuing.key"]

    def test_another_root_is_refused(self, shares, tmp_path):
        hold(tmp_path / "other")
        with pytest.raises(WrongRootError):
            reissue(shares[:3], (tmp_path / "other/public/root.crt").read_bytes(), tmp_path, ManualClock())
        for rubbish in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            with pytest.raises(FolderError):
                reissue(shares[:3], rubbish, tmp_path, ManualClock())


class TestMemory:
    def mounts(self, tmp_path, *lines: str) -> Path:
        (tmp_path / "mounts").write_text("\n".join(lines) + "\n")
        return tmp_path / "mounts"

    def test_memory_is_taken_and_a_disk_refused(self, tmp_path):
        mounts = self.mounts(tmp_path, "/dev/sda / ext4 rw 0 0", f"tmpfs {tmp_path} tmpfs rw 0 0")
        check_in_memory(tmp_path / "new", mounts)
        with pytest.raises(FolderError, match="reach a disk"):
            check_in_memory(Path("/elsewhere/new"), mounts)

    def test_the_innermost_mount_counts(self, tmp_path):
        mounts = self.mounts(tmp_path, "tmpfs / tmpfs rw 0 0", f"/dev/sda {tmp_path} ext4 rw 0 0")
        with pytest.raises(FolderError):
            check_in_memory(tmp_path / "new", mounts)

    def test_a_link_from_memory_to_a_disk_is_followed(self, tmp_path):
        memory, disk = tmp_path / "memory", tmp_path / "disk"
        for folder in (memory, disk):
            folder.mkdir()
        (memory / "link").symlink_to(disk)
        mounts = self.mounts(tmp_path, f"tmpfs {memory} tmpfs rw 0 0", f"/dev/sda {disk} ext4 rw 0 0")
        with pytest.raises(FolderError):
            check_in_memory(memory / "link" / "new", mounts)

    def test_a_system_that_does_not_say_is_refused(self, tmp_path):
        with pytest.raises(FolderError):
            check_in_memory(tmp_path, tmp_path / "none")


class TestCommands:
    @staticmethod
    def run(*words: object):
        return CliRunner().invoke(ceremony_app, [str(word) for word in words])

    def test_a_rehearsal_prints_its_steps_and_hashes(self, tmp_path):
        result = self.run("rehearse", tmp_path / "r", "--origin", ORIGIN, "--shares", 2, "--of", 3)
        assert result.exit_code == 0, result.output
        assert "destroyed" in result.stdout
        assert ORIGIN in result.stdout

    def test_a_ceremony_prints_nothing_secret(self, tmp_path):
        result = self.run("run", tmp_path / "c", "--origin", ORIGIN, "--shares", 2, "--of", 3, "--on-disk", "--json")
        assert result.exit_code == 0, result.output
        told = json.loads(result.stdout)
        words = [read_words(path.read_text()) for path in sorted((tmp_path / "c/shares").glob("*.txt"))]
        assert told["shares"] == [commitment(share) for share in words]
        for share in words:
            assert share not in result.output
            assert " ".join(share.split()[3:6]) not in result.output
        texts = sorted((tmp_path / "c/shares").glob("*.txt"))
        root = tmp_path / "c/public/root.crt"
        again = self.run("combine", *texts[:2], "--root", root, "--out", tmp_path / "new")
        assert again.exit_code == 0, again.output
        assert (tmp_path / "new/issuing.crt").exists()
        few = self.run("combine", texts[0], "--root", root, "--out", tmp_path / "few")
        assert isinstance(few.exception, TooFewSharesError)

    def test_without_being_told_nothing_reaches_a_disk(self, tmp_path, monkeypatch):
        (tmp_path / "mounts").write_text("/dev/sda / ext4 rw 0 0\n")
        monkeypatch.setattr(check_in_memory, "__defaults__", (tmp_path / "mounts",))
        result = self.run("run", tmp_path / "c", "--origin", ORIGIN)
        assert isinstance(result.exception, FolderError)
        assert not (tmp_path / "c").exists()
