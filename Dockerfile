# Two stages: the first installs the locked requirements of the service alone, the second holds nothing but the result.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
COPY requirements/service.lock requirements/
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --no-deps --require-hashes -r requirements/service.lock
COPY mlp mlp
COPY service service
RUN /venv/bin/python -m compileall -q mlp service

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="mlp" \
      org.opencontainers.image.description="Serves a multilayer perceptron: POST an image to /predict" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 MLP_MODELS=/models
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app/mlp mlp
COPY --from=build /app/service service
COPY models /models
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=10s CMD ["python", "-m", "service.healthcheck"]
CMD ["gunicorn", "-c", "service/gunicorn.conf.py"]
