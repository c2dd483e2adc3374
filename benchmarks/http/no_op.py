"""A Flask route that does nothing, served as ours is: what HTTP and Flask cost by themselves."""

from flask import Flask, Response, request

from service.access import Admins
from service.dispatch import Dispatch
from service.lanes import Lanes
from service.settings import Settings

_flask = Flask(__name__, static_folder=None)


@_flask.post("/predict")
def _predict() -> Response:
    request.get_data(cache=False)
    return Response(b'{"ok":true}\n', content_type="application/json")


_settings = Settings()
server = Dispatch(_flask, Lanes(_settings, Admins(_settings)))
