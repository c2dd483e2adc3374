"""The manifests in deploy/kserve, held against the fields that KServe documents and against the service.

KServe's kinds are not among Kubernetes' schemas, so what is theirs is checked here by name (API reference of
serving.kserve.io, v1alpha1 and v1beta1); the containers in them are Kubernetes' own and are validated as a pod's.
"""

import kubernetes_validate
import pytest

from service.settings import Settings
from tests.deploy import kustomize
from tests.drafts import ROOT

RUNTIME_FIELDS = {"annotations", "labels", "supportedModelFormats", "multiModel", "protocolVersions", "disabled",
                  "containers", "volumes", "nodeSelector", "affinity", "tolerations", "imagePullSecrets"}  # fmt: skip
FORMAT_FIELDS = {"name", "version", "autoSelect", "priority"}
PREDICTOR_FIELDS = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "timeout", "containerConcurrency",
                    "canaryTrafficPercent", "model"}  # fmt: skip
POD_FIELDS = {"automountServiceAccountToken", "enableServiceLinks", "terminationGracePeriodSeconds"}
MODEL_FIELDS = {"modelFormat", "protocolVersion", "runtime", "storageUri", "env", "resources"}


@pytest.fixture(scope="module")
def runtime():
    (document,) = kustomize.read(ROOT / "deploy/kserve/runtime.yaml")
    return document


@pytest.fixture(scope="module")
def inference():
    (document,) = kustomize.read(ROOT / "deploy/kserve/service.yaml")
    return document


@pytest.fixture(scope="module")
def container(runtime):
    (found,) = runtime["spec"]["containers"]
    return found


def test_the_runtime_has_only_fields_that_kserve_knows(runtime):
    assert (runtime["apiVersion"], runtime["kind"]) == ("serving.kserve.io/v1alpha1", "ServingRuntime")
    assert runtime["spec"].keys() <= RUNTIME_FIELDS
    assert all(entry.keys() <= FORMAT_FIELDS for entry in runtime["spec"]["supportedModelFormats"])


def test_the_inference_service_has_only_fields_that_kserve_knows(inference):
    predictor = inference["spec"]["predictor"]

    assert (inference["apiVersion"], inference["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert inference["spec"].keys() == {"predictor"}
    assert predictor.keys() <= PREDICTOR_FIELDS | POD_FIELDS
    assert predictor["model"].keys() <= MODEL_FIELDS
    assert predictor["scaleMetric"] in {"cpu", "memory", "concurrency", "rps"}


def test_containers_and_pod_fields_are_kubernetes_own(runtime, inference):
    predictor = inference["spec"]["predictor"]
    fields = {name: predictor[name] for name in POD_FIELDS & predictor.keys()}
    spec = {"containers": runtime["spec"]["containers"], "volumes": runtime["spec"]["volumes"], **fields}

    kubernetes_validate.validate(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec},
        kubernetes_validate.latest_version(),
        strict=True,
    )


def test_the_inference_service_asks_for_what_the_runtime_offers(runtime, inference):
    model = inference["spec"]["predictor"]["model"]
    formats = {(entry["name"], entry["version"]) for entry in runtime["spec"]["supportedModelFormats"]}

    assert model["runtime"] == runtime["metadata"]["name"]
    assert (model["modelFormat"]["name"], model["modelFormat"]["version"]) in formats
    assert model["protocolVersion"] in runtime["spec"]["protocolVersions"]
    assert (ROOT / "models" / inference["metadata"]["name"]).is_dir(), "KServe asks for a model of that name"


def test_every_variable_is_a_setting_with_a_value_that_it_takes(container, service, monkeypatch):
    variables = {entry["name"]: entry["value"] for entry in container["env"]}

    assert [name for name in variables if not service.knows(name)] == []
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert settings.models == "/mnt/models", "where KServe puts what storageUri names"
    assert container["name"] == "kserve-container"
    assert container["ports"] == [{"containerPort": settings.port, "protocol": "TCP"}]


def test_probes_and_prometheus_ask_what_there_is(runtime, container, service):
    port = container["ports"][0]["containerPort"]
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == port
        assert container[probe]["httpGet"]["path"] in service.routes
    assert runtime["spec"]["annotations"]["prometheus.kserve.io/port"] == str(port)
    assert runtime["spec"]["annotations"]["prometheus.kserve.io/path"] in service.routes


def test_it_runs_as_the_image_s_user_without_rights_and_has_time_to_end(container, inference, service):
    context = container["securityContext"]

    assert (context["runAsUser"], context["runAsNonRoot"]) == (service.user, True)
    assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert inference["spec"]["predictor"]["terminationGracePeriodSeconds"] > service.seconds_to_end
