"""Notes of personal data that several declarations share (`personal.py`), by what the field holds."""

from __future__ import annotations

from actors.domain.personal import Personal

# --- of an order: as it is kept, as it is sealed, and as it is shown to who may see it
ORDER_DIGEST = Personal("order", "orders", "pointer", "keyed_digest")
ORDER_OWNER = Personal("pseudonym", "orders", "pointer", "keyed_digest")
ORDER_COUNTRY = Personal("address", "orders", "order", "rights")
PURCHASE = Personal("purchase", "orders", "order", "rights")
SEALED_ORDER = Personal("sealed", "orders", "erasure", "data_key")
PRIVATE_REFERENCE = Personal("order", "orders", "erasure", "data_key")
PRIVATE_NAME = Personal("name", "orders", "erasure", "data_key")
PRIVATE_ADDRESS = Personal("address", "orders", "erasure", "data_key")
PRIVATE_POSITION = Personal("position", "orders", "erasure", "data_key")
PRIVATE_CONTACT = Personal("contact", "orders", "erasure", "data_key")
PRIVATE_GIFT = Personal("message", "orders", "erasure", "data_key")
SHOWN_REFERENCE = Personal("order", "orders", "request", "rights")
SHOWN_NAME = Personal("name", "orders", "request", "rights")
SHOWN_ADDRESS = Personal("address", "orders", "request", "rights")
SHOWN_POSITION = Personal("position", "orders", "request", "rights")
SHOWN_CONTACT = Personal("contact", "orders", "request", "rights")
SHOWN_GIFT = Personal("message", "orders", "request", "rights")
PICKUP_SPOT = Personal("position", "orders", "visit", "data_key")
SHOWN_PICKUP_SPOT = Personal("position", "orders", "request", "rights")
SEALED_PAPER = Personal("sealed", "orders", "papers", "data_key")
PAPER_DIGEST = Personal("pseudonym", "orders", "papers", "keyed_digest")
TRACKING = Personal("pseudonym", "orders", "order", "rights")
KEY_OF = Personal("pseudonym", "orders", "order", "keyed_digest")

# --- of customers and guests
CUSTOMER_ID = Personal("pseudonym", "customer_access", "account", "keyed_digest")
CUSTOMER_SESSION = Personal("session", "customer_access", "session", "random_id")
SEALED_EMAIL = Personal("contact", "customer_access", "erasure", "data_key")
CUSTOMER_PASSKEY = Personal("credential", "customer_access", "account", "public_key")
CUSTOMER_PASSKEY_NAME = Personal("credential", "customer_access", "erasure", "data_key")
SHOWN_PASSKEY_NAME = Personal("credential", "customer_access", "request", "rights")
CUSTOMER_SHOWN_AS = Personal("name", "customer_access", "request", "rights")
GIVEN_EMAIL = Personal("contact", "customer_access", "request", "rights")
GIVEN_POSTCODE = Personal("address", "customer_access", "request", "rights")
ASKER = Personal("pseudonym", "customer_access", "request", "keyed_digest")
ONE_TIME_CODE = Personal("credential", "customer_access", "code", "keyed_digest")
NOTICE_ABOUT = Personal("pseudonym", "notices", "notice", "random_id")
SEALED_ADDRESS = Personal("contact", "notices", "sent", "data_key")
SEALED_CONTENT = Personal("credential", "notices", "sent", "data_key")

# --- of whoever asks about their own data, and who answers
REQUEST_OF = Personal("pseudonym", "privacy", "privacy_request", "keyed_digest")
REQUEST_CONTACT = Personal("contact", "privacy", "privacy_request", "keyed_digest")
REQUEST_REFERENCE = Personal("order", "privacy", "privacy_request", "keyed_digest")
REQUEST_AGENT = Personal("pseudonym", "privacy", "privacy_request", "rights")
HANDLER = Personal("pseudonym", "privacy", "privacy_request", "keyed_digest")

# --- of staff
STAFF_ID = Personal("pseudonym", "staff_access", "account", "keyed_digest")
LOGIN = Personal("credential", "staff_access", "account", "keyed_digest")
PASSWORD = Personal("credential", "staff_access", "account", "hash")
TOTP = Personal("credential", "staff_access", "account", "cell_key")
RECOVERY = Personal("credential", "staff_access", "account", "hash")
PASSKEY = Personal("credential", "staff_access", "account", "public_key")
PASSKEY_NAME = Personal("credential", "staff_access", "account", "rights")
SHOWN_AS = Personal("name", "staff_access", "request", "rights")
SHIFT_ID = Personal("session", "staff_access", "session", "random_id")
SHIFT_DEVICE = Personal("session", "staff_access", "session", "rights")
CALLER = Personal("pseudonym", "staff_access", "request", "keyed_digest")
CALLER_SESSION = Personal("session", "staff_access", "request", "random_id")
REVOKED = Personal("session", "staff_access", "revoked", "random_id")
APPROVER = Personal("pseudonym", "approvals", "approval", "keyed_digest")

# --- of whoever did something
AUDITED = Personal("pseudonym", "audit", "audit", "keyed_digest")
AUDITED_SESSION = Personal("session", "audit", "audit", "random_id")
ALERT_ABOUT = Personal("pseudonym", "misuse", "alert", "keyed_digest")
ALERT_SESSION = Personal("session", "misuse", "alert", "random_id")
ALERT_ASSIGNEE = Personal("pseudonym", "misuse", "alert", "keyed_digest")
ALERT_EVIDENCE = Personal("conduct", "misuse", "alert", "rights")
