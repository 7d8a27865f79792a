"""A cart tells after an erasure whose it was, or keeps goods for nobody."""

from actors.domain.reservation_commands import ReleaseReservation
from serve.privacy import persons
from tests.unit.serve.post_office import bearer, joined
from tests.unit.serve.privacy.office import customer, exported, in_carts, over, owners, placed, proved, stepped
from tests.unit.serve.small_cell import order


def kept_for_carts(cell, sku):
    """Units, over all locations."""
    places = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "location"]
    return sum(state.stock[sku].reserved for state in places if sku in state.stock)


async def test_carts_still_tell_whose_they_were_or_keep_goods(cell, monkeypatch):
    # So that there are several pages of them.
    monkeypatch.setattr(persons, "_PAGE", 1)
    tokens, orders = await customer(cell)
    ordered, expired, held = await in_carts(cell, tokens, 3)
    assert kept_for_carts(cell, "A1") == 6
    theirs = (await in_carts(cell, await joined(cell, "tom@example.com")))[0]
    body = order(order_ref="web-3", customer={}) | {"reservation_id": ordered}
    orders.append(await placed(cell, body, **bearer(tokens)))
    await cell.gateway.ask("reservation", expired, ReleaseReservation(), command_id="w-1", digest=1)
    assert cell.gateway.entities["reservation", ordered][0].order_id == orders[-1]
    await over(cell, *orders)

    data = (await exported(cell, await proved(cell, "gdpr", "access"))).json()["reservations"]
    assert [(one["reservation_id"], one["status"], one["order_id"]) for one in data] == [
        (ordered, "converted", orders[-1]), (expired, "released", ""), (held, "held", ""),
    ]  # fmt: skip
    assert all([(line["sku"], line["wanted"]) for line in one["lines"]] == [("A1", 2)] for one in data)
    page = await exported(cell, await proved(cell, "gdpr", "access"), "?format=html")
    assert all(word in page.text for word in (ordered, expired, held, "2 × A1")), page.text

    done = (await stepped(cell, await proved(cell), "erase"))["done"][-1]["counts"]
    assert done["reservations"] == 3
    carts = {cart: cell.gateway.entities["reservation", cart][0] for cart in (ordered, expired, held)}
    assert [state.owner for state in carts.values()] == ["", "", ""]
    assert [state.stage for state in carts.values()] == ["converted", "released", "released"]
    assert tokens["customer_id"] not in repr(carts)
    theirs_now = cell.gateway.entities["reservation", theirs][0]
    assert (theirs_now.stage, bool(theirs_now.owner)) == ("held", True)
    assert kept_for_carts(cell, "A1") == 2, "only the other customer's cart keeps goods"
    assert (await exported(cell, await proved(cell, "gdpr", "access"))).json()["reservations"] == []


async def test_a_cart_of_the_last_moment_still_tells_whose_it_was(cell, monkeypatch):
    """Made after the person was looked for, and before the account was erased."""
    tokens, orders = await customer(cell)
    await over(cell, *orders)
    request_id, asking, listing, made = await proved(cell), cell.gateway.ask, cell.read_model.reservations_of, []

    async def quick(kind, *rest, **more):
        if kind == "customer" and not made:
            made.append(cell.clock.now)
            await in_carts(cell, tokens)
        return await asking(kind, *rest, **more)

    async def behind(customer_id, **asked):
        written = not made or cell.gateway.fresh_ms() > made[0] + 1_000
        return await listing(customer_id, **asked) if written else []

    monkeypatch.setattr(cell.gateway, "ask", quick)
    monkeypatch.setattr(cell.read_model, "reservations_of", behind)
    await stepped(cell, request_id, "erase")
    assert owners(cell) == [""]
