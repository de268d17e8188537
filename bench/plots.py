"""Bar charts as SVG, written out: a plotting library would be most of what a checkout installs."""

import math
from collections.abc import Sequence
from html import escape

from bench.report import figure

BAR, GAP, LEFT, WIDTH, TOP = 22, 8, 230, 860, 46
COLOURS = {"c": "#1b6ac9", "cs": "#1b6ac9", "c2": "#4a94e8", "d": "#6fb1f2", "e": "#b9bec6"}
OTHER = "#d98a2b"


def bars(title: str, unit: str, rows: Sequence[tuple[str, str, float, float, float]]) -> str:
    """A bar for each (letter, label, median, low, high) on a logarithmic scale, the spread as a line on it."""
    lowest = min(row[3] for row in rows)
    highest = max(row[4] for row in rows)
    begin = math.floor(math.log10(lowest)) if lowest > 0 else 0
    end = max(begin + 1, math.ceil(math.log10(highest)))

    def at(value: float) -> float:
        share = (math.log10(max(value, 10.0**begin)) - begin) / (end - begin)
        return LEFT + share * (WIDTH - LEFT - 110)

    height = TOP + len(rows) * (BAR + GAP) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="12" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
        f'<text x="12" y="39" fill="#666">{escape(unit)}, logarithmic</text>',
    ]
    for power in range(begin, end + 1):
        x = at(10.0**power)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{height - 20}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{height - 6}" fill="#666" text-anchor="middle">{figure(10.0**power)}</text>'
        )
    for number, (letter, label, median, low, high) in enumerate(rows):
        y = TOP + number * (BAR + GAP) + GAP / 2
        middle = y + BAR / 2
        parts += [
            f'<text x="{LEFT - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{LEFT}" y="{y:.1f}" width="{max(1.0, at(median) - LEFT):.1f}" height="{BAR}" '
            f'fill="{COLOURS.get(letter, OTHER)}"/>',
            f'<line x1="{at(low):.1f}" y1="{middle:.1f}" x2="{at(high):.1f}" y2="{middle:.1f}" stroke="#222" '
            'stroke-width="2"/>',
            f'<text x="{at(high) + 8:.1f}" y="{middle + 4:.1f}">{median:,.{0 if median >= 100 else 1}f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
