"""The manifests in deploy/kubernetes: as Kubernetes' own schemas demand, and in step with the service that they run."""

import json
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from service.settings import Settings
from tests.deploy import kustomize

FOLDERS = {path.name: path for path in (kustomize.FOLDER / "base", *sorted(kustomize.FOLDER.glob("overlays/*")))}
VERSIONS = ("1.30", kubernetes_validate.latest_version())


@pytest.fixture(scope="module", params=FOLDERS)
def documents(request):
    """The documents of the base or of an overlay."""
    return kustomize.render(FOLDERS[request.param])


def one(documents, kind):
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def pod(documents):
    return one(documents, "Deployment")["spec"]["template"]["spec"]


def container(documents):
    (found,) = pod(documents)["containers"]
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_every_document_is_valid(documents, version):
    for document in documents:
        kubernetes_validate.validate(document, version, strict=True)


def test_an_unknown_field_would_be_noticed(documents):
    deployment = json.loads(json.dumps(one(documents, "Deployment")))
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
@pytest.mark.parametrize("name", FOLDERS)
def test_kubectl_renders_the_same(name):
    done = subprocess.run(["kubectl", "kustomize", FOLDERS[name]], capture_output=True, text=True, check=True)
    text = done.stdout
    generated = next(d["metadata"]["name"] for d in yaml.safe_load_all(text) if d["kind"] == "ConfigMap")

    theirs = list(yaml.safe_load_all(text.replace(generated, "mlp")))

    assert ordered(theirs) == ordered(kustomize.render(FOLDERS[name]))


def ordered(value):
    """The same whatever the order of lists."""
    if isinstance(value, dict):
        return {name: ordered(item) for name, item in value.items()}
    if isinstance(value, list):
        return sorted((ordered(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def test_every_variable_is_a_setting_with_a_value_that_it_takes(documents, service, monkeypatch):
    data = one(documents, "ConfigMap")["data"]

    assert [name for name in data if not service.knows(name)] == []
    for name, value in data.items():
        monkeypatch.setenv(name, value)
    assert Settings.load().models == data["MLP_MODELS"]


def test_the_pod_reads_the_generated_settings_and_secrets_only_if_there_are(documents):
    sources = container(documents)["envFrom"]

    assert {"configMapRef": {"name": "mlp"}} in sources
    assert all(source["secretRef"]["optional"] for source in sources if "secretRef" in source)


def test_probes_ask_what_there_is(documents, service):
    main = container(documents)
    (port,) = main["ports"]

    assert port["containerPort"] == service.port
    for name, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert main[name]["httpGet"] == {"path": path, "port": port["name"]}
        assert path in service.routes
    annotations = one(documents, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(service.port)
    assert annotations["prometheus.io/path"] in service.routes


def test_the_service_leads_to_the_pods_port(documents):
    (port,) = one(documents, "Service")["spec"]["ports"]

    assert port["targetPort"] == container(documents)["ports"][0]["name"]


def test_everybody_speaks_of_the_same_pods(documents):
    deployment = one(documents, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    spreads = pod(documents)["topologySpreadConstraints"]

    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert one(documents, "Service")["spec"]["selector"] == labels
    assert one(documents, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert one(documents, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels
    assert all(spread["labelSelector"]["matchLabels"] == labels for spread in spreads)


def test_the_autoscaler_alone_says_how_many_there_are(documents):
    autoscaler, deployment = one(documents, "HorizontalPodAutoscaler"), one(documents, "Deployment")

    assert autoscaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]
    assert autoscaler["spec"]["minReplicas"] > one(documents, "PodDisruptionBudget")["spec"]["maxUnavailable"]


def test_the_pod_runs_as_the_image_s_user_without_rights(documents, service):
    spec, main = pod(documents), container(documents)

    assert spec["securityContext"]["runAsUser"] == service.user
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert main["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_what_the_service_writes_has_a_place(documents):
    mounts = {mount["mountPath"]: mount for mount in container(documents)["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod(documents)["volumes"]}
    cache = one(documents, "ConfigMap")["data"]["MLP_CACHE"]

    (place,) = [path for path in mounts if cache.startswith(f"{path}/")]
    assert "emptyDir" in volumes[mounts[place]["name"]]
    assert {mount["name"] for mount in mounts.values()} == set(volumes)


def test_long_bodies_leave_half_of_the_memory_to_the_rest(documents):
    limits = container(documents)["resources"]["limits"]
    bodies = int(one(documents, "ConfigMap")["data"]["MLP_MAX_BODIES_BYTES"])

    assert limits == {"cpu": "2", "memory": "1Gi"}
    assert int(limits["cpu"]) * bodies <= 2**30 / 2


def test_a_pod_has_time_to_end(documents, service):
    sleep = container(documents)["lifecycle"]["preStop"]["exec"]["command"]

    assert sleep[0] == "sleep"
    assert int(sleep[1]) + service.seconds_to_end < pod(documents)["terminationGracePeriodSeconds"]


def test_a_volume_of_models_lies_where_the_service_looks():
    documents = kustomize.render(FOLDERS["volume"])
    volumes = {volume["name"]: volume for volume in pod(documents)["volumes"]}
    (mount,) = [mount for mount in container(documents)["volumeMounts"] if mount["name"] == "models"]

    assert mount["mountPath"] == one(documents, "ConfigMap")["data"]["MLP_MODELS"]
    claim = volumes["models"]["persistentVolumeClaim"]["claimName"]
    assert claim == one(documents, "PersistentVolumeClaim")["metadata"]["name"]


def test_only_pods_with_a_bucket_have_a_way_out():
    def ways_out(name):
        rules = one(kustomize.render(FOLDERS[name]), "NetworkPolicy")["spec"]["egress"]
        return {port["port"] for rule in rules for port in rule["ports"]}

    assert ways_out("base") == ways_out("volume") == {53}
    assert ways_out("bucket") == {53, 443}
