"""Line charts as SVG, written out as those of the benchmark are."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT = 860, 96, 190, 70


def lines(at_s: Sequence[float], samples: Mapping[str, Sequence[float]]) -> str:
    """A strip for each name, its own scale from 0 to the highest value; minutes to the right."""
    height = HEIGHT * len(samples) + 30
    last_s = max(at_s, default=1.0) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, (name, values) in enumerate(sorted(samples.items())):
        bottom, highest = HEIGHT * (number + 1), max([*values, 1e-9])
        points = " ".join(
            f"{LEFT + (WIDTH - LEFT - RIGHT) * x / last_s:.1f},{bottom - (HEIGHT - 20) * y / highest:.1f}"
            for x, y in zip(at_s, values, strict=True)
        )
        parts += [
            f'<text x="{LEFT - 10}" y="{bottom - 30}" text-anchor="end">{escape(name)}</text>',
            f'<line x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}" stroke="#ddd"/>',
            f'<polyline points="{points}" fill="none" stroke="#1b6ac9" stroke-width="1.5"/>',
            f'<text x="{WIDTH - RIGHT + 8}" y="{bottom - HEIGHT + 26}" fill="#666">{highest:g}</text>',
        ]
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{height - 8}" text-anchor="end">{last_s / 60:.0f} min</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
