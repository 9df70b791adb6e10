"""Text on labels: cleaned, wrapped, and put in the order in which it is drawn."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.labels import bidi, typeface
from gateway.labels.typeface import Pen

PEN = Pen(size=8)


def drawn(text: str) -> str:
    """The characters from left to right; brackets as they are written, for it is shaping that mirrors them."""
    levels = bidi.levels(text)
    return "".join(text[place] for place in bidi.visual(list(range(len(text))), level=levels.__getitem__))


@pytest.mark.parametrize(
    ("raw", "printed"),
    [
        ("  two\n words\t\x00", "two words"),
        ("cafe\u0301", "caf\u00e9"),
        ("a\u202eb\ufeffc\u00add", "abcd"),
        ("क्\u200dष", "क्\u200dष"),
        ("\ud800", "\ufffd"),
        ("x" + "\u0301" * 500, "x" + "\u0301" * 5),
    ],
)
def test_only_what_can_be_printed_is_kept(raw, printed):
    assert typeface.clean(raw) == printed


@pytest.mark.parametrize(
    ("logical", "seen"),
    [
        ("abc 12", "abc 12"),
        ("אבג", "גבא"),
        ("אבג 12", "12 גבא"),
        ("ab אבג cd", "ab גבא cd"),
        ("אב (cd)", ")cd( בא"),
        ("אב 1,2 ג", "ג 1,2 בא"),
        ("אב 5% ג", "ג 5% בא"),
        ("علي 34 ب", "ب 34 يلع"),
        ("x אב, גד y", "x דג ,בא y"),
    ],
)
def test_right_to_left_words_are_drawn_from_the_right(logical, seen):
    assert drawn(logical) == seen


@given(st.text())
def test_reordering_loses_no_character(text):
    assert sorted(drawn(text)) == sorted(text)


def test_a_line_breaks_at_spaces():
    assert typeface.wrap("one two three four", PEN, typeface.width("one two three", PEN) + 1) == ["one two three", "four"]


def test_only_a_word_wider_than_the_room_is_broken():
    room = typeface.width("wwwww", PEN) + 1
    assert typeface.wrap("a wwwwwwww b", PEN, room) == ["a", "wwwww", "www b"]


def test_a_conjunct_is_never_broken():
    assert typeface.wrap("क्षक्षक्ष", PEN, typeface.width("क्ष", PEN) * 1.5) == ["क्ष", "क्ष", "क्ष"]


@settings(deadline=None)
@given(st.text(), st.floats(min_value=20, max_value=300))
def test_wrapping_loses_nothing_but_spaces_and_keeps_to_the_room(raw, room):
    text = typeface.clean(raw)
    lines = typeface.wrap(text, PEN, room)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    # A line of joined letters, cut, may come out a little wider than its letters did in the whole text.
    assert [line for line in lines if len(line) > 1 and typeface.width(line, PEN) > room * 1.25 + 8] == []


def test_every_shipped_face_has_a_visible_box_for_what_it_lacks():
    names = sorted(path.stem for path in typeface.FONTS.glob("*.ttf"))
    empty = [name for name in names if typeface.load(name).font.get_glyph_extents(0).width == 0]
    assert (len(names), empty) == (13, [])


@pytest.mark.parametrize(
    ("text", "face"),
    [
        ("नमस्ते", "Devanagari"), ("নাম", "Bengali"), ("ਨਾਮ", "Gurmukhi"), ("નામ", "Gujarati"), ("ନାମ", "Oriya"), ("பெயர்", "Tamil"),
        ("పేరు", "Telugu"), ("ಹೆಸರು", "Kannada"), ("പേര്", "Malayalam"), ("نام", "Arabic"), ("שם", "Hebrew"),
    ],
)  # fmt: skip
def test_a_script_is_drawn_in_its_own_face_without_a_missing_glyph(text, face):
    (run,) = typeface.line(text, bold=True)
    assert (run.face.name, run.stroked) == (f"NotoSans{face}-Regular", True)
    assert all(glyph.id for glyph in run.glyphs)
