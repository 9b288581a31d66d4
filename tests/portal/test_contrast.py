"""WCAG 2.2 AA contrast of every pair of tokens that the components put together, in both themes."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "frontend" / "css" / "tokens.css"
PAIR = re.compile(r"--color-([a-z-]+): (?:light-dark\((#\w{6}), (#\w{6})\)|(#\w{6}));")
GROUNDS = ("canvas", "side", "card", "sunken")
TEXTS = ("text", "muted", "faint", "accent-text", "good-text", "warn-text", "bad-text", "info-text")


def tokens(theme: int) -> dict[str, str]:
    return {name: (light, dark)[theme] or plain for name, light, dark, plain in PAIR.findall(TOKENS.read_text())}


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
class TestContrast:
    def test_text_is_readable_on_every_ground(self, theme: int) -> None:
        colour = tokens(theme)
        pairs = [(text, ground) for text in TEXTS for ground in GROUNDS]
        pairs += [(f"{tone}-text", f"{tone}-soft") for tone in ("accent", "good", "warn", "bad", "info")]
        pairs += [("text", f"{tone}-soft") for tone in ("good", "warn", "bad", "info")]
        pairs += [("on-accent", "accent"), ("on-accent", "accent-hover"), ("on-accent", "bad"), ("on-accent", "bad-hover")]
        pairs += [("text", "hover"), ("muted", "hover")]
        weak = {pair: round(contrast(colour[pair[0]], colour[pair[1]]), 2) for pair in pairs}
        assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}

    def test_borders_of_controls_stand_out(self, theme: int) -> None:
        colour = tokens(theme)
        weak = {ground: round(contrast(colour["control"], colour[ground]), 2) for ground in ("canvas", "card", "side")}
        assert {ground: ratio for ground, ratio in weak.items() if ratio < 3} == {}
