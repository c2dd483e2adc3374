"""Online: a Flask app that answers pictures with scores. `predict.py` is a request's way, `app.py` joins the parts."""
