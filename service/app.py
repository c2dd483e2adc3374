"""Joins the parts to a Flask app, and to what gunicorn serves; the only place that knows them all."""

from flask import Flask

from mlp.store import open_store
from service import admin, catalogue, each_request, errors, explain, health, index, metrics, predict
from service.board import Board
from service.dispatch import Dispatch
from service.lanes import Lanes
from service.live import LiveModels
from service.settings import Settings
from service.shadow import Shadow


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
    app.extensions["live"] = live
    app.extensions["shadow"] = shadow = Shadow(board, settings.shadow_queue)
    app.extensions["settings"] = settings
    app.extensions["predict"] = predicting = predict.Predict(live, shadow, settings)
    each_request.register(app)
    errors.register(app)
    for blueprint in (
        predict.routes(predicting),
        explain.routes(live, settings),
        catalogue.routes(live),
        admin.routes(live, settings),
        health.routes(live),
        metrics.routes(live),
        index.routes(),
    ):
        app.register_blueprint(blueprint)
    return app


def create_server() -> Dispatch:
    """Give what a server's workers serve: the app that the environment asks for. Raises SettingsError."""
    settings = Settings.load()
    app = create_app(settings)
    return Dispatch(app, Lanes(settings), app.extensions["predict"].direct)
