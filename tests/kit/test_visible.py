"""What a reader would not see, or would take for something else, is written out."""

from __future__ import annotations

import pytest

from signoff.kit.visible import is_plain, visible, visible_value


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("pay\u200bpal", "U+200B"),  # zero width space
        ("invoice\u202egpj.exe", "U+202E right-to-left override"),
        ("a\u2066b\u2069", "U+2066"),
        ("soft\u00adhyphen", "U+00AD"),
        ("tag\U000e0041", "U+E0041"),
        ("blank\u3164", "U+3164"),
        ("bell\x07", "U+0007"),
        ("joined\u200dletters", "U+200D"),
        ("style\ufe0f", "U+FE0F"),
    ],
)
def test_what_is_invisible_or_turns_the_line_is_written_out(text: str, named: str):
    shown = visible(text)
    assert f"⟨{named}" in shown
    assert not is_plain(text)
    assert all(char.isprintable() for char in shown)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("p\u0430ypal.com", "cyrillic small letter a"),
        ("\u0430\u0440\u0440\u04cf\u0435.com", "cyrillic small letter palochka"),
        ("\u039fffice", "greek capital letter omicron"),
        ("ac\uff0dme\uff20x.com", "fullwidth commercial at"),
        ("example.com\u2215pay", "division slash"),
        ("\U0001d41aca", "mathematical bold small a"),
    ],
)
def test_letters_that_look_like_others_are_named(text: str, named: str):
    assert named in visible(text)


@pytest.mark.parametrize(
    "text",
    [
        "Rechnung für Müller & Söhne, 1.250,00 €",
        "Счёт за ноябрь",
        "Τιμολόγιο",
        "請求書 2024年",
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d💻 ❤\ufe0f",
        "line one\n\tline two",
        "naïve café — “quoted”",
        "{{secret.X}} <b>",
    ],
)
def test_honest_text_of_any_script_stays_as_it_is(text: str):
    assert visible(text) == text


def test_a_value_is_made_visible_in_every_place():
    assert visible_value({"to\u200b": ["a\u202e", 3, None]}) == {
        "to⟨U+200B zero width space⟩": ["a⟨U+202E right-to-left override⟩", 3, None]
    }
