"""compose.yaml in step with the service and the files that it mounts; what fills the bucket, against a real server.

It was held against the schema of the Compose specification when it was written; here is what that cannot know.
"""

import os
import re
import shutil
import subprocess
import sys
import uuid

import pytest
import yaml

from mlp.local_store import LocalStore
from mlp.store import open_store
from service.settings import Settings
from tests.drafts import ROOT
from tests.s3_server import BUCKET

OTHERS = {"fill", "store", "balancer", "prometheus", "grafana"}
DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(DEFAULT.sub(r"\1", (ROOT / "compose.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def replicas(compose):
    return {name: told for name, told in compose["services"].items() if name not in OTHERS}


def test_every_variable_of_a_replica_is_a_setting_with_a_value_that_it_takes(replicas, service, monkeypatch):
    assert len(replicas) == 3
    for told in replicas.values():
        assert [name for name in told["environment"] if not service.knows(name)] == []
        with monkeypatch.context() as patch:
            for name, value in told["environment"].items():
                patch.setenv(name, value)
            assert Settings.load().models == "s3://models/store"
            assert Settings.load().admin_token is None, "nobody is an admin by default"


def test_a_replica_has_no_rights_and_time_to_end(replicas, service):
    for told in replicas.values():
        assert told["read_only"] is True
        assert told["cap_drop"] == ["ALL"]
        assert int(told["stop_grace_period"].removesuffix("s")) > service.seconds_to_end
        assert "/tmp" in told["tmpfs"]


def test_every_file_that_is_mounted_is_there_and_every_volume_is_declared(compose):
    for told in compose["services"].values():
        for mount in told.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in compose["volumes"]


def test_services_name_services_that_there_are(compose, replicas, service):
    services = compose["services"]
    balancer = services["balancer"]["environment"]
    for told in services.values():
        assert set(told.get("depends_on", [])) <= set(services)
    assert {balancer[f"REPLICA_{n}"] for n in (1, 2, 3)} == {f"{name}:{service.port}" for name in replicas}
    assert balancer["LISTEN"].removeprefix(":") == services["balancer"]["ports"][0].rpartition(":")[2]
    prometheus = yaml.safe_load((ROOT / "deploy/compose/prometheus.yaml").read_text(encoding="utf-8"))
    (job,) = prometheus["scrape_configs"]
    assert job["job_name"] == "mlp", "the alerts suppose that"
    assert set(job["static_configs"][0]["targets"]) == {f"{name}:{service.port}" for name in replicas}


def test_nothing_is_published_to_other_machines_and_every_image_has_a_version(compose):
    for name, told in compose["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in told.get("ports", []))
        assert told["image"] == "mlp-s3" or re.search(r":v?\d+\.\d+", told["image"]), name
    build = compose["services"]["fill"]["build"]
    assert f"ARG {next(iter(build['args']))}=" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_grafana_finds_prometheus_and_the_dashboard(compose):
    (source,) = yaml.safe_load((ROOT / "deploy/compose/grafana/datasource.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((ROOT / "deploy/compose/grafana/dashboards.yaml").read_text())["providers"]
    mounted = [mount.split(":")[1] for mount in compose["services"]["grafana"]["volumes"]]

    assert source["url"] == "http://prometheus:9090"
    assert any(path.startswith(f"{provider['options']['path']}/") for path in mounted)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool")
def test_prometheus_takes_its_configuration(tmp_path):
    shutil.copy(ROOT / "deploy/compose/prometheus.yaml", tmp_path)
    shutil.copy(ROOT / "deploy/prometheus/rules.yaml", tmp_path)

    subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yaml"], check=True, capture_output=True)


def test_a_bucket_is_filled_once_and_what_is_in_it_stays(s3_server, s3_store, tmp_path):
    location = f"s3://{BUCKET}/{uuid.uuid4()}"

    def fill():
        program = [sys.executable, ROOT / "deploy/compose/fill.py", ROOT / "models", location]
        environment = {**os.environ, **s3_server.environment}
        return subprocess.run(program, env=environment, capture_output=True, text=True, check=True).stdout

    prefix = location.split("/", 3)[3]
    assert fill().splitlines()[-1] == f"{prefix}/digits/aliases.json", "last, when all that it names is there"
    store, shipped = open_store(location, tmp_path / "cache"), LocalStore(ROOT / "models")
    assert store.versions("digits") == shipped.versions("digits")
    assert store.aliases("digits") == shipped.aliases("digits")
    store.promote("digits", 1)
    assert fill() == "nothing was missing\n"
    assert store.aliases("digits").aliases["production"] == 1
