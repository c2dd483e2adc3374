"""Joins the parts to a Flask app, and to what gunicorn serves; the only place that knows them all."""

from flask import Flask
from werkzeug.routing import BaseConverter

from mlp.corrections import Corrections
from mlp.store import open_store
from service import (
    admin,
    catalogue,
    each_request,
    errors,
    explain,
    feedback,
    health,
    index,
    invocations,
    metrics,
    predict,
    report,
    v1,
)
from service.access import Admins
from service.answering import Answer, Body, Environ
from service.board import Board
from service.counters import Counters, NoCounters
from service.dispatch import Dispatch
from service.inference import Inference
from service.lanes import Lanes
from service.live import LiveModels
from service.openapi import routes as openapi
from service.settings import Settings
from service.shadow import Shadow
from service.tracing import Tracing
from service.v2 import routes as v2
from service.v2.infer import Infer


class _Name(BaseConverter):
    """A part of a path; what is behind a colon is a verb of TF Serving's protocol."""

    part_isolating = True
    regex = "[^/:]+"


def create_app(settings: Settings | None = None) -> Flask:
    """Give the app, its models loaded; the environment decides when no settings are given.

    The app does not look for changes by itself: a server's worker starts service/watch.py when it begins to serve.
    Raises SettingsError.
    """
    settings = settings or Settings.load()
    board = Board(
        settings.workers,
        swap_seconds=settings.swap_seconds,
        poll_seconds=settings.poll_seconds,
        examples=settings.shadow_examples,
    )
    live = LiveModels(open_store(settings.models, settings.cache), board)
    live.refresh()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.strict_slashes = False
    app.url_map.converters["default"] = _Name
    app.extensions["live"] = live
    app.extensions["shadow"] = shadow = Shadow(board, settings.shadow_queue)
    app.extensions["settings"] = settings
    app.extensions["counters"] = counters = Counters(board) if settings.metrics == "on" else NoCounters(board)
    app.extensions["tracing"] = tracing = Tracing()
    app.extensions["admins"] = admins = Admins(settings)
    inference = Inference(live, shadow, counters, tracing, settings)
    app.extensions["infer"] = infer = Infer(inference, settings.max_body_bytes)
    app.extensions["corrections"] = corrections = _corrections(settings)
    app.extensions["predict"] = predicting = predict.Predict(inference)
    each_request.register(app, counters, tracing)
    errors.register(app, counters)
    for blueprint in (
        predict.routes(predicting),
        explain.routes(live, settings),
        feedback.routes(live, corrections, counters, settings),
        catalogue.routes(live),
        report.routes(live),
        admin.routes(live, admins, settings),
        v2.routes(live, infer, counters, admins, settings),
        v1.routes(live, inference, settings),
        invocations.routes(live, inference, settings),
        health.routes(live),
        metrics.routes(live, counters),
        index.routes(),
        openapi.routes(settings),
    ):
        app.register_blueprint(blueprint)
    counters.know(rule.rule for rule in app.url_map.iter_rules())
    return app


def _corrections(settings: Settings) -> Corrections | None:
    return Corrections(settings.feedback.get_secret_value()) if settings.feedback else None


def create_server() -> Dispatch:
    """Give what a server's workers serve: the app that the environment asks for. Raises SettingsError."""
    settings = Settings.load()
    app = create_app(settings)
    predicts, infers = app.extensions["predict"].direct, app.extensions["infer"].direct
    tracing: Tracing = app.extensions["tracing"]

    def direct(environ: Environ, body: Body) -> Answer | None:
        if tracing.on:  # spans are made by what Flask calls
            return None
        found: Answer | None = predicts(environ, body) or infers(environ, body)
        return found

    return Dispatch(app, Lanes(settings, app.extensions["admins"]), direct)
