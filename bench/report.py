"""Summaries as tables, in Markdown that also reads well in a terminal."""

from collections.abc import Sequence

from bench.summary import Number, Summary

# Column title, name of the quantity, factor. A column is shown where any row has it.
COLUMNS = (
    ("msg/s", "messages_per_s", 1),
    ("deliveries/s", "deliveries_per_s", 1),
    ("requests/s", "requests_per_s", 1),
    ("newest/s", "newest:per_s", 1),
    ("middle/s", "middle:per_s", 1),
    ("oldest/s", "oldest:per_s", 1),
    ("all back s", "took_s", 1),
    ("kB a connection", "memory_kb", 1),
    ("idle CPU %", "idle_cpu_share", 100),
    ("p50 ms", "p50_ms", 1),
    ("p99 ms", "p99_ms", 1),
    ("ack p50 ms", "ack_p50_ms", 1),
    ("ack p99 ms", "ack_p99_ms", 1),
    ("CPU µs/delivery", "server_us_per_delivery", 1),
    ("CPU µs/msg", "server_us_per_message", 1),
    ("CPU µs/request", "server_us_per_request", 1),
    ("PostgreSQL µs/msg", "postgres_us_per_message", 1),
    ("Redis µs/msg", "redis_us_per_message", 1),
    ("PostgreSQL µs/request", "postgres_us_per_request", 1),
    ("connects/s", "connects_per_s", 1),
    ("client %", "client_share", 100),
    ("others %", "others_share", 100),
)

BEHIND_S = 1.5  # of messages waiting: more than a burst that has just begun


def shown(number: Number, factor: float = 1) -> str:
    """The median, and the spread where there is one: `1,234 (1,200–1,250)`."""
    texts = [figure(value * factor) for value in (number.median, number.low, number.high)]
    return texts[0] if texts[1] == texts[2] else f"{texts[0]} ({texts[1]}–{texts[2]})"


def figure(value: float) -> str:
    """Three digits are enough of anything measured here."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def verdict(summary: Summary) -> str:
    """What went wrong, in words; "ok" where nothing did."""
    said = []
    if summary.lost:
        said.append(f"LOST {summary.lost:,} of {summary.expected:,} ({summary.lost / summary.expected:.1%})")
    for text, count in (
        ("doubled", summary.doubled),
        ("out of order", summary.disordered),
        ("errors", summary.errors),
        ("given up", summary.stalled),
    ):
        if count:
            said.append(f"{count:,} {text}")
    behind, rate = summary.median("behind"), summary.median("messages_per_s")
    if behind and rate and behind > BEHIND_S * rate:
        said.append(f"does not keep up: {behind:,.0f} waiting at the end")
    said += [f"{count:,} closed with {code}" for code, count in sorted(summary.closed.items())]
    if summary.client_bound:
        said.append(f"client-bound in {summary.client_bound} of {summary.runs}")
    if summary.disturbed:
        said.append(f"disturbed in {summary.disturbed} of {summary.runs}")
    return ", ".join(said) or "ok"


def table(summaries: Sequence[Summary], against: Summary | None) -> str:
    """A row a server. `against` is whom the rates are compared with, where anybody is."""
    columns = [column for column in COLUMNS if any(column[1] in one.numbers for one in summaries)]
    base = against.median("deliveries_per_s") if against else None
    rows = [["server", *(["×"] if base else []), *(title for title, *_ in columns), "verdict"]]
    for one in summaries:
        ratio = one.median("deliveries_per_s")
        cells = [f"({one.server}) {one.title}"]
        if base:
            cells.append(figure(ratio / base) if ratio else "–")
        for _, name, factor in columns:
            cells.append(shown(one.numbers[name], factor) if name in one.numbers else "–")
        rows.append([*cells, verdict(one)])
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
