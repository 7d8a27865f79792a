"""The list that goes with a hand-over: what the driver takes, with room for two signatures. Numbers only, no names."""

from __future__ import annotations

from actors.domain.manifest_state import Manifest, signed_for
from actors.domain.times import moment
from actors.paper import Sheet, step
from serve.packing.settings import PackingSettings
from serve.packing.slip import SlipPaper
from serve.packing.table import BODY_SIZE, MARGIN_MM, Column, draw_table
from serve.packing.words import WORDS, Language, kilograms


def manifest_list(
    dock_id: str, manifest: Manifest, settings: PackingSettings, language: Language, paper: SlipPaper
) -> bytes:
    """The list as PDF. The same manifest gives the same bytes."""
    words = WORDS[language]
    location_id, _, carrier = dock_id.rpartition(".")
    title = f"{words['manifest']} {manifest.number}"
    sheet = Sheet(paper, f"{title} {dock_id}")
    bottom = sheet.size.height - MARGIN_MM
    sender = settings.sender_at(location_id)
    sheet.text(MARGIN_MM, MARGIN_MM + 5, title, 18, bold=True)
    facts = [
        f"{words['carrier']}: {carrier} {manifest.carrier_ref}".rstrip(),
        f"{words['sender']}: {sender.name + ', ' if sender is not None else ''}{location_id}",
        f"{words['date']}: {moment(manifest.closed_at_ms).isoformat(timespec='minutes')}",
    ]
    y = sheet.lines(MARGIN_MM, MARGIN_MM + 14, facts, BODY_SIZE) + 3

    def begin_page() -> float:
        sheet.next_page()
        sheet.text(MARGIN_MM, MARGIN_MM + 4, f"{title} · {dock_id}", BODY_SIZE)
        return MARGIN_MM + 14

    leaving = signed_for(manifest.parcels)
    columns = [
        Column("", 0.06, right=True),
        Column("SSCC", 0.34),
        Column(words["tracking"], 0.36),
        Column(words["weight"], 0.24, right=True),
    ]
    rows = [
        [str(position), one.sscc, one.tracking, kilograms(one.weight_g, language)] for position, one in enumerate(leaving, 1)
    ]  # fmt: skip
    y = draw_table(sheet, y, columns, rows, bottom, begin_page)
    sums = f"{words['total']}: {len(leaving)} · {kilograms(sum(one.weight_g for one in leaving), language)}"
    if y + 40 > bottom:
        y = begin_page()
    sheet.text(MARGIN_MM, y + step(BODY_SIZE), sums, BODY_SIZE, bold=True)
    y += 26
    for x in (MARGIN_MM, sheet.size.width / 2 + 5):
        sheet.rule(x, y, x + 75, y)
        sheet.text(x, y + step(8), words["signed"], 8)
    return sheet.pdf()
