import asyncio
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.identity import passwords
from serve.identity.own_words import OwnWords
from serve.identity.passwords import (
    DUMMY_HASH,
    LENGTH_MAX,
    LENGTH_MIN,
    BreachedList,
    Overloaded,
    PasswordWorkers,
    WeakPassword,
    check_new_password,
    hash_password,
    needs_rehash,
    verify_password,
)

pytestmark = pytest.mark.real_hashes

PASSWORD = "four büs tickets to Lyon"
BREACHED = BreachedList()
OWN_WORDS = OwnWords(["Acme", "Austin"])
WORDS = sorted(word for word in BREACHED._words if LENGTH_MIN <= len(word) <= LENGTH_MAX)


@pytest.fixture(scope="module")
def kept() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def cheap(monkeypatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher.from_parameters(CHEAPEST))


def weakness(text: str, breached: BreachedList = BREACHED, login: str = "", own_words: OwnWords = OWN_WORDS) -> str:
    with pytest.raises(WeakPassword) as caught:
        check_new_password(text, breached, own_words, login)
    assert not text or text not in str(caught.value)
    return caught.value.reason


class TestHashes:
    def test_only_the_password_itself_fits(self, kept):
        assert verify_password(kept, PASSWORD)
        for wrong in (PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1], "", "\0" + PASSWORD, PASSWORD + "\0"):
            assert not verify_password(kept, wrong)

    def test_the_same_password_is_never_kept_alike(self, kept):
        assert hash_password(PASSWORD) != kept

    def test_the_same_keys_on_another_keyboard_fit(self, kept):
        assert verify_password(kept, PASSWORD.replace("ü", "u\u0308"))

    def test_hashes_are_made_as_rfc_9106_recommends(self, kept):
        assert extract_parameters(kept) == RFC_9106_LOW_MEMORY
        assert not needs_rehash(kept)

    def test_an_unknown_account_takes_the_same_work_as_a_known_one(self):
        assert not needs_rehash(DUMMY_HASH)
        assert not verify_password(DUMMY_HASH, PASSWORD)
        with pytest.raises(VerifyMismatchError):  # computed and compared, not refused at sight
            passwords._hasher.verify(DUMMY_HASH, PASSWORD)

    def test_a_hash_of_other_parameters_is_to_be_made_anew(self):
        assert needs_rehash(PasswordHasher.from_parameters(CHEAPEST).hash(PASSWORD))
        assert needs_rehash("")
        assert needs_rehash("x$y")

    @pytest.mark.parametrize(
        "damaged",
        [
            "",
            "x",
            "$",
            "ü",
            "$argon2id$",
            "$argon2id$v=19$m=65536,t=3,p=4$$",
            DUMMY_HASH[:-1],
            DUMMY_HASH + "A",
            DUMMY_HASH.replace("p=4", "p=0"),
            DUMMY_HASH.replace("m=65536", "m=1"),
            DUMMY_HASH.replace("t=3", "t=x"),
            DUMMY_HASH.replace("v=19", "v=99"),
            DUMMY_HASH.replace("argon2id", "argon2d"),
        ],
    )
    def test_a_damaged_hash_fits_nothing_and_raises_nothing(self, damaged):
        assert not verify_password(damaged, PASSWORD)

    @pytest.mark.parametrize("costs", ["m=4294967295,t=3,p=4", "m=65536,t=4000000,p=4", "m=65536,t=3,p=4000"])
    def test_a_damaged_hash_can_not_take_all_memory_or_time(self, costs, monkeypatch):
        monkeypatch.setattr(PasswordHasher, "verify", lambda *_: pytest.fail("tried"))
        assert not verify_password(DUMMY_HASH.replace("m=65536,t=3,p=4", costs), PASSWORD)

    @given(st.text(max_size=80), st.text(st.characters(exclude_categories=()), max_size=20))
    def test_no_text_makes_verifying_raise(self, kept, text):
        assert not verify_password(kept, text)

    def test_a_text_that_is_none_or_too_long_fits_nothing(self, kept):
        for text in ("\ud800" * 12, "x" * (LENGTH_MAX + 1), "x" * 10**7):
            assert not verify_password(kept, text)
            with pytest.raises(ValueError):
                hash_password(text)

    @settings(max_examples=30)
    @given(
        text=st.text(st.characters(codec="utf-8"), max_size=40),
        other=st.text(st.characters(codec="utf-8"), max_size=40),
    )
    def test_what_was_hashed_is_verified_and_nothing_else(self, text, other):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(passwords, "_hasher", PasswordHasher.from_parameters(CHEAPEST))
            kept = hash_password(text)
            assert verify_password(kept, text)
            assert verify_password(kept, other) == (passwords._normal(text) == passwords._normal(other))


class TestNewPasswords:
    def test_a_good_one_is_taken_without_rules_of_composition(self):
        for text in (
            PASSWORD,
            "only lower case words",
            "九つの言葉は十分に長いです",
            "x" * 11 + "y",
            ("sunlit ferry " * 10)[:LENGTH_MAX],
        ):
            check_new_password(text, BREACHED, OWN_WORDS, login="mia")

    def test_a_breached_one_is_refused_however_it_is_capitalised(self):
        for word in WORDS:
            for text in (word, word.upper(), word.title(), word[0].upper() + word[1:]):
                assert weakness(text) == "breached"

    def test_a_breached_one_in_full_width_letters_is_refused(self):
        assert weakness("".join(chr(ord(letter) + 0xFEE0) for letter in "password1234")) == "breached"

    @given(st.sampled_from(WORDS), st.lists(st.booleans(), min_size=40, max_size=40))
    def test_no_mix_of_capitals_hides_a_breached_one(self, word, capitals):
        mixed = [a.upper() if up else a for a, up in zip(word, capitals, strict=False)]
        assert weakness("".join(mixed) + word[len(mixed) :]) == "breached"

    def test_length_is_counted_in_characters_after_normalisation(self):
        assert weakness("a bc-9 xyz!"[: LENGTH_MIN - 1]) == "too_short"
        assert weakness("u\u0308" * (LENGTH_MIN - 1)) == "too_short"
        check_new_password("u\u0308bel" * (LENGTH_MAX // 4), BREACHED, OWN_WORDS)
        assert weakness("ü" * (LENGTH_MAX + 1)) == "too_long"
        assert weakness("x" * 10**7) == "too_long"
        assert weakness("") == "too_short"

    def test_the_login_name_is_refused(self):
        assert weakness("Mia.Manager-Austin", login="mia.manager-austin") == "login"
        assert weakness("mia.manager-austin", login="mia.manager-austin@example.org") == "login"
        assert weakness(" mia.manager-austin ", login="MIA.manager-austin") == "login"

    def test_one_of_the_retailers_own_words_is_refused(self):
        assert weakness("Acme-Austin-2026") == "own_words"
        check_new_password("Acme-Austin-2026", BREACHED, OwnWords())
        check_new_password("the bus to Austin is late", BREACHED, OWN_WORDS)

    def test_what_is_no_text_is_refused(self):
        assert weakness("\ud800" * 12) == "not_text"


class TestBreachedList:
    def test_the_bundled_list_is_shipped_and_its_lines_are_as_they_should_be(self):
        assert len(BREACHED) >= 200
        assert len(WORDS) >= 100  # shorter ones are refused for their length anyway
        assert {"PassWord", " qwerty ", "123456789012"} <= {
            text for text in ("PassWord", " qwerty ", "123456789012") if text in BREACHED
        }
        assert "" not in BREACHED
        assert None not in BREACHED

    def test_a_file_adds_to_it(self, tmp_path):
        file = tmp_path / "more.txt"
        file.write_text("Our Own Company Name\r\n\nanother one too\n", "utf-8")
        more = BreachedList(file)
        assert len(more) == len(BREACHED) + 2
        assert weakness("our own company name", BreachedList(str(file))) == "breached"
        check_new_password("our own company name", BREACHED, OWN_WORDS)

    def test_a_file_that_can_not_be_used_is_named(self, tmp_path, monkeypatch):
        binary = tmp_path / "binary.txt"
        binary.write_bytes(b"\xff\xfe")
        for path in (tmp_path / "none.txt", binary, tmp_path):
            with pytest.raises(ValueError, match=path.name):
                BreachedList(path)
        monkeypatch.setattr(passwords, "BREACHED_FILE_BYTES_MAX", 1)
        with pytest.raises(ValueError, match=r"binary\.txt"):
            BreachedList(binary)


class Gate:
    """Stands in for the slow work: nothing is finished before `open` is set."""

    def __init__(self, monkeypatch) -> None:
        self.open = threading.Event()
        self.done = 0
        monkeypatch.setattr(passwords, "verify_password", self._verify)

    def _verify(self, kept: str, text: str) -> bool:
        self.open.wait(30)
        self.done += 1
        return True


class TestWorkers:
    async def test_the_workers_hash_and_verify(self, cheap):
        workers = PasswordWorkers()
        kept = await workers.hash(PASSWORD)
        assert await workers.verify(kept, PASSWORD)
        assert not await workers.verify(kept, "another")
        with pytest.raises(ValueError):
            await workers.hash("\ud800")
        workers.close()

    async def test_the_loop_goes_on_and_a_crowd_is_told_to_come_again(self, monkeypatch):
        gate = Gate(monkeypatch)
        workers = PasswordWorkers(threads=2, waiting_max=3)
        waiting = [asyncio.ensure_future(workers.verify("", "")) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await workers.verify("", "")
        gate.open.set()
        assert await asyncio.gather(*waiting) == [True] * 5
        assert await workers.verify("", "")
        workers.close()

    async def test_who_went_away_leaves_room_for_others(self, monkeypatch):
        gate = Gate(monkeypatch)
        workers = PasswordWorkers(threads=1, waiting_max=1)
        for _ in range(20):
            first = asyncio.ensure_future(workers.verify("", ""))
            second = asyncio.ensure_future(workers.verify("", ""))
            await asyncio.sleep(0)
            first.cancel()
            second.cancel()
            await asyncio.gather(first, second, return_exceptions=True)
            gate.open.set()
            assert await self._served(workers)
        workers.close()

    async def _served(self, workers: PasswordWorkers) -> bool:
        async with asyncio.timeout(30):
            while True:
                try:
                    return await workers.verify("", "")
                except Overloaded:
                    await asyncio.sleep(0)

    async def test_an_error_inside_gives_its_room_back(self, cheap):
        workers = PasswordWorkers(threads=1, waiting_max=0)
        for _ in range(5):
            with pytest.raises(ValueError):
                await workers.hash("\ud800")
        workers.close()

    async def test_closing_finishes_what_was_taken_and_takes_no_more(self, monkeypatch):
        gate = Gate(monkeypatch)
        workers = PasswordWorkers(threads=1, waiting_max=5)
        waiting = [asyncio.ensure_future(workers.verify("", "")) for _ in range(4)]
        await asyncio.sleep(0)
        workers.close()
        with pytest.raises(Overloaded):
            await workers.verify("", "")
        gate.open.set()
        assert await asyncio.gather(*waiting) == [True] * 4
        assert gate.done == 4
