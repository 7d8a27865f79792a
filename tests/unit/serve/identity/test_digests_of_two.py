"""A digest of one person or kind is none of another."""

from serve.identity.sealing import code_digest, name_digest


def test_a_code_that_was_sent_to_one_is_good_for_another(keyring):
    assert code_digest(keyring, "us-cust-mia", "123456") != code_digest(keyring, "us-cust-tom", "123456")


def test_a_name_is_found_by_the_same_name_of_another_kind(keyring):
    assert name_digest(keyring, "order_ref", "4711") != name_digest(keyring, "customer_ref", "4711")
