"""Draws line charts and bar charts as SVG, for light and dark windows alike. Pure."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 34, 34
COLOURS = ("#3b6fb6", "#d9822b", "#2f8f5b", "#a13d63", "#6b6b6b")
BAR = 26
NAME_WIDTH = 190
TICKS = 4
"""Steps of an axis, at most."""


class Line(NamedTuple):
    """A named line, its points from left to right."""

    name: str
    points: Sequence[tuple[float, float]]


class Band(NamedTuple):
    """A named section of the horizontal axis."""

    name: str
    start: float
    end: float


class _Scale(NamedTuple):
    """Maps values to coordinates, logarithmically where `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        return self.start + (self.end - self.start) * (at - low) / ((high - low) or 1)

    def ticks(self) -> list[float]:
        """Return round values within the range."""
        if self.log:
            powers = range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            return [10.0**power for power in powers]
        return _round_steps(self.low, self.high)


def line_chart(
    title: str,
    drawn: Sequence[Line],
    *,
    bands: Sequence[Band] = (),
    names: Sequence[str] = (),
    log: bool = False,
) -> str:
    """Return lines over seconds, or over `names` at 0, 1, 2 and so on."""
    points = [point for line in drawn for point in line.points]
    ys = [y for _, y in points if not log or y > 0] or [1.0]
    right = max([x for x, _ in points], default=1.0) or 1.0
    if log:
        low, high = 10 ** math.floor(math.log10(min(ys))), 10 ** math.ceil(math.log10(max(ys)))
        vertical = _Scale(low, max(high, low * 10), HEIGHT - BOTTOM, TOP, log=True)
    else:
        steps = _round_steps(0, max(ys) or 1.0)
        vertical = _Scale(0, steps[-1], HEIGHT - BOTTOM, TOP)
    across = _Scale(0, right, LEFT, WIDTH - RIGHT)
    parts = [_text(LEFT, 18, title, bold=True)]
    parts += [_band(band, across, number) for number, band in enumerate(bands)]
    parts += [_rule(vertical(tick), short_number(tick)) for tick in vertical.ticks()]
    marks = [(float(at), name) for at, name in enumerate(names)]
    marks = marks or [(tick, f"{tick:g} s") for tick in across.ticks() if tick <= right]
    parts += [_text(across(at), HEIGHT - BOTTOM + 16, name, middle=True) for at, name in marks]
    for number, line in enumerate(drawn):
        places = " ".join(f"{across(x):.1f},{vertical(y):.1f}" for x, y in line.points)
        colour = COLOURS[number % len(COLOURS)]
        parts.append(
            f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        )
        if len(drawn) > 1:
            parts.append(_text(LEFT + 130 * number, HEIGHT - 3, f"■ {line.name}", colour=colour))
    return _document(parts, HEIGHT)


def bar_chart(title: str, values: Mapping[str, float], unit: str) -> str:
    """Return a bar for each value; the longest fills the width."""
    most = max(values.values(), default=0) or 1
    room = WIDTH - RIGHT - NAME_WIDTH - 110
    parts = [_text(10, 18, title, bold=True)]
    for number, (name, value) in enumerate(values.items()):
        top, colour = TOP + number * BAR, COLOURS[number % len(COLOURS)]
        width = max(1.0, room * value / most)
        parts.append(_text(10, top + 15, name))
        parts.append(
            f'<rect x="{NAME_WIDTH}" y="{top}" width="{width:.1f}" height="{BAR - 8}" '
            f'fill="{colour}"/>'
        )
        parts.append(_text(NAME_WIDTH + width + 6, top + 14, f"{short_number(value)} {unit}"))
    return _document(parts, TOP + BAR * len(values) + 10)


def short_number(value: float) -> str:
    """Return three digits, with k and M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _round_steps(low: float, high: float) -> list[float]:
    rough = (high - low) / TICKS
    power = 10 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= rough * 0.999)
    return [low + step * number for number in range(math.ceil((high - low) / step - 1e-9) + 1)]


def _band(band: Band, across: _Scale, number: int) -> str:
    start, end = across(band.start), across(band.end)
    box = (
        f'<rect x="{start:.1f}" y="{TOP}" width="{max(0, end - start):.1f}" '
        f'height="{HEIGHT - TOP - BOTTOM}" fill="#888" opacity="{0.16 if number % 2 else 0.08}"/>'
    )
    return box + _text((start + end) / 2, TOP - 4, band.name, middle=True, small=True)


def _rule(y: float, name: str) -> str:
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>'
    return line + f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{name}</text>'


def _text(  # noqa: PLR0913 - place and style
    x: float,
    y: float,
    text: str,
    *,
    bold: bool = False,
    middle: bool = False,
    small: bool = False,
    colour: str | None = None,
) -> str:
    style = ' font-weight="bold"' * bold + ' text-anchor="middle"' * middle
    style += ' font-size="10"' * small + (f' style="fill:{colour}"' if colour else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{style}>{escape(text)}</text>'


def _document(parts: Sequence[str], height: int) -> str:
    style = (
        "svg{background:#fff}text{fill:#222}"
        "@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#ddd}}"
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, f"<style>{style}</style>", *parts, "</svg>"]) + "\n"
