"""A paper opens in a browser, is kept on the way under a name of somebody's, or is not what it says."""

from __future__ import annotations

from partners import fake_carrier
from tests.unit.serve.packing.pack_rig import DOCK
from tests.unit.serve.test_headers import check_hardened

ABROAD = {"country": "CA", "postcode": "V5K 0A1", "city": "Vancouver"}


async def test_a_paper_is_kept_by_a_cache_or_has_no_name(station):
    _, name = await station.packed(("A1", 1), ship_to=ABROAD)
    await station.labelled(name)
    _, home = await station.packed()
    await station.labelled(home)
    await station.done("POST", f"{DOCK}/manifests", status=201)
    parcel = f"/v1/shipments/{name}/parcels/1"
    sscc = (await station.read(name))["parcels"][0]["sscc"]
    for path, query, called in (
        (f"{parcel}/label", {}, f"label-{name}-1.pdf"), (f"{parcel}/slip.pdf", {}, f"slip-{name}-1.pdf"),
        (f"{parcel}/customs.pdf", {"document": "invoice"}, f"customs-invoice-{name}-1.pdf"), (f"{parcel}/sscc-label", {"format": "zpl"}, f"sscc-{sscc}.zpl"),
        (f"{DOCK}/manifests/1/list.pdf", {}, "manifest-us-wh-seattle.post-1.pdf"),
    ):  # fmt: skip
        paper = await station.get(path, **query)
        check_hardened(paper)
        assert paper.headers["content-disposition"] == f'attachment; filename="{called}"', path
        assert paper.headers["content-type"] == f"application/{called.rpartition('.')[2]}", path


async def test_what_a_carrier_sends_for_a_label_reaches_a_printer_or_browser_unseen(station, monkeypatch):
    page = b"<html><script>alert(1)</script></html>"
    monkeypatch.setattr(fake_carrier, "label_document", lambda *_: page)
    _, name = await station.packed()
    label = await station.labelled(name)
    assert label["status"] == "bought", "it is paid"
    assert page not in repr(station.cell.gateway.entities).encode()
    path = f"/v1/shipments/{name}/parcels/1/label"
    answer = await station.cell.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (409, "carrier.label_invalid")
    assert (await station.done("DELETE", path))["status"] == "voided"


async def test_what_was_kept_before_it_was_looked_at_is_handed_out(station, monkeypatch):
    monkeypatch.setattr(fake_carrier, "label_document", lambda *_: b"<html></html>")
    monkeypatch.setattr("serve.packing.labels.is_what_it_says", lambda *_: True)
    _, name = await station.packed()
    await station.labelled(name)
    monkeypatch.undo()
    answer = await station.cell.http.get(f"/v1/shipments/{name}/parcels/1/label")
    assert (answer.status_code, answer.json()["code"]) == (409, "carrier.label_invalid")
