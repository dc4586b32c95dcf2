"""A root by SMS and on paper: it comes back exactly, or the mistake is named."""

import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shamir_mnemonic.wordlist import WORDLIST
from tests.ledger.enrol_lab import LOG, signing_key
from typer.testing import CliRunner

from aigaq.ledger.anchors import (
    MAX_SMS,
    AnchorFileError,
    BadAnchorNoteError,
    BadSmsError,
    BadWordsError,
    ClosingRoot,
    close_leaf,
    closing_sheet,
    read_code,
    read_sms,
    read_words,
    write_sms,
)
from aigaq.ledger.anchors.cli import anchor_app
from aigaq_verify import Checkpoint, Kind, Note, NoteSignature, VerifierKey, decode_leaf

ORIGIN = f"{LOG}/s/s-101"
GSM = re.compile(r"[A-Za-z0-9+/:]*")
KEY = signing_key(1)
VKEY = VerifierKey(ORIGIN, KEY.public)

roots = st.binary(min_size=32, max_size=32)
sizes = st.integers(0, (1 << 40) - 1)


def signed(size: int, root: bytes, origin: str = ORIGIN) -> bytes:
    return KEY.sign_note(Checkpoint(origin, size, root).text(), origin)


class TestSms:
    @given(size=sizes, root=roots)
    def test_the_very_note_comes_back(self, size, root):
        note = signed(size, root)
        message = write_sms(note)
        assert len(message) == 150 <= MAX_SMS
        assert GSM.fullmatch(message)
        assert read_sms(message, [f"{LOG}/s/s-102", ORIGIN]).note([VKEY]) == note

    def test_white_space_of_a_telephone_does_not_matter(self):
        note = signed(9, bytes(32))
        message = write_sms(note)
        assert read_sms(f" {message[:70]}\n{message[70:]} ", [ORIGIN]).note([VKEY]) == note

    @given(place=st.integers(4, 149), char=st.sampled_from("ABCXYZabcxyz0189+/"))
    def test_every_changed_character_is_noticed(self, place, char):
        message = write_sms(signed(77, bytes(range(32))))
        if message[place] != char:
            with pytest.raises(BadSmsError):
                read_sms(message[:place] + char + message[place + 1 :], [ORIGIN]).note([VKEY])

    @given(text=st.text(max_size=200))
    def test_other_messages_are_refused(self, text):
        with pytest.raises(BadSmsError):
            read_sms(text, [ORIGIN])

    def test_a_message_cut_short_or_of_another_log_is_refused(self):
        message = write_sms(signed(5, bytes(32)))
        for text, reason in ((message[:-1], "cut short"), (message + "A", "cut short"), (message[4:], "AQ1")):
            with pytest.raises(BadSmsError, match=reason):
                read_sms(text, [ORIGIN])
        with pytest.raises(BadSmsError, match="none of these logs"):
            read_sms(message, [f"{LOG}/s/s-102"])

    def test_another_s_key_does_not_do(self):
        anchor = read_sms(write_sms(signed(5, bytes(32))), [ORIGIN])
        keys = [VerifierKey(ORIGIN, signing_key(2).public), VerifierKey(f"{LOG}/s/s-102", KEY.public)]
        with pytest.raises(BadSmsError, match="no key"):
            anchor.note(keys)
        assert anchor.note([*keys, VKEY]) == signed(5, bytes(32))

    def test_what_does_not_fit_is_not_sent(self):
        by_other = KEY.sign_note(Checkpoint(ORIGIN, 5, bytes(32)).text(), "someone.else")
        extended = KEY.sign_note(Checkpoint(ORIGIN, 5, bytes(32), ("more",)).text(), ORIGIN)
        for note in (by_other, extended, signed(1 << 40, bytes(32))):
            with pytest.raises(BadSmsError):
                write_sms(note)
        with pytest.raises(BadAnchorNoteError):
            write_sms(b"no note")

    def test_cosignatures_stay_behind(self):
        note = Note.parse(signed(5, bytes(32)))
        more = Note(note.text, (NoteSignature("witness", b"abcd", bytes(72)), *note.signatures)).encode()
        assert read_sms(write_sms(more), [ORIGIN]).note([VKEY]) == note.encode()


class TestWords:
    @given(size=sizes, root=roots)
    def test_the_root_comes_back(self, size, root):
        closing = ClosingRoot(ORIGIN, size, root)
        assert len(closing.words) == 29
        assert read_words("\n".join(closing.words), ORIGIN, size) == closing
        closing.check(" ".join(closing.words).upper())
        assert read_code(closing.code) == closing

    @given(
        root=roots,
        wrong=st.dictionaries(st.integers(0, 28), st.sampled_from(WORDLIST), min_size=1, max_size=3),
    )
    def test_up_to_three_wrong_words_are_always_noticed_without_the_root(self, root, wrong):
        closing = ClosingRoot(ORIGIN, 12, root)
        words = [wrong.get(place, word) for place, word in enumerate(closing.words)]
        if words != closing.words:
            with pytest.raises(BadWordsError):
                read_words(" ".join(words), ORIGIN, 12)

    def test_with_the_root_the_places_are_named(self):
        closing = ClosingRoot(ORIGIN, 12, bytes(range(32)))
        words = list(closing.words)
        words[3], words[10] = "acid", "zorro"
        with pytest.raises(BadWordsError, match="4, 11") as caught:
            closing.check(" ".join(words))
        assert "some words are wrong" in str(caught.value)

    def test_a_paper_of_another_root_is_told_from_a_slip_of_the_pen(self):
        other = ClosingRoot(ORIGIN, 12, bytes(32))
        with pytest.raises(BadWordsError, match="another root"):
            ClosingRoot(ORIGIN, 12, bytes(range(32))).check(" ".join(other.words))

    def test_words_are_bound_to_station_and_size(self):
        words = " ".join(ClosingRoot(ORIGIN, 12, bytes(32)).words)
        for origin, size in ((f"{LOG}/s/s-102", 12), (ORIGIN, 13)):
            with pytest.raises(BadWordsError):
                read_words(words, origin, size)

    @given(text=st.text(max_size=300))
    def test_other_texts_are_refused(self, text):
        with pytest.raises(BadWordsError):
            read_words(text, ORIGIN, 1)
        with pytest.raises(BadWordsError):
            read_code(text)

    def test_words_that_are_in_no_list_are_named(self):
        words = ClosingRoot(ORIGIN, 12, bytes(32)).words
        with pytest.raises(BadWordsError, match=r"paper: 2\."):
            read_words(" ".join([words[0], "qqq", *words[2:]]), ORIGIN, 12)
        with pytest.raises(BadWordsError, match="number"):
            read_words(" ".join(words[1:]), ORIGIN, 12)
        with pytest.raises(BadWordsError, match="number"):
            ClosingRoot(ORIGIN, 12, bytes(32)).check(" ".join(words[1:]))

    def test_frozen_words(self):
        assert " ".join(ClosingRoot(ORIGIN, 12345, bytes(range(32))).words) == (
            "academic again category ruin aircraft branch husky adjust ancestor crunch royal elevator average echo "
            "beard liquid biology fawn genius screw broken guilt puny alpha capital keyboard emperor dryer mailman"
        )


class TestSheet:
    closing = ClosingRoot(ORIGIN, 12345, bytes(range(32)))

    def test_it_is_in_both_languages_of_a_protocol(self):
        page = closing_sheet(self.closing, "2031-03-17 02:10 Asia/Almaty").decode()
        for language in ("kk", "ru"):
            assert f'<section lang="{language}">' in page
        assert page.count("<code>mailman</code>") == 2
        assert self.closing.root.hex() in page
        assert "The recording" not in page

    def test_it_needs_nothing_from_elsewhere(self):
        page = closing_sheet(self.closing, "x").decode()
        assert not re.search(r"(?:src|href)=|url\(|@import|<script", page)

    def test_names_cannot_break_out_of_the_page(self):
        page = closing_sheet(ClosingRoot("<script>alert(1)</script>/s/<b>", 1, bytes(32)), "<i>").decode()
        assert "<script" not in page
        assert "<i>" not in page

    def test_the_qr_code_is_read_by_a_real_reader(self, tmp_path, chromium):
        """Chromium draws the sheet, OpenCV reads the code from the picture."""
        import cv2  # noqa: PLC0415 - only here

        (tmp_path / "sheet.html").write_bytes(closing_sheet(self.closing, "x", ("kk",)))
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=900,1400"]
        shot = tmp_path / "sheet.png"
        command = [chromium, *words, f"--screenshot={shot}", (tmp_path / "sheet.html").as_uri()]
        subprocess.run(command, capture_output=True, check=True, timeout=60)
        text, _, _ = cv2.QRCodeDetector().detectAndDecode(cv2.imread(str(shot)))
        assert read_code(text) == self.closing

    def test_the_leaf_says_the_same(self):
        found = decode_leaf(close_leaf(self.closing, 1_800_000_000_000))
        assert found.kind is Kind.CLOSE
        assert dict(found.values) == {
            "election": "vote-26", "station": "s-101", "at_ms": 1_800_000_000_000, "size": 12345,
            "root": self.closing.root,
        }  # fmt: skip


class TestCommands:
    @staticmethod
    def run(*words: object, typed: str | None = None):
        return CliRunner().invoke(anchor_app, [str(word) for word in words], input=typed)

    @pytest.fixture
    def note(self, tmp_path):
        (tmp_path / "note").write_bytes(signed(12345, bytes(range(32))))
        return tmp_path / "note"

    def test_a_message_goes_out_and_comes_back(self, note):
        message = self.run("sms", note).stdout.strip()
        assert self.run("read", message, "--vkey", VKEY).stdout.encode() == note.read_bytes()

    def test_a_sheet_is_made_and_its_words_checked(self, note, tmp_path):
        words = self.run("close", note, "--out", tmp_path / "sheet.html").stdout
        assert (tmp_path / "sheet.html").read_bytes().startswith(b"<!doctype html>")
        assert self.run("words", note, typed=words).exit_code == 0
        assert isinstance(self.run("words", note, "--typed", "acid " * 29).exception, BadWordsError)

    def test_no_sheet_is_overwritten(self, note, tmp_path):
        (tmp_path / "sheet.html").write_text("mine")
        assert isinstance(self.run("close", note, "--out", tmp_path / "sheet.html").exception, AnchorFileError)
        assert (tmp_path / "sheet.html").read_text() == "mine"
