"""Alerts for auditors."""
