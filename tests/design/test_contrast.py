"""The colours of tokens.css hold WCAG 2.2 AA in both themes, and nothing else names a colour."""

import re
from pathlib import Path

import pytest
from django.conf import settings

CSS = Path(settings.BASE_DIR) / "static" / "css"
TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#[0-9A-Fa-f]{6}), (#[0-9A-Fa-f]{6})\)", (CSS / "tokens.css").read_text())
}
SURFACES = ("canvas", "surface", "sunken")
TEXT_ON = {
    **dict.fromkeys(("ink", "ink2", "ink3"), SURFACES),
    "on-accent": ("accent", "accent-hover"),
    "accent-text": ("accent-tint", "surface"),
    **{tone: (f"{tone}-tint", "surface") for tone in ("neutral", "info", "violet", "amber", "good", "bad", "removed", "added")},
    **{f"age-{band}": (f"age-{band}-tint",) for band in (1, 2, 3, 4)},
}
MORE_TEXT = [
    *[(text, "accent-tint") for text in ("ink", "ink2", "ink3")],
    *[("ink", f"heat-{level}") for level in (1, 2, 3, 4)],
    *[(text, "differs-row") for text in ("ink", "ink2", "ink3", "amber")],
]
PAIRS = [(text, ground, 4.5) for text, grounds in TEXT_ON.items() for ground in grounds] + [
    (text, ground, 4.5) for text, ground in MORE_TEXT
]
GRAPHICS = [
    (name, ground, 3.0)
    for name in ("edge", "accent", "fill-1", "fill-2", "fill-3", "fill-4", "fill-good")
    for ground in ("surface", "canvas")
]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("name", "ground", "least"), PAIRS + GRAPHICS)
def test_a_pair_can_be_told_apart(name: str, ground: str, least: float) -> None:
    for theme, (colour, behind) in zip(("light", "dark"), zip(TOKENS[name], TOKENS[ground], strict=True), strict=True):
        assert contrast(colour, behind) >= least, f"{name} on {ground} in the {theme} theme"


def test_every_colour_is_held_to_a_pair() -> None:
    decorative = {"line", "track", "differs-row", *SURFACES}
    named = {name for pair in PAIRS + GRAPHICS for name in pair[:2]}
    assert set(TOKENS) - named - decorative == set()


@pytest.mark.parametrize("file", ["base", "layout", "components", "pages"])
def test_only_the_tokens_name_colours_and_themes(file: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", (CSS / f"{file}.css").read_text(), flags=re.DOTALL)
    # The white behind a QR code is what scanners need; translucent black and white are shadows.
    colours = [
        colour for colour in re.findall(r"#[0-9A-Fa-f]{3,8}\b", text) if colour not in {"#FFFFFF", "#0000003D", "#FFFFFF24", "#0B0E1424"}
    ]
    assert colours == []
    assert "data-theme" not in text
    assert set(re.findall(r"var\(--([\w-]+)\)", text)) <= set(re.findall(r"--([\w-]+):", (CSS / "tokens.css").read_text()))


def test_the_pages_weigh_what_they_may() -> None:
    script = Path(settings.BASE_DIR) / "static" / "js" / "ledgerops.js"
    loaded = re.findall(r"css/\w+\.css", (Path(settings.BASE_DIR) / "templates" / "base.html").read_text())
    assert len(loaded) == 5
    assert sum((CSS.parent / file).stat().st_size for file in loaded) <= 60_000
    assert script.stat().st_size <= 15_000
