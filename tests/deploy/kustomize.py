"""What `kubectl kustomize` makes of deploy/kubernetes, as far as it is used there; a test compares the two."""

from pathlib import Path
from typing import Any

import yaml

from tests.drafts import ROOT

FOLDER = ROOT / "deploy/kubernetes"
KEYS = {"containers": "name", "volumes": "name", "volumeMounts": "mountPath", "env": "name"}
"""What tells the items of a list apart in a strategic merge patch; other lists are replaced."""


def render(folder: Path) -> list[dict[str, Any]]:
    """The documents of a kustomization; names of generated ones are as they are written."""
    told = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    documents: list[dict[str, Any]] = []
    for name in told["resources"]:
        path = folder / name
        documents += render(path) if path.is_dir() else read(path)
    for generator in told.get("configMapGenerator", []):
        generate(documents, generator, folder)
    for patch in told.get("patches", []):
        (change,) = read(folder / patch["path"])
        (at,) = [index for index, document in enumerate(documents) if identity(document) == identity(change)]
        documents[at] = merged(documents[at], change)
    for entry in told.get("labels", []):
        for document in documents:
            label(document, entry["pairs"])
    for image in told.get("images", []):
        for document in documents:
            rename_images(document, image)
    return documents


def read(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def variables(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def identity(document: dict[str, Any]) -> tuple[str, str]:
    return document["kind"], document["metadata"]["name"]


def generate(documents: list[dict[str, Any]], generator: dict[str, Any], folder: Path) -> None:
    data = {name: value for file in generator["envs"] for name, value in variables(folder / file).items()}
    if generator.get("behavior") == "merge":
        (document,) = [d for d in documents if identity(d) == ("ConfigMap", generator["name"])]
        document["data"] |= data
    else:
        documents.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}
        )


def merged(value: Any, change: Any, key: str = "") -> Any:
    if isinstance(value, dict) and isinstance(change, dict):
        names = [*value, *(name for name in change if name not in value)]
        return {n: merged(value[n], change[n], n) if n in value and n in change else (value | change)[n] for n in names}
    if key in KEYS:
        by = KEYS[key]
        items = {item[by]: item for item in value}
        return list((items | {item[by]: merged(items.get(item[by], {}), item) for item in change}).values())
    return change


def label(document: dict[str, Any], pairs: dict[str, str]) -> None:
    document["metadata"].setdefault("labels", {}).update(pairs)
    if document["kind"] == "Service":
        document["spec"].setdefault("selector", {}).update(pairs)
    if document["kind"] == "Deployment":
        document["spec"].setdefault("selector", {}).setdefault("matchLabels", {}).update(pairs)
        document["spec"]["template"]["metadata"].setdefault("labels", {}).update(pairs)


def rename_images(document: dict[str, Any], image: dict[str, str]) -> None:
    if document["kind"] == "Deployment":
        for container in document["spec"]["template"]["spec"]["containers"]:
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"
