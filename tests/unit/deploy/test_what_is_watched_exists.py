"""A dashboard of metrics that nobody exports shows a healthy cell for ever; so does an alert."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from actors import ray_meters
from cells.certs import ca_file
from cells.config import PROJECT, load_all
from cells.ports import ray_ports
from router.config import load as load_router
from serve.metrics import Metrics

DEPLOY = Path(__file__).parents[3] / "deploy"
NAME = re.compile(r"\b(?:ray_)?ocefs_[a-z0-9_]+")
HISTOGRAM = ("_bucket", "_sum", "_count")


@pytest.fixture
def exported(monkeypatch) -> dict[str, str]:
    """Kind of each metric by its name in Prometheus."""
    found: dict[str, str] = {}

    def metric(kind: str):
        def make(name: str, **options):
            found[f"ray_{name}"] = kind  # Ray's prefix: ray/_private/telemetry/open_telemetry_metric_recorder.py
            return SimpleNamespace(set_default_tags=lambda tags: None)

        return make

    for kind in ("Counter", "Gauge", "Histogram"):
        monkeypatch.setattr(ray_meters, kind, metric(kind.lower()))
    ray_meters.HostMeters("us", SimpleNamespace(name="us/host-0"))
    api = Metrics("us")
    api.count("GET", "/v1/orders", 200, 0.01)
    for family in api.collect():
        found[family.name + ("_total" if family.type == "counter" else "")] = family.type
    return found


def expressions() -> dict[str, str]:
    """PromQL by where it stands."""
    panels = json.loads((DEPLOY / "grafana/ocefs-cell.json").read_text())["panels"]
    shown = {f"panel {p['title']} {t['refId']}": t["expr"] for p in panels for t in p.get("targets", ())}
    groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    return shown | {f"alert {rule['alert']}": rule["expr"] for group in groups for rule in group["rules"]}


def base(name: str, exported: dict[str, str]) -> str:
    for suffix in HISTOGRAM:
        stem = name.removesuffix(suffix)
        if stem != name and exported.get(stem) == "histogram":
            return stem
    return name


@pytest.mark.parametrize("where", expressions())
def test_nothing_is_watched_that_no_code_exports(where, exported):
    expression = expressions()[where]
    names = NAME.findall(expression)
    assert names or "up{" in expression, "it watches nothing of ours"
    assert {base(name, exported) for name in names} <= exported.keys()


@pytest.mark.parametrize("where", expressions())
def test_a_rate_is_never_taken_of_a_gauge_nor_a_counter_shown_bare(where, exported):
    expression = expressions()[where]
    for name in NAME.findall(expression):
        rated = re.search(rf"(rate|increase)\({name}\b", expression) is not None
        assert rated == (exported[base(name, exported)] != "gauge"), name


def test_no_metric_is_exported_that_nobody_can_see(exported):
    seen = {
        base(name, exported)
        for where, e in expressions().items()
        if where.startswith("panel")
        for name in NAME.findall(e)
    }
    assert exported.keys() - seen == set()


def test_no_cell_is_left_unwatched():
    def targets(name: str) -> dict[str, list[str]]:
        groups = json.loads((DEPLOY / f"prometheus/targets/{name}.json").read_text())
        return {group["labels"]["cell"]: group["targets"] for group in groups}

    cells = load_all()
    assert targets("hosts") == {c.name: [f"127.0.0.1:{ray_ports(c).metrics_export}"] for c in cells}
    assert targets("api") == {c.name: [f"{c.api.host}:{c.api.port}"] for c in cells}
    assert targets("router") == {"router": [f"127.0.0.1:{load_router().stats_port}"]}


def test_every_cell_pages_for_good_once_it_has_tls():
    text = (DEPLOY / "prometheus/prometheus.yml").read_text()
    told = re.sub(r"^( +)# (?=scheme:|tls_config:|  )", r"\1", text, flags=re.MULTILINE)
    told = re.sub(r"^( +)# (?=server_name:)", r"\1", told, flags=re.MULTILINE)
    (job,) = (job for job in yaml.safe_load(told)["scrape_configs"] if job["job_name"] == "ocefs-api")
    assert job["scheme"] == "https"
    assert (DEPLOY / "prometheus" / job["tls_config"]["ca_file"]).resolve() == ca_file(PROJECT / ".ocefs").resolve()
    assert job["tls_config"]["server_name"] == load_all(["us"])[0].tls_name


def test_a_job_is_scraped_whose_end_no_alert_tells():
    jobs = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    watched = re.findall(r'job=~?"([^"]+)"', " ".join(expressions().values()))
    for job in jobs:
        assert any(re.fullmatch(pattern, job["job_name"]) for pattern in watched), job["job_name"]


def test_alerts_are_set_by_the_limits_that_the_cells_have():
    rules = {
        rule["alert"]: rule["expr"]
        for rule in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    }
    for cell in load_all():
        assert rules["OcefsShardsUnowned"].endswith(f"< {cell.runtime.shards}")
        assert rules["OcefsTailFilling"].endswith(f"> {cell.runtime.tail_max_turns // 2}")
        assert rules["OcefsInboxLong"].endswith(f"> {cell.runtime.inbox_max // 2}")


@pytest.mark.parametrize("where", [where for where, one in expressions().items() if "alert" in where and " < " in one])
def test_a_figure_that_nobody_tells_is_taken_for_one_that_is_high_enough(where):
    """No series is less than nothing: where none is told, something that Prometheus itself makes has to be there."""
    watched = re.fullmatch(r"\((?P<told>.+) or 0 \* (?P<always>.+)\) < \d+", expressions()[where])
    assert watched is not None
    by = re.match(r"sum by \((\w+)\)", watched["told"])
    assert by is not None
    assert watched["always"].startswith(by[0])
    # Targets have `cell`, what cells tell has `region`: of another label there would be two
    # series, and the 0 always there.
    assert f'"{by[1]}", "$1", "cell"' in watched["always"]
    assert 'up{job="ocefs-hosts"}' in watched["always"]
    assert json.loads((DEPLOY / "prometheus/targets/hosts.json").read_text())[0]["labels"].keys() == {"cell"}


def test_every_alert_says_how_urgent_it_is_and_what_to_do():
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["action"], rule["alert"]


def test_the_files_that_prometheus_reads_are_there():
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    named = [
        *config["rule_files"],
        *(f for job in config["scrape_configs"] for sd in job["file_sd_configs"] for f in sd["files"]),
    ]
    assert all((DEPLOY / "prometheus" / name).is_file() for name in named)


def test_panels_neither_overlap_nor_share_an_id():
    panels = json.loads((DEPLOY / "grafana/ocefs-cell.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_a_label_is_on_no_list():
    told = (DEPLOY / "README.md").read_text().partition("- Labels: ")[2].partition("Never an id")[0]
    text = (PROJECT / "serve" / "metrics.py").read_text()
    lists = re.findall(r"(?:labels|own) ?= ?\[(.*?)\]", text)
    labels = {label for found in lists for label in re.findall(r'"([a-z]+)"', found)}
    assert labels >= {"region", "route", "code"}
    assert sorted(label for label in labels if f"`{label}`" not in told) == []
