"""What is wrong in `[packing]` is told with its key, and what would be right; nothing of it is
lost on its way to the API."""

from datetime import date

import msgspec
import pytest

from actors.domain.customs import SdrRate
from cells.config import CONFIG_FOLDER, load_all, load_region
from cells.errors import ConfigError
from cells.packing import packing_settings
from cells.settings import StoreAddresses
from cells.wiring import api_settings, cell_settings
from serve.packing.settings import PackingSettings
from serve.settings import ApiSettings

_CARTON = (
    '[[packing.cartons]]\ncarton = "S"\nlength_mm = 1\nwidth_mm = 1\nheight_mm = 1\nweight_g = 5\nweight_max_g = 50\n'
)
_CARRIER = '[[packing.carriers]]\ncarrier = "post"\n'
_SENDER = 'name = "A"\nstreet = ["1 B"]\ncity = "C"\ncountry = "US"\n'


def load(folder, text, name="us"):
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return load_region(name, folder)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[packing]\ncompany_prefix = "12"\n', "packing.company_prefix"),
        ("[packing]\nsscc_extension = 10\n", "packing.sscc_extension"),
        ("[packing]\ncarton = 1\n", "did you mean 'cartons'"),
        (_CARTON.replace("length_mm = 1\n", ""), "packing.cartons[0]"),
        (_CARTON.replace("length_mm = 1\n", "length_mm = 0\n"), "packing.cartons[0].length_mm"),
        (_CARTON.replace("weight_max_g = 50", "weight_max_g = 5"), "weight_max_g"),
        (_CARTON + _CARTON, "S twice"),
        (_CARRIER + _CARRIER, "post twice"),
        ('[[packing.carriers]]\ncarrier = "The Post"\n', "packing.carriers[0].carrier"),
        ('[[packing.carriers]]\ncarrier = "post"\nport = "owl"\n', "packing.carriers[0].port"),
        ("[packing]\npapers_keep_days = -1\n", "packing.papers_keep_days"),
        ('[packing.sdr]\ncurrency = "EUR"\nminor_per_100 = 0\non = 2026-11-20\n', "packing.sdr.minor_per_100"),
        ('[packing.sdr]\ncurrency = "EUR"\nminor_per_100 = 11_623\n', "packing.sdr"),
        ("[packing.hs_digits]\nUS = 7\n", "packing.hs_digits"),
        ("[packing.sender]\n" + _SENDER.replace('name = "A"\n', ""), "packing.sender"),
        ("[packing.sender]\n" + _SENDER.replace('"US"', '"usa"'), "packing.sender.country"),
        ("[packing.senders.eu-wh-berlin]\n" + _SENDER, "eu-wh-berlin is no location of us"),
        (f'[region]\nprofile = "production"\n[identity]\nmode = "required"\ndemo_accounts = false\n{_CARRIER}', "post is a fake"),
    ],
)  # fmt: skip
def test_a_cell_packs_by_a_wrong_config(tmp_path, text, where):
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert where in str(refused.value)


def test_two_regions_give_the_same_numbers(tmp_path):
    for number, name in enumerate(("us", "eu")):
        ports = f"[api]\nport = {8101 + number}\nserve_port = {8111 + number}\n[ray]\ndashboard_port = {8121 + number}\nport_base = {21000 + 1000 * number}\n"
        head = f'[region]\nname = "{name}"\ndefault = {"true" if name == "us" else "false"}\n'
        (tmp_path / f"{name}.toml").write_text(f'{head}[packing]\ncompany_prefix = "9521234"\n{ports}', "utf-8")
    with pytest.raises(ConfigError, match="the same numbers"):
        load_all(folder=tmp_path)


@pytest.mark.parametrize("region", ["us", "eu", "latam"])
def test_what_we_ship_does_not_reach_the_api(region, tmp_path):
    settings = api_settings(load_region(region, CONFIG_FOLDER), tmp_path / "secret", tmp_path / "keyring.json")
    settings = msgspec.msgpack.decode(msgspec.msgpack.encode(settings), type=ApiSettings)
    packing = settings.packing
    assert len(packing.cartons) == 4
    assert [one.carrier for one in packing.carriers] == ["post"]
    assert packing.sender is not None
    assert packing.fake_carrier_file.endswith("fake-carrier.sqlite")
    assert packing.cartons[0].outer == (228, 168, 108)


def test_a_place_has_no_sender_of_its_own(tmp_path):
    other = _SENDER.replace('"A"', '"Other"')
    config = load(tmp_path, f"[packing.sender]\n{_SENDER}[packing.senders.us-wh-x]\n{other}")
    settings = packing_settings(config, None)
    assert [settings.sender_at(place).name for place in ("us-wh-x", "us-wh-y")] == ["Other", "A"]


def test_papers_have_their_day_in_another_time_zone_than_the_region(tmp_path):
    config = load(tmp_path, '[region]\ntimezone = "America/Chicago"\n')
    assert packing_settings(config, None).timezone == "America/Chicago"


def test_the_rate_of_a_day_is_lost_on_its_way(tmp_path):
    text = '[packing]\npapers_keep_days = 7\n[packing.sdr]\ncurrency = "USD"\nminor_per_100 = 13_300\non = 2026-11-20\n[packing.hs_digits]\nCA = 10\n'
    config = load(tmp_path, text + _CARRIER + 'small_packets = ["standard"]\n')
    known = msgspec.msgpack.decode(msgspec.msgpack.encode(packing_settings(config, None)), type=PackingSettings)
    assert (known.papers_keep_days, known.sdr, known.hs_digits) == (
        7,
        SdrRate("USD", 13_300, date(2026, 11, 20)),
        {"CA": 10},
    )
    assert (known.small_packet("post", "standard"), known.small_packet("post", "express")) == (True, False)
    assert (
        cell_settings(
            config, StoreAddresses(postgres_url="p", owner_url="o", redis_url="r"), tmp_path, tmp_path
        ).papers_keep_days
        == 7
    )
