-- *tuned*: one round trip per command. Row locks give the order of commands to one order and to one stock row.

CREATE FUNCTION apply_update(
    p_order text, p_update text, p_key text, p_fingerprint bigint,
    OUT code text, OUT version integer, OUT status text
) LANGUAGE plpgsql AS $$
DECLARE
    seen compare.commands%ROWTYPE;
    next_status text;
BEGIN
    SELECT o.version, o.status INTO version, status FROM compare.orders o WHERE o.order_id = p_order FOR UPDATE;
    IF NOT FOUND THEN
        code := 'order.unknown';
        RETURN;
    END IF;
    SELECT * INTO seen FROM compare.commands c WHERE c.command_id = p_key;
    IF FOUND THEN
        code := CASE WHEN seen.fingerprint = p_fingerprint THEN 'ok' ELSE 'idempotency.key_reused' END;
        version := seen.version;
        status := seen.status;
        RETURN;
    END IF;
    SELECT t.to_status INTO next_status FROM compare.transition t
    WHERE t.from_status = apply_update.status AND t.update_name = p_update;
    IF NOT FOUND THEN
        code := 'order.illegal_transition';
        RETURN;
    END IF;
    code := 'ok';
    version := version + 1;
    status := next_status;
    UPDATE compare.orders o SET version = apply_update.version, status = next_status, updated_at = now()
    WHERE o.order_id = p_order;
    INSERT INTO compare.history (order_id, version, event, cause) VALUES (p_order, version, p_update, p_key);
    INSERT INTO compare.commands (command_id, fingerprint, order_id, version, status)
    VALUES (p_key, p_fingerprint, p_order, version, status);
END $$;

-- Reserves for one order and writes all its rows. The stock rows are locked in one order (sku, location) by every
-- caller, so two placements can wait for each other but never deadlock. p_skus: distinct, with one quantity each.
-- Returns the allocation as rows, empty when nothing could be reserved; a repeated key returns the first reply's text.
CREATE FUNCTION place_order(
    p_key text, p_fingerprint bigint, p_order text, p_channel text, p_order_ref text, p_customer text, p_country text,
    p_currency text, p_skus text[], p_quantities integer[], p_unit_minor bigint[], p_ranked text[],
    OUT code text, OUT version integer, OUT status text, OUT order_id text,
    OUT locations text[], OUT skus text[], OUT quantities integer[]
) LANGUAGE plpgsql AS $$
DECLARE
    seen compare.commands%ROWTYPE;
    whole text;
    line integer;
    place text;
    missing integer;
    free integer;
BEGIN
    SELECT * INTO seen FROM compare.commands c WHERE c.command_id = p_key;
    IF FOUND THEN
        code := CASE WHEN seen.fingerprint = p_fingerprint THEN 'ok' ELSE 'idempotency.key_reused' END;
        version := seen.version;
        status := seen.status;
        order_id := seen.order_id;
        SELECT array_agg(f.location_id), array_agg(f.sku), array_agg(f.quantity) INTO locations, skus, quantities
        FROM compare.fulfilments f WHERE f.order_id = seen.order_id;
        RETURN;
    END IF;
    code := 'ok';
    version := 1;
    order_id := p_order;
    locations := '{}';
    skus := '{}';
    quantities := '{}';
    PERFORM 1 FROM compare.stock s WHERE s.sku = ANY (p_skus) ORDER BY s.sku, s.location_id FOR UPDATE;
    SELECT r.location_id INTO whole
    FROM unnest(p_ranked) WITH ORDINALITY AS r (location_id, rank)
    WHERE NOT EXISTS (
        SELECT 1 FROM unnest(p_skus, p_quantities) AS want (sku, quantity)
        LEFT JOIN compare.stock s ON s.sku = want.sku AND s.location_id = r.location_id
        WHERE coalesce(s.on_hand - s.reserved, 0) < want.quantity
    )
    ORDER BY r.rank LIMIT 1;
    FOR line IN 1 .. cardinality(p_skus) LOOP
        missing := p_quantities[line];
        FOREACH place IN ARRAY CASE WHEN whole IS NULL THEN p_ranked ELSE ARRAY[whole] END LOOP
            EXIT WHEN missing = 0;
            SELECT least(missing, s.on_hand - s.reserved) INTO free FROM compare.stock s
            WHERE s.sku = p_skus[line] AND s.location_id = place;
            CONTINUE WHEN free IS NULL OR free <= 0;
            UPDATE compare.stock s SET reserved = s.reserved + free
            WHERE s.sku = p_skus[line] AND s.location_id = place AND s.on_hand - s.reserved >= free;
            missing := missing - free;
            locations := locations || place;
            skus := skus || p_skus[line];
            quantities := quantities || free;
        END LOOP;
    END LOOP;
    status := CASE
        WHEN (SELECT sum(q) FROM unnest(quantities) q) = (SELECT sum(q) FROM unnest(p_quantities) q) THEN 'allocated'
        WHEN cardinality(quantities) > 0 THEN 'partly_allocated'
        ELSE 'backordered' END;
    INSERT INTO compare.orders
        (order_id, version, status, channel, order_ref, customer_ref, country, currency, total_minor)
    VALUES (p_order, 1, status, p_channel, p_order_ref, p_customer, p_country, p_currency,
        (SELECT sum(q * u) FROM unnest(p_quantities, p_unit_minor) AS l (q, u)));
    INSERT INTO compare.order_lines (order_id, line, sku, quantity, unit_minor)
    SELECT p_order, l.line, l.sku, l.quantity, l.unit_minor
    FROM unnest(p_skus, p_quantities, p_unit_minor) WITH ORDINALITY AS l (sku, quantity, unit_minor, line);
    INSERT INTO compare.fulfilments (fulfilment_id, order_id, location_id, sku, quantity)
    SELECT p_order || '/' || f.location_id, p_order, f.location_id, f.sku, f.quantity
    FROM unnest(locations, skus, quantities) AS f (location_id, sku, quantity);
    INSERT INTO compare.ledger (location_id, sku, reason, reserved_delta, cause)
    SELECT f.location_id, f.sku, 'reserve', f.quantity, p_order
    FROM unnest(locations, skus, quantities) AS f (location_id, sku, quantity);
    INSERT INTO compare.history (order_id, version, event, cause) VALUES (p_order, 1, 'placed', p_key);
    INSERT INTO compare.commands (command_id, fingerprint, order_id, version, status)
    VALUES (p_key, p_fingerprint, p_order, 1, status);
END $$;
