"""The product's two typefaces, cut down to the characters and weights it uses.

They are made at set-up from an installed package and kept out of the repository; without them the system's fonts are used.
"""

import functools
from importlib.resources import as_file, files
from pathlib import Path

from django.conf import settings
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

FOLDER = "static/fonts"
STYLESHEET = "fonts.css"
# Latin with its supplements, punctuation, currencies, arrows, the true minus and the few signs the screens draw.
RANGES = (
    (0x20, 0x7E),
    (0xA0, 0x17F),
    (0x2010, 0x2027),
    (0x2030, 0x203A),
    (0x20A0, 0x20C0),
    (0x2190, 0x2199),
    (0x2212, 0x2212),
    (0x2248, 0x2265),
)
FEATURES = ["calt", "ccmp", "kern", "mark", "mkmk", "tnum", "zero", "ss03", "cv05", "case"]

FACES: tuple[tuple[str, str, dict[str, int | tuple[int, int]]], ...] = (
    ("Inter", "ofl/inter/Inter[opsz,wght].ttf", {"opsz": 14, "wght": (400, 600)}),
    ("JetBrains Mono", "ofl/jetbrainsmono/JetBrainsMono[wght].ttf", {"wght": (400, 600)}),
)


def folder() -> Path:
    return Path(settings.BASE_DIR) / FOLDER


@functools.cache
def available() -> bool:
    """Say whether the fonts were made; asked once per process."""
    return (folder() / STYLESHEET).is_file()


def make() -> list[Path]:
    """Write the subset fonts and the stylesheet that names them; return what was written."""
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    rules, written = [], []
    for family, source, limits in FACES:
        path = target / (family.lower().replace(" ", "-") + ".woff2")
        _cut(source=source, limits=limits, path=path)
        rules.append(
            f'@font-face {{ font-family: "{family}"; src: url("{path.name}") format("woff2"); font-weight: 400 600; font-display: swap; }}'
        )
        written.append(path)
    # Written last: its presence says that the fonts are complete.
    stylesheet = target / STYLESHEET
    stylesheet.write_text("\n".join(rules) + "\n")
    available.cache_clear()
    return [*written, stylesheet]


def _cut(*, source: str, limits: dict[str, int | tuple[int, int]], path: Path) -> None:
    options = Options()
    options.layout_features = FEATURES
    options.hinting = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    with as_file(files("justmytype_western_core") / "fonts" / source) as original, TTFont(original) as font:
        subsetter.subset(font)
        smaller = instantiateVariableFont(font, limits)
        smaller.flavor = "woff2"
        smaller.save(path)
