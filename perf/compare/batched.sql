-- *batched*: many commands in one transaction, each table written once by a set. The caller sends no order and no key
-- twice in one batch. Rows are locked in one order by every caller, so two workers can't deadlock. The lock is a
-- statement of its own: the next one takes a new snapshot and so sees what the lock waited for.

CREATE FUNCTION apply_updates(p_orders text[], p_updates text[], p_keys text[], p_fingerprints bigint[])
RETURNS TABLE (code text, version integer, status text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM compare.orders o WHERE o.order_id = ANY (p_orders) ORDER BY o.order_id FOR UPDATE;
    RETURN QUERY
    WITH judged AS MATERIALIZED (
        SELECT i.n, i.order_id, i.update_name, i.command_id, i.fingerprint,
            c.fingerprint AS seen_fingerprint, c.version AS seen_version, c.status AS seen_status,
            o.version AS old_version, o.status AS old_status,
            CASE WHEN c.command_id IS NULL THEN t.to_status END AS next_status
        FROM unnest(p_orders, p_updates, p_keys, p_fingerprints)
            WITH ORDINALITY AS i (order_id, update_name, command_id, fingerprint, n)
        LEFT JOIN compare.commands c ON c.command_id = i.command_id
        LEFT JOIN compare.orders o ON o.order_id = i.order_id
        LEFT JOIN compare.transition t ON t.from_status = o.status AND t.update_name = i.update_name
    ), moved AS (
        UPDATE compare.orders o SET version = j.old_version + 1, status = j.next_status, updated_at = now()
        FROM judged j WHERE o.order_id = j.order_id AND j.next_status IS NOT NULL
    ), told AS (
        INSERT INTO compare.history (order_id, version, event, cause)
        SELECT j.order_id, j.old_version + 1, j.update_name, j.command_id FROM judged j WHERE j.next_status IS NOT NULL
    ), kept AS (
        INSERT INTO compare.commands (command_id, fingerprint, order_id, version, status)
        SELECT j.command_id, j.fingerprint, j.order_id, j.old_version + 1, j.next_status
        FROM judged j WHERE j.next_status IS NOT NULL
    )
    SELECT
        CASE
            WHEN j.old_version IS NULL THEN 'order.unknown'
            WHEN j.seen_fingerprint IS NULL AND j.next_status IS NULL THEN 'order.illegal_transition'
            WHEN j.seen_fingerprint <> j.fingerprint THEN 'idempotency.key_reused'
            ELSE 'ok' END,
        CASE
            WHEN j.next_status IS NOT NULL THEN j.old_version + 1
            WHEN j.seen_fingerprint IS NULL THEN j.old_version
            ELSE j.seen_version END,
        coalesce(j.next_status, j.seen_status, j.old_status)
    FROM judged j ORDER BY j.n;
END $$;

-- What a batch of placements needs to decide: the free stock of its SKUs, locked in one order.
CREATE FUNCTION lock_stock(p_skus text[])
RETURNS TABLE (sku text, location_id text, free integer) LANGUAGE sql AS $$
    SELECT s.sku, s.location_id, s.on_hand - s.reserved FROM compare.stock s
    WHERE s.sku = ANY (p_skus) ORDER BY s.sku, s.location_id FOR UPDATE
$$;

-- Writes what the worker decided for a batch of placements. A stock row is changed once per batch, not once per line;
-- the conditional decrement stays, as the last line of defence against promising a unit twice.
CREATE FUNCTION write_placements(
    o_id text[], o_status text[], o_channel text[], o_ref text[], o_customer text[], o_country text[],
    o_currency text[], o_total bigint[], o_key text[], o_fingerprint bigint[], o_reply text[],
    l_order text[], l_line integer[], l_sku text[], l_quantity integer[], l_unit bigint[],
    f_order text[], f_location text[], f_sku text[], f_quantity integer[],
    s_sku text[], s_location text[], s_taken integer[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    changed integer;
BEGIN
    INSERT INTO compare.commands (command_id, fingerprint, order_id, version, status, reply)
    SELECT k, f, i, 1, s, r FROM unnest(o_key, o_fingerprint, o_id, o_status, o_reply) AS u (k, f, i, s, r);
    UPDATE compare.stock s SET reserved = s.reserved + t.taken
    FROM unnest(s_sku, s_location, s_taken) AS t (sku, location_id, taken)
    WHERE s.sku = t.sku AND s.location_id = t.location_id AND s.on_hand - s.reserved >= t.taken;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed <> cardinality(s_sku) THEN
        RAISE EXCEPTION 'a reservation exceeded the stock that was locked for it';
    END IF;
    INSERT INTO compare.orders
        (order_id, version, status, channel, order_ref, customer_ref, country, currency, total_minor)
    SELECT i, 1, s, ch, rf, cu, co, cy, tt
    FROM unnest(o_id, o_status, o_channel, o_ref, o_customer, o_country, o_currency, o_total)
        AS u (i, s, ch, rf, cu, co, cy, tt);
    INSERT INTO compare.history (order_id, version, event, cause)
    SELECT i, 1, 'placed', k FROM unnest(o_id, o_key) AS u (i, k);
    INSERT INTO compare.order_lines (order_id, line, sku, quantity, unit_minor)
    SELECT * FROM unnest(l_order, l_line, l_sku, l_quantity, l_unit);
    INSERT INTO compare.fulfilments (fulfilment_id, order_id, location_id, sku, quantity)
    SELECT i || '/' || p, i, p, s, q FROM unnest(f_order, f_location, f_sku, f_quantity) AS u (i, p, s, q);
    INSERT INTO compare.ledger (location_id, sku, reason, reserved_delta, cause)
    SELECT p, s, 'reserve', q, i FROM unnest(f_order, f_location, f_sku, f_quantity) AS u (i, p, s, q);
END $$;
