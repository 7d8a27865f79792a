"""Warehouses and stores: particulars, receipts, adjustments, stock, ledger."""
